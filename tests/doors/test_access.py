"""`/v1/access`, `/v1/explain`, `/v1/who-can` and lease sets, on the real stack."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.gateways import Api, api, s3_of
from tests.support.sts import allowed
from vendor.dev.stack import Stack

HOME = "s3://cdm-lake/users-general-warehouse/alice/"
KBASE = "s3a://cdm-lake/tenant-general-warehouse/kbase/"
BOBS = "s3://cdm-lake/users-general-warehouse/bob/"


@dataclass(frozen=True)
class People:
    """Calls as each of the stack's users."""

    alice: Api
    bob: Api
    carol: Api


@pytest.fixture
def people(seaweedfs_stack: Stack) -> Iterator[People]:
    with (
        api(seaweedfs_stack, "alice") as alice,
        api(seaweedfs_stack, "bob") as bob,
        api(seaweedfs_stack, "carol") as carol,
    ):
        yield People(alice, bob, carol)


def test_everything_that_is_granted_and_what_it_weighs(people: People) -> None:
    found = people.bob.call("GET", "/v1/access").json()

    grants = {(grant["path"], grant["access"], grant["source"]) for grant in found["grants"]}
    assert (BOBS, "write", "home") in grants
    assert (KBASE.replace("s3a", "s3"), "read", "tenant:kbase") in grants
    assert found["policy"]["limit"] == 2048
    assert sum(grant["bytes"] for grant in found["grants"]) < found["policy"]["bytes"] <= 2048
    lease = people.bob.lease()["lease"]
    assert lease["policy"]["bytes"] == found["policy"]["bytes"]


@pytest.mark.parametrize(
    ("who", "path", "action", "verdict"),
    [
        ("alice", HOME + "x", "write", True),
        ("alice", KBASE, "s3:PutObject", True),
        ("bob", KBASE, "read", True),
        ("bob", KBASE, "write", False),
        ("bob", KBASE, "s3:DeleteObject", False),
        ("bob", HOME, "read", False),
        ("alice", HOME, "s3:PutBucketPolicy", False),
    ],
)
def test_why_and_why_not(people: People, who: str, path: str, action: str, verdict: bool) -> None:
    answer = getattr(people, who).call("POST", "/v1/explain", {"path": path, "action": action})

    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["allowed"] is verdict
    assert bool(found["because"]) is verdict
    assert found["remedy"]


def test_the_remedy_names_whom_to_ask(people: People) -> None:
    def remedy(path: str) -> str:
        return str(people.bob.call("POST", "/v1/explain", {"path": path, "action": "write"}).json()["remedy"])

    assert "alice" in remedy(HOME)
    assert "kbase" in remedy(KBASE)


def test_for_somebody_else(people: People) -> None:
    body = {"path": KBASE, "action": "write", "as": "bob"}

    assert people.carol.call("POST", "/v1/explain", body).json()["allowed"] is False
    assert people.alice.call("POST", "/v1/explain", body).json()["allowed"] is False
    assert people.alice.refusal("POST", "/v1/explain", {**body, "path": BOBS}) == (403, "not_steward")
    assert people.bob.refusal("POST", "/v1/explain", {**body, "as": "alice"}) == (403, "not_steward")
    assert people.carol.refusal("POST", "/v1/explain", {**body, "as": "nobody"}) == (404, "unknown_user")


def test_a_steward_learns_nothing_about_other_tenants(people: People) -> None:
    body = {"path": KBASE, "action": "write", "as": "carol"}

    as_steward = people.alice.call("POST", "/v1/explain", body).json()
    as_admin = people.carol.call("POST", "/v1/explain", body).json()

    assert any("hydro" in grant["path"] for grant in as_admin["nearest"])
    assert as_steward["nearest"] == []
    assert "hydro" not in as_steward["remedy"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"path": HOME},
        {"path": HOME, "action": "fly"},
        {"path": HOME, "action": "s3:*"},
        {"path": "x", "action": "read"},
    ],
)
def test_questions_that_make_no_sense(people: People, body: dict[str, str]) -> None:
    assert people.alice.refusal("POST", "/v1/explain", body)[0] == 400


