"""`/sharing` as notebooks use it."""

from typing import Any

import pytest

from tests.mms.people import People, Person


def reached(owner: Person, path: str) -> tuple[list[str], list[str], bool]:
    """Who reaches a path, as its owner is told."""
    answer = owner.post("/sharing/get_path_access_info", {"path": path})
    return answer["users"], answer["groups"], answer["public"]


def test_everybody_asked_for_gets_it_and_who_cannot_is_named(ann: Person, ben: Person, people: People) -> None:
    tenant = people.tenant(ben)
    path = ann.home + "x"
    ask = {"path": path, "with_users": [ben.name, "zed-not-here", "Upper"], "with_groups": [tenant, "nogroup"]}

    answer = ann.post("/sharing/share", ask, status=207)

    assert answer["path"] == path
    assert answer["shared_with_users"] == [ben.name]
    assert answer["shared_with_groups"] == [tenant]
    assert answer["success_count"] == 2
    assert answer["shared_by"] == ann.name
    assert sorted(error.partition(":")[0] for error in answer["errors"]) == [
        "Error sharing with group nogroup",
        "Error sharing with user Upper",
        "Error sharing with user zed-not-here",
    ]
    assert reached(ann, path) == ([ann.name, ben.name], [tenant], False)


@pytest.mark.parametrize("path", ["", "users-general-warehouse", "users-sql-warehouse"])
def test_no_targets_are_no_failure(ann: Person, path: str) -> None:
    whole = f"s3://{ann.stack.bucket}/{path or 'users-sql-warehouse'}/{ann.name}/"
    answer = ann.post("/sharing/share", {"path": whole})

    assert (answer["success_count"], answer["errors"]) == (0, [])
    assert ann.post("/sharing/unshare", {"path": whole})["success_count"] == 0


def test_the_path_is_echoed_as_sent_and_both_schemes_mean_the_same(ann: Person, ben: Person) -> None:
    one, other = ann.home + "x", ann.home.replace("s3a://", "s3://") + "x"
    sent = ann.post("/sharing/share", {"path": f"  {other} ", "with_users": [ben.name]})
    assert sent["path"] == other
    assert reached(ann, one)[0] == sorted([ann.name, ben.name])

    assert ann.post("/sharing/make-private", {"path": one}) == {"path": one, "is_public": False}
    assert reached(ann, other)[0] == [ann.name]


def test_writing_is_the_default_and_sharing_again_replaces_the_level(ann: Person, ben: Person) -> None:
    path, level = {"path": ann.home + "x"}, "access"
    ann.post("/sharing/share", {**path, "with_users": [ben.name]})
    assert _shares(ann)[0][level] == "write"
    ann.post("/sharing/share", {**path, "with_users": [ben.name], "permission": "read"})

    (share,) = _shares(ann)
    assert share[level] == "read"


def test_unsharing_what_was_never_shared_counts_as_done(ann: Person, ben: Person) -> None:
    answer = ann.post("/sharing/unshare", {"path": ann.home + "x", "from_users": [ben.name, "zed-not-here"]})

    assert answer["unshared_from_users"] == [ben.name, "zed-not-here"]
    assert answer["errors"] == []
    assert answer["unshared_by"] == ann.name


@pytest.mark.parametrize("operation", ["share", "unshare", "make-public", "make-private", "get_path_access_info"])
def test_nobody_shares_what_is_not_theirs(ann: Person, ben: Person, people: People, operation: str) -> None:
    tenant = people.tenant(ann)
    bucket = ann.stack.bucket
    for path in (
        ben.home + "x",
        ben.home,
        f"s3a://{bucket}/tenant-general-warehouse/{tenant}/x",
        f"s3a://{bucket}/elsewhere/x",
        f"s3a://other-bucket/users-general-warehouse/{ann.name}/x",
        f"s3a://{bucket}/users-general-warehouse/{ann.name}2/x",
    ):
        assert ann.error("POST", f"/sharing/{operation}", {"path": path}) == (403, 20042)


