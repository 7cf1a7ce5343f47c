"""`/management`: users, groups, policies, and deleting what belonged to them."""

import secrets

import pytest

from tests.mms.people import People, Person, events
from tests.support.sts import allowed
from vendor.dev.stack import Stack


def keys_under(stack: Stack, prefix: str) -> list[str]:
    """Every object of a folder, as the store's administrator sees them."""
    pages = stack.store.site.client().get_paginator("list_objects_v2").paginate(Bucket=stack.bucket, Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


# Users --------------------------------------------------------------------------------------------------------------


def test_pages_of_users_hold_everybody_once(people: People, carol: Person) -> None:
    made = {people.person("page").name for _ in range(5)}
    names = carol.get("/management/users/names")
    assert made <= set(names["usernames"])
    assert names["usernames"] == sorted(names["usernames"])
    assert names["total_count"] == len(names["usernames"])

    listed: list[str] = []
    page, more = 1, True
    while more:
        answer = carol.get(f"/management/users?page={page}&page_size=3")
        assert answer["retrieved_count"] == len(answer["users"]) <= answer["page_size"] == 3
        assert answer["total_pages"] == -(-answer["total_count"] // 3)
        assert answer["has_prev"] is (page > 1)
        listed += (user["username"] for user in answer["users"])
        page, more = page + 1, answer["has_next"]

    assert listed == carol.get("/management/users/names")["usernames"]


def test_a_listed_user_is_the_same_as_they_see_themself(
    ann: Person, ben: Person, people: People, carol: Person
) -> None:
    people.tenant(ann)
    ben.post("/sharing/share", {"path": ben.home + "x", "with_users": [ann.name]})
    names = carol.get("/management/users/names")["usernames"]

    (listed,) = carol.get(f"/management/users?page={names.index(ann.name) + 1}&page_size=1")["users"]

    assert listed == ann.get("/workspaces/me")


@pytest.mark.parametrize("name", ["A-B", "root", "a..b", "a" * 65])
def test_names_that_no_user_has(carol: Person, name: str) -> None:
    for method, path in (("POST", ""), ("DELETE", ""), ("POST", "/rotate-credentials")):
        assert carol.error(method, f"/management/users/{name}{path}") == (400, 20030)


def test_rotating_another_user_gives_them_other_keys_and_shows_nobody_any(ann: Person, carol: Person) -> None:
    before = ann.get("/credentials/")

    answer = carol.post(f"/management/users/{ann.name}/rotate-credentials")

    assert answer["operation"] == "rotate"
    assert answer["secret_key"] == answer["s3_secret_key"] == "<redacted>"
    assert before["secret_key"] not in str(answer)
    assert ann.get("/credentials/")["access_key"] != before["access_key"]


def test_rotating_somebody_unknown_makes_them_known(people: People, carol: Person) -> None:
    name = f"rot{secrets.token_hex(4)}"

    assert carol.post(f"/management/users/{name}/rotate-credentials")["groups"] == []
    assert name in carol.get("/management/users/names")["usernames"]


def test_rotating_everybody(ann: Person, ben: Person, carol: Person) -> None:
    before = [one.get("/credentials/")["lease_id"] for one in (ann, ben)]

    answer = carol.post("/management/credentials/rotate-all-credentials")

    assert answer["users_rotated"] == carol.get("/management/users/names")["total_count"]
    assert (answer["users_failed"], answer["errors"], answer["performed_by"]) == (0, [], "carol")
    assert not set(before) & {one.get("/credentials/")["lease_id"] for one in (ann, ben)}


def test_a_deleted_user_is_gone_and_their_objects_stay(ann: Person, ben: Person, carol: Person) -> None:
    stack, home = ann.stack, f"users-general-warehouse/{ann.name}/"
    ann.s3().put_object(Bucket=stack.bucket, Key=f"{home}x", Body=b"x")
    ann.post("/sharing/share", {"path": ann.home + "x", "with_users": [ben.name]})

    answer = carol.call("DELETE", f"/management/users/{ann.name}").json()

    assert answer == {
        "resource_type": "user",
        "resource_name": ann.name,
        "message": f"User {ann.name} deleted successfully",
        "purged": None,
    }
    assert ann.name not in carol.get("/management/users/names")["usernames"]
    assert not [path for path in ben.get("/workspaces/me/accessible-paths")["accessible_paths"] if ann.name in path]
    assert f"{home}x" in keys_under(stack, home)
    assert carol.error("DELETE", f"/management/users/{ann.name}") == (400, 20030)


# Deleting objects ---------------------------------------------------------------------------------------------------


ODD_KEYS = ["plain", "deep/er/x", "a b+c&d<e>'\"", "ünï", "per%41cent", "line\nbreak", "tab\there", "x" * 200, "{b}"]


def test_purging_a_user_deletes_what_was_theirs_and_nothing_beside(ann: Person, people: People, carol: Person) -> None:
    stack, admin = ann.stack, ann.stack.store.site.client()
    ann.get("/credentials/")
    mine = [f"users-{kind}-warehouse/{ann.name}/{key}" for kind in ("general", "sql") for key in ODD_KEYS]
    beside = [
        f"users-general-warehouse/{ann.name}2/x",
        f"users-general-warehouse/{ann.name}",
        f"users-general-warehouse/{ann.name[:-1]}/x",
        f"elsewhere/{ann.name}/x",
    ]
    for key in mine + beside:
        admin.put_object(Bucket=stack.bucket, Key=key, Body=b"x")
    present = sum(len(keys_under(stack, f"users-{kind}-warehouse/{ann.name}/")) for kind in ("general", "sql"))

    answer = carol.call("DELETE", f"/management/users/{ann.name}?purge_data=true").json()

    assert answer["purged"] == {
        "removed": present,
        "complete": True,
        "prefixes": [f"s3://{stack.bucket}/users-{kind}-warehouse/{ann.name}/" for kind in ("general", "sql")],
    }
    assert present == len(mine) + 2
    for kind in ("general", "sql"):
        assert keys_under(stack, f"users-{kind}-warehouse/{ann.name}/") == []
    for key in beside:
        assert allowed(lambda key=key: admin.head_object(Bucket=stack.bucket, Key=key))  # type: ignore[misc]
        admin.delete_object(Bucket=stack.bucket, Key=key)


def test_a_purge_is_on_record_with_the_keys_it_used(ann: Person, carol: Person) -> None:
    ann.get("/credentials/")
    carol.call("DELETE", f"/management/users/{ann.name}?purge_data=true")

    paths = [f"s3://{ann.stack.bucket}/users-{kind}-warehouse/{ann.name}/" for kind in ("general", "sql")]
    begun, done = (event for event in events(ann.stack) if event.get("paths") == paths)

    assert (begun["kind"], done["kind"]) == ("data.purge_begun", "data.purged")
    assert begun["actor"]["name"] == "carol"
    assert begun["access_key_id"]
    assert begun["lease"] == done["lease"]
    assert (done["removed"], done["complete"]) == (2, True)


def test_more_objects_than_one_page(ann: Person, carol: Person) -> None:
    stack, admin = ann.stack, ann.stack.store.site.client()
    for number in range(1100):
        admin.put_object(Bucket=stack.bucket, Key=f"users-sql-warehouse/{ann.name}/{number:04}", Body=b"")

    answer = carol.call("DELETE", f"/management/users/{ann.name}?purge_data=true").json()

    assert answer["purged"]["removed"] == 1100
    assert keys_under(stack, f"users-sql-warehouse/{ann.name}/") == []


def test_asking_again_purges_what_is_left_of_one_who_is_gone(ann: Person, carol: Person) -> None:
    admin, key = ann.stack.store.site.client(), f"users-general-warehouse/{ann.name}/left"
    carol.call("DELETE", f"/management/users/{ann.name}")
    admin.put_object(Bucket=ann.stack.bucket, Key=key, Body=b"x")

    again = carol.call("DELETE", f"/management/users/{ann.name}?purge_data=true")

    assert (again.status_code, again.json()["purged"]["removed"]) == (200, 1)
    assert carol.error("DELETE", f"/management/users/{ann.name}?purge_data=true") == (400, 20030)


@pytest.mark.parametrize("query", ["purge_data=maybe", "force=2"])
def test_flags_that_are_none(ann: Person, carol: Person, query: str) -> None:
    assert carol.call("DELETE", f"/management/users/{ann.name}?{query}").status_code == 422
    assert ann.name in carol.get("/management/users/names")["usernames"]


# Groups -------------------------------------------------------------------------------------------------------------


def test_groups_are_listed_by_their_halves(ann: Person, ben: Person, people: People, carol: Person) -> None:
    tenant = people.tenant(ann, readers=(ben,))
    names = ann.get("/management/groups/names")
    assert {tenant, f"{tenant}ro"} <= set(names["group_names"])
    assert names["total_count"] == len(names["group_names"])

    groups = {entry["group_name"]: entry for entry in carol.get("/management/groups")["groups"]}

    assert groups[tenant]["members"] == [ann.name]
    assert groups[f"{tenant}ro"]["members"] == [ben.name]
    assert groups[tenant]["policy_name"] == f"group-policy-{tenant}"
    assert set(groups) == set(names["group_names"])


def test_who_creates_a_group_is_its_first_member(carol: Person) -> None:
    name = f"g{secrets.token_hex(4)}"

    answer = carol.post(f"/management/groups/{name}", status=201)

    assert (answer["group_name"], answer["ro_group_name"]) == (name, f"{name}ro")
    assert answer["members"] == ["carol"]
    assert answer["operation"] == "create"


@pytest.mark.parametrize("name", ["kbasero", "No-Group", "admin", "1abc", "x"])
def test_groups_that_cannot_be_created(carol: Person, name: str) -> None:
    assert carol.error("POST", f"/management/groups/{name}") == (400, 20040)


def test_a_base_of_a_tenant_that_ends_in_ro_cannot_be_created(people: People, carol: Person) -> None:
    tenant = people.tenant(name=f"hyd{secrets.token_hex(3)}ro")

    assert carol.error("POST", f"/management/groups/{tenant.removesuffix('ro')}") == (400, 20040)
    assert carol.error("POST", f"/management/groups/{tenant}ro") == (400, 20040)


def test_members_of_either_half(ann: Person, people: People, carol: Person) -> None:
    tenant = people.tenant()
    whole, half = f"/management/groups/{tenant}", f"/management/groups/{tenant}ro"

    assert carol.post(f"{half}/members/{ann.name}")["members"] == [ann.name]
    assert carol.post(f"{whole}/members/{ann.name}")["members"] == [ann.name]
    assert ann.get("/workspaces/me/groups")["groups"] == [tenant]

    carol.post(f"{half}/members/{ann.name}")
    assert ann.get("/workspaces/me/groups")["groups"] == [tenant], "joining the read-only half took writing away"

    carol.call("DELETE", f"{half}/members/{ann.name}")
    assert ann.get("/workspaces/me/groups")["groups"] == [tenant]
    answer = carol.call("DELETE", f"{whole}/members/{ann.name}").json()
    assert (answer["operation"], answer["members"], answer["ro_group_name"]) == ("remove_member", [], None)
    assert carol.call("DELETE", f"{whole}/members/{ann.name}").status_code == 200


def test_members_and_groups_that_are_not_there(people: People, carol: Person) -> None:
    tenant = people.tenant()

    assert carol.error("POST", f"/management/groups/{tenant}/members/nosuchuser") == (400, 20040)
    for name in ("nosuchgroup", "No-Group"):
        for method in ("POST", "DELETE"):
            assert carol.error(method, f"/management/groups/{name}/members/bob") == (404, 20041)
        assert carol.error("DELETE", f"/management/groups/{name}") == (400, 20040)


def test_a_deleted_group_takes_both_halves_and_leaves_the_objects(ann: Person, ben: Person, people: People) -> None:
    carol, tenant = people.admin(), people.tenant(ann, readers=(ben,))
    stack, key = ann.stack, f"tenant-general-warehouse/{tenant}/x"
    ann.s3().put_object(Bucket=stack.bucket, Key=key, Body=b"x")

    assert carol.error("DELETE", f"/management/groups/{tenant}ro") == (400, 20040)
    assert carol.call("DELETE", f"/management/groups/{tenant}").json()["resource_type"] == "group"

    for one in (ann, ben):
        assert one.get("/workspaces/me/groups")["groups"] == []
    assert keys_under(stack, key) == [key]
    again = carol.call("DELETE", f"/management/groups/{tenant}?purge_data=true").json()
    assert again["purged"]["removed"] == 1
    assert keys_under(stack, key) == []


# Policies -----------------------------------------------------------------------------------------------------------


def test_pages_of_policies_hold_every_document_once(people: People, ann: Person, carol: Person) -> None:
    people.tenant(ann)
    users = carol.get("/management/users/names")["usernames"]
    groups = carol.get("/management/groups/names")["group_names"]
    expected = {f"user-{kind}-policy-{user}" for user in users for kind in ("home", "system")}
    expected |= {f"group-policy-{group}" for group in groups}

    for size in (7, 500):
        found: list[str] = []
        page, more = 1, True
        while more:
            answer = carol.get(f"/management/policies?page={page}&page_size={size}")
            assert answer["total_count"] == len(expected)
            found += (policy["policy_name"] for policy in answer["policies"])
            page, more = page + 1, answer["has_next"]
        assert len(found) == len(expected)
        assert set(found) == expected


def test_deleting_a_document_changes_nothing(ann: Person, ben: Person, people: People, carol: Person) -> None:
    tenant = people.tenant(readers=(ben,))
    ann.post("/sharing/share", {"path": ann.home + "x", "with_groups": [tenant], "with_users": [ben.name]})
    before = ben.get("/workspaces/me")

    for name in (f"user-home-policy-{ben.name}", f"user-system-policy-{ben.name}", f"group-policy-{tenant}ro"):
        assert carol.call("DELETE", f"/management/policies/{name}").json()["resource_name"] == name

    assert ben.get("/workspaces/me") == before


@pytest.mark.parametrize(
    "name",
    ["user-home-policy-nosuchuser", "group-policy-nosuchgroup", "readonly", "user-home-policy-", "group-policy-"],
)
def test_documents_that_are_not_there(carol: Person, name: str) -> None:
    assert carol.error("DELETE", f"/management/policies/{name}") == (404, 20016)
