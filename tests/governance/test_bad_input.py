"""What people should not send, on every governance route of a running gateway: refused, typed, without effect."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.council import Council, Person

HOME = "s3a://cdm-lake/users-general-warehouse/alice/"
TENANT = "s3a://cdm-lake/tenant-general-warehouse/kbase/"
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def house(councils: Council) -> Council:
    """Alice is read_write in kbase and its steward, bob is read_only there, erin is steward of hydro; carol governs."""
    councils.empty()
    carol = councils.person("carol", admin=True)
    for name in ("alice", "bob", "dave", "erin"):
        carol.ok("PUT", f"/v1/users/{name}", {})
    for tenant in ("kbase", "hydro"):
        carol.ok("PUT", f"/v1/tenants/{tenant}", {})
    carol.ok("PUT", "/v1/tenants/kbase/members/alice", {"access": "read_write"})
    carol.ok("PUT", "/v1/tenants/kbase/members/bob", {"access": "read_only"})
    carol.ok("PUT", "/v1/tenants/kbase/stewards/alice", {})
    carol.ok("PUT", "/v1/tenants/hydro/stewards/erin", {})
    return councils


@pytest.fixture
def unchanged(house: Council) -> Iterator[Council]:
    """The gateway; nothing may have changed after the test."""
    carol = house.person("carol", admin=True)
    before = carol.call("GET", "/v1/state").text.splitlines()[1:]
    yield house
    assert carol.call("GET", "/v1/state").text.splitlines()[1:] == before
    assert house.gateways[0].child.status is None


ROUTES = [
    pytest.param("PUT", "/v1/tenants/kbase", {"display_name": "x"}, id="put-tenant"),
    pytest.param("PATCH", "/v1/tenants/kbase", {"display_name": "x"}, id="patch-tenant"),
    pytest.param("PUT", "/v1/tenants/kbase/members/dave", {"access": "read_only"}, id="put-member"),
    pytest.param("PUT", "/v1/tenants/kbase/stewards/dave", {}, id="put-steward"),
    pytest.param("PUT", "/v1/users/fred", {"display_name": "x"}, id="put-user"),
    pytest.param("PATCH", "/v1/users/dave", {"display_name": "x"}, id="patch-user"),
    pytest.param(
        "POST", "/v1/shares", {"path": HOME + "x", "with": {"users": ["bob"]}, "access": "read"}, id="post-share"
    ),
]
BODIES = [
    pytest.param(lambda body: {**body, "is_admin": True}, id="unknown-member"),
    pytest.param(lambda body: {**body, "revision": 1}, id="member-of-answers"),
    pytest.param(lambda _: [], id="array"),
    pytest.param(lambda _: "text", id="string"),
    pytest.param(lambda _: None, id="null"),
    pytest.param(lambda body: json.dumps({**body, "x": float("nan")}), id="nan"),
    pytest.param(lambda body: json.dumps(body)[:-1] + ("," if body else "") + '"a":1,"a":1}', id="member-twice"),
    pytest.param(lambda body: "\ufeff" + json.dumps(body), id="bom"),
    pytest.param(lambda body: json.dumps(body)[:-1], id="cut-off"),
    pytest.param(lambda body: json.dumps(body) + "{}", id="two-objects"),
    pytest.param(lambda _: b'{"display_name":"\xff"}', id="not-utf-8"),
    pytest.param(lambda _: '{"display_name":"\\ud800"}', id="lone-surrogate"),
    pytest.param(lambda _: '{"display_name":' + "9" * 5000 + "}", id="a-number-of-5000-digits"),
    pytest.param(lambda _: "[" * 10_000, id="nested-10000-deep"),
    pytest.param(lambda body: dict.fromkeys(body or ["display_name"], 7), id="numbers-for-texts"),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
@pytest.mark.parametrize("spoil", BODIES)
def test_bodies(unchanged: Council, method: str, path: str, body: dict[str, Any], spoil: Any) -> None:
    spoiled = spoil(body)
    content = spoiled if isinstance(spoiled, str | bytes) else json.dumps(spoiled)
    carol = unchanged.person("carol", admin=True)

    assert carol.refusal(method, path, content=content, headers=JSON) == (400, "invalid_request")


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_forms_of_bodies(unchanged: Council, method: str, path: str, body: dict[str, Any]) -> None:
    carol = unchanged.person("carol", admin=True)
    text = json.dumps(body).encode()

    assert carol.refusal(method, path, content=text) == (415, "unsupported_media_type")
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert carol.refusal(method, path, content=b"access=read_only", headers=form) == (415, "unsupported_media_type")
    packed = {**JSON, "content-encoding": "gzip"}
    bomb = gzip.compress(b" " * 10_000_000)
    assert carol.refusal(method, path, content=bomb, headers=packed) == (415, "unsupported_media_type")
    assert carol.refusal(method, path, content=b" " * 300_000, headers=JSON) == (413, "too_large")

    def chunks() -> Iterator[bytes]:
        for _ in range(10):
            yield b" " * 50_000

    assert carol.refusal(method, path, content=chunks(), headers=JSON) == (413, "too_large")


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_without_a_token_or_with_somebody_elses(
    unchanged: Council, method: str, path: str, body: dict[str, Any]
) -> None:
    assert unchanged.nobody().refusal(method, path, body) == (401, "missing_token")
    forged = {"authorization": f"Bearer {unchanged.token('carol', admin=True)[:-4]}AAAA"}
    assert unchanged.nobody().refusal(method, path, body, headers=forged) == (401, "invalid_token")
    status, _ = unchanged.person("dave").refusal(method, path, body)
    assert status in {403, 404}


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
    ("who", "method", "path", "body", "found"),
    [
        pytest.param(
            "alice",
            "PUT",
            "/v1/tenants/hydro/members/dave",
            {"access": "read_only"},
            (404, "unknown_tenant"),
            id="steward-of-another-tenant",
        ),
        pytest.param(
            "alice", "PATCH", "/v1/tenants/hydro", {"display_name": "x"}, (404, "unknown_tenant"), id="metadata"
        ),
        pytest.param(
            "bob", "PUT", "/v1/tenants/kbase/members/dave", {"access": "read_only"}, (403, "not_steward"), id="member"
        ),
        pytest.param("bob", "PATCH", "/v1/tenants/kbase", {"display_name": "x"}, (403, "not_steward"), id="says"),
        pytest.param(
            "erin", "PUT", "/v1/tenants/hydro/members/erin", {"access": "read_only"}, (403, "not_steward"), id="joins"
        ),
        pytest.param(
            "alice", "PUT", "/v1/tenants/kbase/stewards/bob", {}, (403, "role_required"), id="names-a-steward"
        ),
        pytest.param("alice", "DELETE", "/v1/tenants/kbase/stewards/alice", None, (403, "role_required"), id="resigns"),
        pytest.param("alice", "PUT", "/v1/tenants/own", {}, (403, "role_required"), id="creates"),
        pytest.param("alice", "DELETE", "/v1/tenants/kbase", None, (403, "role_required"), id="deletes"),
        pytest.param("alice", "PATCH", "/v1/users/alice", {"disabled": False}, (403, "role_required"), id="oneself"),
        pytest.param("alice", "DELETE", "/v1/users/bob", None, (403, "role_required"), id="deletes-a-user"),
        pytest.param("alice", "GET", "/v1/users", None, (403, "role_required"), id="lists-users"),
        pytest.param("alice", "GET", "/v1/users/bob", None, (404, "unknown_user"), id="looks-at-another"),
        pytest.param("dave", "GET", "/v1/tenants/kbase", None, (404, "unknown_tenant"), id="stranger-looks"),
        pytest.param("dave", "GET", "/v1/shares?with=tenant:kbase", None, (404, "unknown_tenant"), id="stranger-lists"),
        pytest.param("dave", "GET", "/v1/shares?with=user:bob", None, (404, "unknown_user"), id="lists-another's"),
        pytest.param(
            "dave", "GET", "/v1/shares?owner=user:alice", None, (403, "not_owner"), id="lists-what-another-shares"
        ),
        pytest.param("dave", "GET", f"/v1/shares?path={HOME}x", None, (403, "not_owner"), id="lists-a-path"),
        pytest.param(
            "carol", "DELETE", "/v1/tenants/kbase/stewards/alice", None, (409, "last_steward"), id="last-steward"
        ),
        pytest.param(
            "carol", "DELETE", "/v1/users/alice", None, (409, "last_steward"), id="user-who-is-the-last-steward"
        ),
        pytest.param("carol", "PATCH", "/v1/users/carol", {"disabled": True}, (409, "conflict"), id="disables-oneself"),
        pytest.param("carol", "PUT", "/v1/tenants/kbasero", {}, (409, "already_exists"), id="half-of-another"),
        pytest.param("carol", "PUT", "/v1/users/alice", {}, (409, "already_exists"), id="user-again"),
        pytest.param("carol", "PUT", "/v1/tenants/Kbase", {}, (400, "invalid_name"), id="tenant-in-upper-case"),
        pytest.param("carol", "PUT", "/v1/tenants/k-base", {}, (400, "invalid_name"), id="tenant-with-a-dash"),
        pytest.param("carol", "PUT", "/v1/tenants/public", {}, (400, "invalid_name"), id="reserved-tenant"),
        pytest.param("carol", "PUT", "/v1/users/Alice", {}, (400, "invalid_name"), id="user-in-upper-case"),
        pytest.param("carol", "PUT", "/v1/users/a..b", {}, (400, "invalid_name"), id="two-dots"),
        pytest.param("carol", "PUT", "/v1/users/minio", {}, (400, "invalid_name"), id="reserved-user"),
        pytest.param("carol", "PUT", "/v1/users/%C3%A9ric", {}, (400, "invalid_name"), id="not-ascii"),
        pytest.param("carol", "PATCH", "/v1/users/dave", {"disabled": None}, (400, "invalid_request"), id="neither"),
        pytest.param(
            "carol", "PATCH", "/v1/tenants/kbase", {"website": "javascript:x"}, (400, "invalid_request"), id="script"
        ),
        pytest.param(
            "carol", "PATCH", "/v1/tenants/kbase", {"display_name": "a\u0007"}, (400, "invalid_request"), id="bell"
        ),
        pytest.param(
            "carol", "PATCH", "/v1/users/dave", {"email": "no address"}, (400, "invalid_request"), id="address"
        ),
        pytest.param(
            "carol",
            "PUT",
            "/v1/tenants/kbase/members/nobody",
            {"access": "read_only"},
            (404, "unknown_user"),
            id="nobody",
        ),
        pytest.param("carol", "DELETE", "/v1/users/nobody", None, (404, "unknown_user"), id="deletes-nobody"),
        pytest.param("carol", "DELETE", "/v1/tenants/nowhere", None, (404, "unknown_tenant"), id="deletes-nothing"),
        pytest.param("carol", "DELETE", "/v1/shares/s_x", None, (404, "unknown_share"), id="no-share-id"),
        pytest.param(
            "carol", "DELETE", "/v1/shares/s_aaaaaaaaaaaaaaaaaaaa", None, (404, "unknown_share"), id="no-share"
        ),
        pytest.param(
            "carol", "DELETE", "/v1/tenants/kbase/stewards/alice?force=1", None, (400, "invalid_request"), id="force"
        ),
        pytest.param("carol", "POST", "/v1/tenants", {}, (405, "invalid_request"), id="method"),
        pytest.param("carol", "TRACE", "/v1/tenants", None, (405, "invalid_request"), id="trace"),
    ],
)
def test_who_may_not_and_what_cannot(
    unchanged: Council, who: str, method: str, path: str, body: Any, found: tuple[int, str]
) -> None:
    person = unchanged.person(who, admin=who == "carol")

    if method == "TRACE":
        assert person.call(method, path).status_code == 405
    else:
        assert person.refusal(method, path, body) == found


@pytest.mark.parametrize(
    "path", ["/v1/tenants", "/v1/users", "/v1/shares", "/v1/shares?with=me", f"/v1/shares?path={HOME}x"]
)
@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=0",
        "limit=501",
        "limit=1000000000",
        "limit=1e2",
        "limit=",
        "limit=%D9%A3",
        "limit=10&limit=20",
        "cursor=",
        "cursor=x",
        "cursor=YQ==",
        "cursor=..%2F",
        "cursor=Kg",
        "cursor=" + "A" * 4000,
        "page=2",
        "cursor=_w",
        "cursor=YQphCg",
    ],
)
def test_pages_that_are_none(unchanged: Council, path: str, query: str) -> None:
    separator = "&" if "?" in path else "?"
    carol = unchanged.person("carol", admin=True)

    assert carol.refusal("GET", f"{path}{separator}{query}") == (400, "invalid_request")


@pytest.mark.parametrize(
    "query", ["owner=me&with=me", "owner=everyone", "with=", "with=bob", "owner=user:", "with=user:Bob"]
)
def test_lists_of_shares_that_are_none(unchanged: Council, query: str) -> None:
    status, code = unchanged.person("alice").refusal("GET", f"/v1/shares?{query}")

    assert (status, code in {"invalid_request", "invalid_name"}) == (400, True)


EDITS = [
    pytest.param("PUT", "/v1/tenants/kbase", {"display_name": "x"}, id="put-tenant"),
    pytest.param("PATCH", "/v1/tenants/kbase", {"display_name": "x"}, id="patch-tenant"),
    pytest.param("DELETE", "/v1/tenants/kbase", None, id="delete-tenant"),
    pytest.param("PUT", "/v1/tenants/kbase/members/dave", {"access": "read_only"}, id="put-member"),
    pytest.param("DELETE", "/v1/tenants/kbase/members/bob", None, id="delete-member"),
    pytest.param("PUT", "/v1/tenants/kbase/stewards/dave", {}, id="put-steward"),
    pytest.param("DELETE", "/v1/tenants/kbase/stewards/alice?force=true", None, id="delete-steward"),
    pytest.param("PATCH", "/v1/users/dave", {"display_name": "x"}, id="patch-user"),
    pytest.param("DELETE", "/v1/users/dave", None, id="delete-user"),
    pytest.param(
        "POST", "/v1/shares", {"path": HOME + "x", "with": {"users": ["bob"]}, "access": "read"}, id="post-share"
    ),
    pytest.param("PUT", "/v1/tenants/brandnew", {}, id="create-tenant"),
]


@pytest.mark.parametrize(("method", "path", "body"), EDITS)
def test_stale_edits(unchanged: Council, method: str, path: str, body: Any) -> None:
    carol = unchanged.person("carol", admin=True)

    assert carol.refusal(method, path, body, headers={"if-match": '"999999"'}) == (412, "stale_revision")
    for malformed in ("5", 'W/"5"', '"x"', '"1", "2"', '"-1"', '"٣"'.encode()):
        answer = carol.call(method, path, body, headers={"if-match": malformed})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


def test_any_revision_means_that_there_is_one(house: Council) -> None:
    carol, any_one = house.person("carol", admin=True), {"if-match": "*"}

    assert carol.refusal("PUT", "/v1/tenants/brandnew", {}, headers=any_one) == (412, "stale_revision")
    assert carol.call("PATCH", "/v1/tenants/kbase", {"organization": "x"}, headers=any_one).status_code == 200
    assert carol.call("PATCH", "/v1/tenants/kbase", {"organization": None}, headers=any_one).status_code == 200


def test_etags_tell_whether_something_changed(house: Council) -> None:
    carol = house.person("carol", admin=True)
    first = carol.call("GET", "/v1/tenants/kbase").headers["etag"]

    again = carol.call("PATCH", "/v1/tenants/kbase", {"display_name": None}).headers["etag"]
    changed = carol.call("PATCH", "/v1/tenants/kbase", {"display_name": "new"}, headers={"if-match": first})
    stale = carol.call("PATCH", "/v1/tenants/kbase", {"display_name": "newer"}, headers={"if-match": first})

    assert again == first  # it was so already
    assert changed.status_code == 200
    assert changed.headers["etag"] == carol.call("GET", "/v1/tenants/kbase").headers["etag"] != first
    assert stale.status_code == 412
    assert carol.ok("GET", "/v1/tenants/kbase")["display_name"] == "new"
    carol.ok("PATCH", "/v1/tenants/kbase", {"display_name": None})


def test_the_list_of_shares_has_a_revision_of_its_own(house: Council) -> None:
    alice = house.person("alice")
    body = {"path": HOME + "listed", "with": {"users": ["bob"]}, "access": "read"}
    seen = alice.call("GET", "/v1/shares").headers["etag"]

    made = alice.call("POST", "/v1/shares", body, headers={"if-match": seen})
    stale = alice.call("POST", "/v1/shares", {**body, "access": "write"}, headers={"if-match": seen})

    assert (made.status_code, stale.status_code) == (201, 412)
    share = made.json()["shares"][0]
    assert alice.call("GET", f"/v1/shares/{share['id']}").headers["etag"] == f'"{share["revision"]}"'
    assert alice.call("DELETE", f"/v1/shares/{share['id']}", headers={"if-match": seen}).status_code == 412
    alice.ok("DELETE", f"/v1/shares/{share['id']}", headers={"if-match": f'"{share["revision"]}"'})


def test_disabled_people_change_and_see_nothing(house: Council) -> None:
    carol, dave = house.person("carol", admin=True), house.person("dave")
    carol.ok("PATCH", "/v1/users/dave", {"disabled": True})
    share = {"path": HOME.replace("alice", "dave") + "x", "with": {"everyone": True}, "access": "read"}

    assert dave.refusal("POST", "/v1/shares", share) == (403, "role_required")
    assert dave.refusal("GET", "/v1/shares") == (403, "role_required")
    assert dave.refusal("GET", "/v1/tenants") == (403, "role_required")
    carol.ok("PATCH", "/v1/users/dave", {"disabled": False})
    assert dave.ok("GET", "/v1/tenants") == {"tenants": [], "cursor": None}


def test_an_identity_limited_to_one_folder_passes_on_nothing_else(house: Council) -> None:
    token = house.token("alice", groups=["narrow"])
    narrow = Person(house.gateways[0].url, token)
    inside, outside = HOME + "narrow/a", HOME + "wide"
    share = {"with": {"users": ["bob"]}, "access": "read"}

    assert narrow.refusal("POST", "/v1/shares", {"path": outside, **share}) == (403, "scope_not_granted")
    assert narrow.refusal("POST", "/v1/shares", {"path": inside, **share, "access": "write"}) == (
        403,
        "scope_not_granted",
    )
    member = {"access": "read_only"}
    assert narrow.refusal("PUT", "/v1/tenants/kbase/members/dave", member) == (403, "role_required")
    (made,) = narrow.ok("POST", "/v1/shares", {"path": inside, **share})["shares"]
    narrow.ok("DELETE", f"/v1/shares/{made['id']}")
    narrow.web.close()


def test_html_is_data(house: Council) -> None:
    carol = house.person("carol", admin=True)
    text = "<script>alert(1)</script>=HYPERLINK(1)"

    answer = carol.call("PATCH", "/v1/tenants/hydro", {"display_name": text})

    assert answer.json()["display_name"] == text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_no_answer_is_cached_and_every_one_has_an_id(house: Council) -> None:
    answers: list[httpx2.Response] = [
        house.person("alice").call("GET", path)
        for path in ("/v1/tenants", "/v1/shares", "/v1/users/alice", "/v1/state")
    ]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    assert all(answer.headers["x-request-id"] for answer in answers)
