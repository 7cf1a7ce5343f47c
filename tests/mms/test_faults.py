"""Faults of MMS, by the number under which they were written down, and that they are gone."""

import threading
import time

import pytest

from tests.mms.generated import GENERATIONS, Generation, parse
from tests.mms.people import People, Person, events
from tests.support.sts import allowed
from vendor.doors.mms import models
from vendor.doors.mms.door import OPERATIONS


def put(one: Person, name: str) -> str:
    """Put an object into somebody's home and return its key."""
    key = f"users-general-warehouse/{one.name}/{name}"
    one.stack.store.site.client().put_object(Bucket=one.stack.bucket, Key=key, Body=b"x")
    return key


def reads(one: Person, key: str) -> bool:
    """Say whether somebody's present keys read an object."""
    return allowed(lambda: one.s3().get_object(Bucket=one.stack.bucket, Key=key))


def writes(one: Person, key: str) -> bool:
    """Say whether somebody's present keys write an object."""
    return allowed(lambda: one.s3().put_object(Bucket=one.stack.bucket, Key=key, Body=b"y"))


def test_3_a_share_opens_its_path_and_never_the_folder_above(ann: Person, ben: Person) -> None:
    secret, inside, sibling = put(ann, "secret"), put(ann, "foo/x"), put(ann, "foobar/x")
    wild = {"path": ann.home + "foo*", "with_users": [ben.name], "permission": "read"}
    assert ann.error("POST", "/sharing/share", wild) == (400, 20015)

    ann.post("/sharing/share", {**wild, "path": ann.home + "foo"})

    assert reads(ben, inside)
    assert not reads(ben, secret)
    assert not reads(ben, sibling)
    home = f"users-general-warehouse/{ann.name}/"
    assert not allowed(lambda: ben.s3().list_objects_v2(Bucket=ben.stack.bucket, Prefix=home))


def test_4_sharing_with_oneself_takes_nothing_away(ann: Person) -> None:
    key = put(ann, "x")
    for path in (ann.home + "x", ann.home):
        answer = ann.post("/sharing/share", {"path": path, "with_users": [ann.name], "permission": "read"}, status=207)
        assert answer["success_count"] == 0
        ann.post("/sharing/unshare", {"path": path, "from_users": [ann.name]})

    assert writes(ann, key)
    assert ann.get("/workspaces/me")["home_paths"]


def test_5_public_means_that_everyone_reads(ann: Person, ben: Person) -> None:
    key = put(ann, "open/x")

    ann.post("/sharing/make-public", {"path": ann.home + "open"})

    assert reads(ben, key)
    assert not writes(ben, key)
    ann.post("/sharing/make-public", {"path": ann.home + "open", "permission": "write"})
    assert writes(ben, key)
    ann.post("/sharing/make-private", {"path": ann.home + "open"})


def test_6_who_reaches_a_path_is_told_to_its_owner_stewards_and_administrators_only(
    ann: Person, ben: Person, people: People, carol: Person
) -> None:
    tenant = people.tenant(ann, readers=(ben,))
    carol.post(f"/tenants/{tenant}/stewards/{ann.name}")
    ann.post("/sharing/share", {"path": ann.home + "x", "with_users": [ben.name]})
    of_tenant = f"s3a://{ann.stack.bucket}/tenant-general-warehouse/{tenant}/x"

    for path in (ann.home + "x", of_tenant):
        assert ann.post("/sharing/get_path_access_info", {"path": path})
        assert carol.post("/sharing/get_path_access_info", {"path": path})
        assert ben.error("POST", "/sharing/get_path_access_info", {"path": path}) == (403, 20042)


def test_6_how_to_write_to_stewards_is_told_to_those_inside_only(
    ann: Person, ben: Person, people: People, carol: Person
) -> None:
    tenant = people.tenant(ann, readers=(ben,))
    carol.post(f"/tenants/{tenant}/stewards/{ann.name}")
    outside = people.person("out")

    assert [one["email"] for one in ben.get(f"/tenants/{tenant}")["stewards"]] == [f"{ann.name}@example.org"]
    (seen,) = outside.get(f"/tenants/{tenant}")["stewards"]
    assert (seen["username"], seen["email"]) == (ann.name, None)


def test_8_regenerating_policies_loses_no_share(ann: Person, ben: Person, people: People, carol: Person) -> None:
    reader = people.person("reader")
    tenant = people.tenant(readers=(reader,))
    key = put(ann, "x/y")
    ask = {"path": ann.home + "x", "with_users": [ben.name], "with_groups": [tenant], "permission": "write"}
    ann.post("/sharing/share", ask)
    before = [one.get("/workspaces/me") for one in (ann, ben, reader)]

    answer = carol.post("/management/migrate/regenerate-policies")

    assert answer["errors"] == []
    assert answer["users_updated"] == carol.get("/management/users/names")["total_count"]
    assert answer["groups_updated"] == carol.get("/management/groups/names")["total_count"]
    assert [one.get("/workspaces/me") for one in (ann, ben, reader)] == before
    assert writes(ben, key)
    assert reads(reader, key)


