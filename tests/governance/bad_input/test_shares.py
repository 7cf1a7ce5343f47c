"""Paths and targets that nobody can share, and keys that look odd and are kept as they are."""

from typing import Any

import pytest

from tests.support.council import Council

HOME = "s3a://cdm-lake/users-general-warehouse/alice/"

BAD_KEYS = [
    "*",
    "a*",
    "a?b",
    "a${x}b",
    "$",
    "a$b",
    "{x}",
    "../bob/",
    "a/../b",
    "./a",
    "a/./b",
    "a//b",
    "/a",
    "%2e%2e/bob",
]
BAD_KEYS += ["a%2fb", "a%00", "a\\b", "a ", " a", "a.", "a/b./c", "a\u0000", "a\nb", "a\u202eb", "a\u200bb", "x" * 1100]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        *(pytest.param(HOME + bad, "invalid_path", id=f"key-{bad!a}"[:40]) for bad in BAD_KEYS),
        pytest.param("s3n://cdm-lake/users-general-warehouse/alice/x", "invalid_path", id="another-scheme"),
        pytest.param("S3://cdm-lake/users-general-warehouse/alice/x", "invalid_path", id="scheme-in-upper-case"),
        pytest.param("https://cdm-lake/users-general-warehouse/alice/x", "invalid_path", id="https"),
        pytest.param("s3a:///users-general-warehouse/alice/x", "invalid_path", id="no-bucket"),
        pytest.param("s3a://CDM-lake/users-general-warehouse/alice/x", "invalid_path", id="bucket-in-upper-case"),
        pytest.param("s3a://127.0.0.1/users-general-warehouse/alice/x", "invalid_path", id="address-as-bucket"),
        pytest.param("s3a://cdm-lake", "invalid_path", id="whole-bucket"),
        pytest.param("s3a://cdm-lake/", "invalid_path", id="whole-bucket-with-slash"),
        pytest.param("s3a://cdm-lake//", "invalid_path", id="empty-key"),
        pytest.param("", "invalid_path", id="nothing"),
        pytest.param("/", "invalid_path", id="slash"),
        pytest.param("s3a://cdm-lake/users-general-warehouse/", "not_owner", id="all-homes"),
        pytest.param("s3a://cdm-lake/users-general-warehouse/alice2/x", "not_owner", id="sibling"),
        pytest.param("s3a://cdm-lake/users-general-warehouse/Alice/x", "not_owner", id="other-case"),
        pytest.param("s3a://cdm-lake/users-general-warehouse/bob/x", "not_owner", id="another-home"),
        pytest.param("s3a://other-lake/users-general-warehouse/alice/x", "not_owner", id="another-bucket"),
        pytest.param("s3a://cdm-lake/tenant-general-warehouse/hydro/x", "not_owner", id="another-tenant"),
        pytest.param("s3a://cdm-lake/tenant-general-warehouse/kbase2/x", "not_owner", id="sibling-of-a-tenant"),
    ],
)
def test_paths_that_alice_cannot_share(unchanged: Council, path: str, code: str) -> None:
    body = {"path": path, "with": {"users": ["bob"]}, "access": "read"}

    found = unchanged.person("alice").refusal("POST", "/v1/shares", body)

    assert found == (400 if code == "invalid_path" else 403, code)


@pytest.mark.parametrize(
    "key",
    ["ü/é", "u\u0308/e\u0301", "😀", "100%", "50%-off", "a b", "a<&>b", "日本/語", "x" * 900, "a.b/c", "=cmd|x"],
)
def test_keys_are_kept_byte_by_byte(house: Council, key: str) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    body = {"path": HOME + key, "with": {"users": ["bob"]}, "access": "read"}

    (share,) = alice.ok("POST", "/v1/shares", body)["shares"]

    assert share["path"] == HOME + key
    (found,) = bob.ok("GET", "/v1/shares?with=me")["shares"]
    assert found["path"] == HOME + key
    (at,) = alice.ok("GET", "/v1/shares", params={"path": HOME.replace("s3a", "s3") + key + "/"})["shares"]
    assert at["id"] == share["id"]
    alice.ok("DELETE", f"/v1/shares/{share['id']}")