def test_who_reaches_a_tenant_s_path(people: People) -> None:
    people.bob.lease((KBASE, "read"))

    found = people.alice.call("GET", f"/v1/who-can?path={KBASE}").json()["holders"]
    writers = people.alice.call("GET", f"/v1/who-can?path={KBASE}&access=write").json()["holders"]

    by_holder = {holder["holder"]: holder for holder in found}
    assert by_holder["user:bob"]["source"] == "tenant:kbase"
    assert by_holder["user:bob"]["live_leases"] >= 1
    assert "user:alice" in by_holder
    assert [holder["holder"] for holder in writers] == ["user:alice"]
    assert people.bob.refusal("GET", f"/v1/who-can?path={KBASE}") == (403, "not_owner")


def test_who_reaches_a_home_through_shares(people: People) -> None:
    path = HOME + "who-can/"
    body = {"path": path, "with": {"users": ["bob"], "tenants": ["kbase"]}, "access": "read"}
    shares = people.alice.call("POST", "/v1/shares", body).json()["shares"]
    try:
        found = people.alice.call("GET", f"/v1/who-can?path={path}deeper/").json()["holders"]
        above = people.alice.call("GET", f"/v1/who-can?path={HOME}").json()["holders"]
    finally:
        for share in shares:
            people.alice.call("DELETE", f"/v1/shares/{share['id']}")

    assert {holder["holder"] for holder in found} == {"user:alice", "user:bob", "tenant:kbase"}
    assert {(holder["holder"], holder["whole"]) for holder in above} >= {("user:alice", True), ("user:bob", False)}


@pytest.mark.parametrize("query", ["", "path=x", f"path={HOME}&access=admin", f"path={HOME}&x=1"])
def test_who_can_of_nothing(people: People, query: str) -> None:
    assert people.alice.refusal("GET", f"/v1/who-can?{query}")[0] == 400


def test_a_scope_that_needs_several_leases(seaweedfs_stack: Stack) -> None:
    """On a gateway that keeps no ceilings: with them, one lease holds it all."""
    folders = [f"users-general-warehouse/alice/split-{number:02}-{'x' * 60}/" for number in range(30)]
    scope = [{"path": f"s3://cdm-lake/{folder}", "access": "write"} for folder in folders]
    plain = seaweedfs_stack.add_gateway("without-ceilings", VENDOR_STORE_OPERATOR_POLICY="")
    with api(seaweedfs_stack, "alice", url=plain.url) as alice:
        assert alice.refusal("POST", "/v1/leases", {"scope": scope}) == (422, "policy_too_large")
        answer = alice.call("POST", "/v1/leases", {"scope": scope, "split": True})
    plain.child.stop()

    assert answer.status_code == 201, answer.text
    leases = answer.json()["leases"]
    assert 2 <= len(leases) <= 8
    covered = [entry["path"].removeprefix("s3://cdm-lake/") for lease in leases for entry in lease["lease"]["scope"]]
    assert sorted(covered) == folders
    assert len({lease["lease"]["id"] for lease in leases}) == len(leases)
    for lease in leases:
        s3 = s3_of(lease)
        mine = {entry["path"].removeprefix("s3://cdm-lake/") for entry in lease["lease"]["scope"]}
        for folder in (folders[0], folders[-1]):
            put = allowed(lambda s3=s3, folder=folder: s3.put_object(Bucket="cdm-lake", Key=folder + "x", Body=b""))  # type: ignore[misc]
            assert put is (folder in mine)


def test_a_scope_that_one_lease_with_a_ceiling_holds(people: People) -> None:
    folders = [f"users-general-warehouse/alice/split-{number:02}-{'x' * 60}/" for number in range(30)]
    scope = [{"path": f"s3://cdm-lake/{folder}", "access": "write"} for folder in folders]
    people.alice.call("DELETE", "/v1/leases?user=alice")  # so that a slot is free, whoever was here before

    answer = people.alice.call("POST", "/v1/leases", {"scope": scope, "split": True}).json()

    (lease,) = answer["leases"]
    assert lease["lease"]["policy"]["form"] == "ceiling"
    s3 = s3_of(lease)
    assert all(allowed(lambda key=folder: s3.list_objects_v2(Bucket="cdm-lake", Prefix=key)) for folder in folders)  # type: ignore[misc]
    assert not allowed(lambda: s3.get_object(Bucket="cdm-lake", Key="users-general-warehouse/alice/hello.txt"))


def test_a_set_of_one(people: People) -> None:
    leases = people.alice.call("POST", "/v1/leases", {"split": True}).json()["leases"]

    assert len(leases) == 1
    assert people.bob.refusal("POST", "/v1/leases", {"split": True, "scope": [{"path": HOME, "access": "read"}]}) == (
        403,
        "scope_not_granted",
    )