def test_stewards_share_their_tenants_paths(ann: Person, ben: Person, people: People, carol: Person) -> None:
    tenant = people.tenant(ann)
    carol.post(f"/tenants/{tenant}/stewards/{ann.name}")
    path = f"s3a://{ann.stack.bucket}/tenant-general-warehouse/{tenant}/open/"

    ann.post("/sharing/share", {"path": path, "with_users": [ben.name], "permission": "read"})

    assert reached(ann, path) == ([ben.name], [tenant], False)


@pytest.mark.parametrize(
    ("groups", "level"),
    [
        (["{t}"], "write"),
        (["{t}ro"], "read"),
        (["{t}", "{t}ro"], "write"),
        (["{t}ro", "{t}"], "write"),
    ],
)
def test_the_read_only_half_of_a_tenant_never_writes(
    ann: Person, ben: Person, people: People, groups: list[str], level: str
) -> None:
    tenant = people.tenant(ben)
    names = [name.format(t=tenant) for name in groups]

    answer = ann.post("/sharing/share", {"path": ann.home + "x", "with_groups": names, "permission": "write"})

    assert sorted(answer["shared_with_groups"]) == sorted(names)
    (share,) = _shares(ann)
    assert (share["with"]["tenants"], share["access"]) == ([tenant], level)
    undone = ann.post("/sharing/unshare", {"path": ann.home + "x", "from_groups": names})
    assert sorted(undone["unshared_from_groups"]) == sorted(names)
    assert _shares(ann) == []


def test_public_and_private(ann: Person, ben: Person) -> None:
    path = ann.home + "open"
    assert ann.post("/sharing/make-public", {"path": path}) == {"path": path, "is_public": True}
    assert reached(ann, path) == ([ann.name], [], True)
    assert f"{path}/" in ben.get("/workspaces/me/accessible-paths")["accessible_paths"]

    ann.post("/sharing/share", {"path": path, "with_users": [ben.name]})
    assert ann.post("/sharing/make-private", {"path": path}) == {"path": path, "is_public": False}
    assert reached(ann, path) == ([ann.name], [], False)
    assert ann.post("/sharing/make-private", {"path": path}) == {"path": path, "is_public": False}


def test_private_is_not_said_of_what_a_folder_above_shares(ann: Person, ben: Person) -> None:
    ann.post("/sharing/share", {"path": ann.home + "a/", "with_users": [ben.name]})
    ann.post("/sharing/make-public", {"path": ann.home + "a/b"})

    answer = ann.call("POST", "/sharing/make-private", {"path": ann.home + "a/b"})

    assert (answer.status_code, answer.json()["error"]) == (403, 20042)
    assert ann.home + "a/" in answer.json()["message"]
    assert reached(ann, ann.home + "a/b") == ([ann.name, ben.name], [], False)


def test_who_reaches_a_path_is_told_exactly(ann: Person, ben: Person, people: People) -> None:
    """Neither siblings of the same beginning nor who has only something inside it."""
    inside, sibling, above = people.person("in"), people.person("sib"), people.person("up")
    for path, who in (("exp1/x", inside), ("exp10", sibling), ("", above), ("exp1", ben)):
        ann.post("/sharing/share", {"path": ann.home + path, "with_users": [who.name]})

    assert reached(ann, ann.home + "exp1")[0] == sorted([ann.name, ben.name, above.name])


def test_the_tenant_that_everybody_joins_is_public(people: People, ann: Person, carol: Person) -> None:
    """On a gateway that has such a tenant."""
    everybody = people.tenant()
    stack = people.stack
    other = stack.add_gateway("mms-joins", VENDOR_DEFAULT_TENANT=everybody)
    try:
        new = people.person("new", known=False)
        there = people.holder(new.name, stack.kbase.issue(new.name), url=other.url)
        there.get("/credentials/")
        assert there.get("/workspaces/me/groups")["groups"] == [f"{everybody}ro"]

        ask = {"path": new.home + "x", "with_groups": [everybody], "permission": "read"}
        there.post("/sharing/share", ask)
        assert reached(there, new.home + "x") == ([new.name], [everybody], True)
    finally:
        other.child.stop()


def _shares(owner: Person) -> list[dict[str, Any]]:
    shares: list[dict[str, Any]] = owner.get("/v1/shares")["shares"]
    return shares