def test_twins_in_unicode_are_two(house: Council) -> None:
    alice = house.person("alice")
    with_bob = {"with": {"users": ["bob"]}, "access": "read"}

    (one,) = alice.ok("POST", "/v1/shares", {"path": HOME + "\u00e9", **with_bob})["shares"]
    (other,) = alice.ok("POST", "/v1/shares", {"path": HOME + "e\u0301", **with_bob})["shares"]

    assert one["id"] != other["id"]
    for share in (one, other):
        alice.ok("DELETE", f"/v1/shares/{share['id']}")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param({"with": {"users": ["alice"]}}, (400, "invalid_request"), id="oneself"),
        pytest.param({"with": {"users": ["bob", "alice"]}}, (400, "invalid_request"), id="oneself-among-others"),
        pytest.param({"with": {"users": ["nobody"]}}, (404, "unknown_user"), id="unknown-user"),
        pytest.param({"with": {"tenants": ["nowhere"]}}, (404, "unknown_tenant"), id="unknown-tenant"),
        pytest.param({"with": {"users": ["Bob"]}}, (400, "invalid_name"), id="upper-case"),
        pytest.param({"with": {"users": ["*"]}}, (400, "invalid_name"), id="wildcard"),
        pytest.param({"with": {"users": ["a/b"]}}, (400, "invalid_name"), id="slash"),
        pytest.param({"with": {"tenants": ["admin"]}}, (400, "invalid_name"), id="reserved"),
        pytest.param({"with": {}}, (400, "invalid_request"), id="nobody"),
        pytest.param({"with": {"everyone": "yes"}}, (400, "invalid_request"), id="text-for-a-flag"),
        pytest.param({"with": {"users": ["bob"] * 101}}, (400, "invalid_request"), id="too-many"),
        pytest.param({"with": {"users": ["bob"], "groups": ["x"]}}, (400, "invalid_request"), id="unknown-target"),
        pytest.param({"access": "admin"}, (400, "invalid_request"), id="level"),
        pytest.param({"access": None}, (400, "invalid_request"), id="no-level"),
        pytest.param({"expires_at": "2020-01-01T00:00:00Z"}, (400, "invalid_request"), id="over-already"),
        pytest.param({"expires_at": "2999-01-01T00:00:00"}, (400, "invalid_request"), id="no-offset"),
        pytest.param({"expires_at": "tomorrow"}, (400, "invalid_request"), id="no-time"),
        pytest.param({"expires_at": 4102444800}, (400, "invalid_request"), id="a-number"),
        pytest.param({"expires_at": "0001-01-01T00:00:00+23:59"}, (400, "invalid_request"), id="before-all-time"),
        pytest.param(
            {"path": HOME + "x", "with": {"users": ["bob"], "everyone": None}}, (400, "invalid_request"), id="null"
        ),
    ],
)
def test_shares_that_make_no_sense(unchanged: Council, body: dict[str, Any], found: tuple[int, str]) -> None:
    complete = {"path": HOME + "x", "with": {"users": ["bob"]}, "access": "read", **body}

    assert unchanged.person("alice").refusal("POST", "/v1/shares", complete) == found


def test_a_deleted_tenant_is_no_target(house: Council) -> None:
    carol, alice = house.person("carol", admin=True), house.person("alice")
    carol.ok("PUT", "/v1/tenants/brief", {})
    body = {"path": HOME + "x", "with": {"tenants": ["brief"]}, "access": "read"}
    (share,) = alice.ok("POST", "/v1/shares", body)["shares"]

    carol.ok("DELETE", "/v1/tenants/brief")

    assert alice.refusal("GET", f"/v1/shares/{share['id']}") == (404, "unknown_share")
    assert alice.refusal("POST", "/v1/shares", body) == (404, "unknown_tenant")


@pytest.mark.parametrize(
    "query", ["owner=me&with=me", "owner=everyone", "with=", "with=bob", "owner=user:", "with=user:Bob"]
)
def test_lists_of_shares_that_are_none(unchanged: Council, query: str) -> None:
    status, code = unchanged.person("alice").refusal("GET", f"/v1/shares?{query}")

    assert (status, code in {"invalid_request", "invalid_name"}) == (400, True)