def test_9_making_a_user_known_again_invents_no_keys_and_spoils_none(ann: Person, carol: Person) -> None:
    keys = ann.get("/credentials/")

    answer = carol.post(f"/management/users/{ann.name}", status=201)

    assert answer["secret_key"] == answer["s3_secret_key"] == "<redacted>"
    assert ann.get("/credentials/") == keys
    assert allowed(lambda: ann.s3(keys).list_objects_v2(Bucket=ann.stack.bucket, Prefix=_home(ann)))


def test_9_a_new_user_s_first_keys_are_the_first_there_are(people: People, carol: Person) -> None:
    new = people.person("new", known=False)
    carol.post(f"/management/users/{new.name}", status=201)
    first = new.get("/credentials/")

    assert new.get("/credentials/") == first
    issued = [one for one in events(new.stack) if one["kind"] == "vend.issued" and one["actor"]["name"] == new.name]
    assert len(issued) == 1


def test_10_creating_a_group_that_exists_tells_its_true_members(ann: Person, ben: Person, people: People) -> None:
    tenant = people.tenant(ann, ben)

    answer = people.admin().post(f"/management/groups/{tenant}", status=201)

    assert answer["members"] == sorted([ann.name, ben.name])
    assert answer["member_count"] == 2


def test_10_an_administrator_who_never_asked_for_keys_can_create_a_group(people: People) -> None:
    chief = people.person("chief", known=False, admin=True)

    answer = chief.post(f"/management/groups/g{chief.name}", status=201)

    assert answer["members"] == [chief.name]


def test_11_a_member_who_is_moved_is_never_outside(people: People, carol: Person) -> None:
    """Read over and over while the level goes back and forth: always a member, at one level or the other."""
    member = people.person("move")
    tenant = people.tenant(member)
    seen: list[list[str]] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.append(member.get("/workspaces/me/groups")["groups"])

    watching = threading.Thread(target=look)
    watching.start()
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline:
        for level in ("read_only", "read_write"):
            carol.post(f"/tenants/{tenant}/members/{member.name}?permission={level}")
    stop.set()
    watching.join()

    assert {tuple(groups) for groups in seen} == {(tenant,), (f"{tenant}ro",)}


def test_11_what_fails_changes_nothing(ann: Person, people: People, carol: Person) -> None:
    tenant = people.tenant(ann)
    before = carol.get("/management/groups")
    for path in (f"/tenants/{tenant}/members/nosuchuser", f"/management/groups/{tenant}ro/members/nosuchuser"):
        assert carol.error("POST", path) == (400, 20040)

    assert carol.get("/management/groups") == before
    assert not [one for one in carol.get("/management/users/names")["usernames"] if "shadow" in one]


@pytest.mark.parametrize("name", ["hydro", "euro", "micro"])
def test_13_a_tenant_may_end_in_ro(people: People, ann: Person, ben: Person, name: str) -> None:
    tenant = people.tenant(ann, readers=(ben,), name=f"{name[:-2]}{ann.name[3:]}ro")

    assert ann.get("/workspaces/me/groups")["groups"] == [tenant]
    assert ben.get("/workspaces/me/groups")["groups"] == [f"{tenant}ro"]
    assert ann.get(f"/workspaces/me/groups/{tenant}")["group_name"] == tenant
    assert ben.get(f"/workspaces/me/groups/{tenant}ro")["group_name"] == tenant
    assert ann.get(f"/workspaces/me/namespace-prefix?tenant={tenant}")["tenant_namespace_prefix"] == f"{tenant}_"
    assert ann.get(f"/tenants/{tenant}")["metadata"]["tenant_name"] == tenant
    paths = ann.get("/workspaces/me/accessible-paths")["accessible_paths"]
    assert f"s3a://{ann.stack.bucket}/tenant-general-warehouse/{tenant}/" in paths


def test_15_patch_can_clear_a_field(people: People, carol: Person) -> None:
    tenant = people.tenant()
    carol.call("PATCH", f"/tenants/{tenant}", {"website": "https://example.org/", "description": "One"})

    answer = carol.call("PATCH", f"/tenants/{tenant}", {"website": ""})

    assert answer.status_code == 200
    assert (answer.json()["website"], answer.json()["description"]) == (None, "One")


@pytest.mark.parametrize("generation", GENERATIONS, ids=str)
def test_15_a_partial_success_has_the_form_that_is_promised_for_it(ann: Person, generation: Generation) -> None:
    promised = {operation.path: operation.answers for operation in OPERATIONS}
    assert promised["/sharing/share"][207] is models.ShareResponse
    assert promised["/sharing/unshare"][207] is models.UnshareResponse
    path = {"path": ann.home + "x"}

    shared = ann.post("/sharing/share", {**path, "with_users": ["nosuchuser"]}, status=207)
    unshared = ann.post("/sharing/unshare", {**path, "from_groups": ["nosuchgroup"]}, status=207)

    parse("ShareResponse", shared, generation)
    parse("UnshareResponse", unshared, generation)
    assert len(shared["errors"]) == len(unshared["errors"]) == 1


def _home(one: Person) -> str:
    return f"users-general-warehouse/{one.name}/"
