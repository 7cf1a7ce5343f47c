"""`/tenants`: the pages people manage their tenants with."""

import pytest

from tests.mms.people import People, Person
from tests.support.waiting import eventually
from vendor.dev.stack import Stack


@pytest.fixture
def steward(people: People, carol: Person) -> tuple[Person, str]:
    """Somebody, and the tenant that they look after without being its only steward."""
    person, other = people.person("stew"), people.person("other")
    tenant = people.tenant(person, other)
    for one in (person, other):
        carol.post(f"/tenants/{tenant}/stewards/{one.name}")
    return person, tenant


def test_everybody_sees_that_a_tenant_exists_and_nobody_outside_who_is_in_it(
    steward: tuple[Person, str], ben: Person
) -> None:
    person, tenant = steward
    (mine,) = [entry for entry in person.get("/tenants") if entry["tenant_name"] == tenant]
    (theirs,) = [entry for entry in ben.get("/tenants") if entry["tenant_name"] == tenant]

    assert mine["member_count"] == theirs["member_count"] == 2
    assert (mine["is_member"], mine["is_steward"]) == (True, True)
    assert (theirs["is_member"], theirs["is_steward"]) == (False, False)
    assert theirs["display_name"] == tenant
    outside = ben.get(f"/tenants/{tenant}")
    assert outside["members"] == []
    assert outside["member_count"] == 2
    assert len(outside["stewards"]) == 2
    assert ben.error("GET", f"/tenants/{tenant}/members") == (403, 40020)
    assert ben.error("GET", f"/tenants/{tenant}/stewards") == (403, 40020)


def test_tenants_are_listed_in_order_and_hydro_is_one(ann: Person) -> None:
    names = [entry["tenant_name"] for entry in ann.get("/tenants")]

    assert names == sorted(names)
    assert "hydro" in names
    assert "hydroro" not in names


def test_the_folders_of_a_tenant(ann: Person) -> None:
    assert ann.get("/tenants/kbase")["storage_paths"] == {
        "general_warehouse": "s3a://cdm-lake/tenant-general-warehouse/kbase/",
        "sql_warehouse": "s3a://cdm-lake/tenant-sql-warehouse/kbase/",
        "namespace_prefix": "kbase_",
    }


def test_who_writes_comes_before_who_reads(people: People, carol: Person) -> None:
    writer, reader = people.person("z"), people.person("a")
    tenant = people.tenant(writer, readers=(reader,))

    members = carol.get(f"/tenants/{tenant}/members")

    assert [(one["username"], one["access_level"]) for one in members] == [
        (writer.name, "read_write"),
        (reader.name, "read_only"),
    ]


def test_metadata_is_kept_changed_and_cleared(steward: tuple[Person, str]) -> None:
    person, tenant = steward
    path = f"/tenants/{tenant}"
    body = {"display_name": "Rivers", "description": "All of\nthem", "website": "https://example.org/", "unknown": 1}
    answer = person.call("PATCH", path, body)
    assert answer.status_code == 200
    first = answer.json()
    assert (first["display_name"], first["website"]) == ("Rivers", "https://example.org/")
    assert first["updated_by"] == person.name

    second = person.call("PATCH", path, {"display_name": None, "organization": "LBNL"}).json()
    assert (second["display_name"], second["organization"]) == ("Rivers", "LBNL")

    third = person.call("PATCH", path, {"display_name": "", "website": ""}).json()
    assert (third["display_name"], third["website"], third["organization"]) == (tenant, None, "LBNL")
    assert third["description"] == "All of\nthem"


@pytest.mark.parametrize(
    "body",
    [
        {"website": "ftp://example.org"},
        {"website": "javascript:alert(1)"},
        {"website": "https://" + "x" * 2048},
        {"website": "https://a b"},
        {"display_name": 7},
        {"display_name": "a\x00b"},
        {"description": "x" * 4001},
    ],
)
def test_metadata_that_is_not_valid(steward: tuple[Person, str], body: dict[str, object]) -> None:
    person, tenant = steward
    answer = person.call("PATCH", f"/tenants/{tenant}", body)

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", next(iter(body))]


def test_post_says_something_only_where_nothing_is_said(people: People, carol: Person) -> None:
    tenant = people.tenant()

    first = carol.post(f"/tenants/{tenant}", {"description": "One"})
    again = carol.post(f"/tenants/{tenant}", {"description": "Two"})
    bare = carol.post(f"/tenants/{tenant}")

    assert first["description"] == again["description"] == bare["description"] == "One"
    assert carol.error("POST", "/tenants/nosuchtenant") == (404, 40030)


def test_delete_takes_what_is_said_and_leaves_the_tenant(steward: tuple[Person, str], carol: Person) -> None:
    person, tenant = steward
    person.call("PATCH", f"/tenants/{tenant}", {"description": "One"})

    assert carol.call("DELETE", f"/tenants/{tenant}").status_code == 204

    detail = carol.get(f"/tenants/{tenant}")
    assert detail["metadata"]["description"] is None
    assert detail["stewards"] == []
    assert detail["member_count"] == 2
    assert carol.error("DELETE", "/tenants/nosuchtenant") == (404, 40030)


def test_members_come_change_and_go(steward: tuple[Person, str], ben: Person) -> None:
    person, tenant = steward
    path = f"/tenants/{tenant}/members/{ben.name}"

    assert person.post(path)["access_level"] == "read_write"
    assert person.post(f"{path}?permission=read_only")["access_level"] == "read_only"
    assert ben.get("/workspaces/me/groups")["groups"] == [f"{tenant}ro"]
    assert person.call("DELETE", path).status_code == 204
    assert person.call("DELETE", path).status_code == 204
    assert ben.get("/workspaces/me/groups")["groups"] == []
    assert person.error("POST", f"/tenants/{tenant}/members/nosuchuser") == (400, 20040)
    assert person.call("POST", f"{path}?permission=admin").status_code == 422


def test_stewards_cannot_be_removed_by_stewards(steward: tuple[Person, str], carol: Person) -> None:
    person, tenant = steward
    stewards = [one["username"] for one in carol.get(f"/tenants/{tenant}/stewards")]
    (other,) = set(stewards) - {person.name}

    assert person.error("DELETE", f"/tenants/{tenant}/members/{person.name}") == (400, 40010)
    assert person.error("DELETE", f"/tenants/{tenant}/members/{other}") == (403, 40020)
    assert carol.call("DELETE", f"/tenants/{tenant}/members/{other}").status_code == 204
    assert [one["username"] for one in carol.get(f"/tenants/{tenant}/stewards")] == [person.name]
    assert carol.error("DELETE", f"/tenants/{tenant}/members/{person.name}") == (409, 40010)


def test_stewards_are_named_and_let_go_by_administrators(people: People, carol: Person) -> None:
    person = people.person()
    tenant = people.tenant(readers=(person,))
    path = f"/tenants/{tenant}/stewards/{person.name}"

    first = carol.post(path)
    assert carol.post(path) == first
    assert first["assigned_by"] == "carol"
    assert person.get("/workspaces/me/groups")["groups"] == [tenant]

    assert carol.error("DELETE", path) == (409, 40010)
    assert carol.call("DELETE", f"{path}?force=true").status_code == 204
    assert carol.error("DELETE", path) == (404, 40030)
    assert person.get("/workspaces/me/groups")["groups"] == [tenant]


def test_a_steward_of_one_tenant_is_nobody_in_another(steward: tuple[Person, str], people: People, ben: Person) -> None:
    person, _ = steward
    other = people.tenant(ben)

    assert person.detail("PATCH", f"/tenants/{other}", {"description": "mine"})[0] == 403
    assert person.detail("POST", f"/tenants/{other}/members/{person.name}")[0] == 403
    assert person.detail("DELETE", f"/tenants/{other}/members/{ben.name}")[0] == 403


@pytest.mark.parametrize(
    ("name", "error"),
    [("kbasero", (400, 40010)), ("No-Such", (400, 20040)), ("nosuch", (404, 40030)), ("admin", (400, 20040))],
)
def test_names_that_are_no_tenant(carol: Person, name: str, error: tuple[int, int]) -> None:
    for method, path in (("GET", ""), ("POST", ""), ("PATCH", ""), ("GET", "/members"), ("POST", "/members/bob")):
        sent: dict[str, str] | None = {} if method == "PATCH" else None
        assert carol.error(method, f"/tenants/{name}{path}", sent) == error


def test_display_names_come_from_kbase_for_those_who_never_signed_in(
    people: People, carol: Person, seaweedfs_stack: Stack
) -> None:
    """Made known by an administrator, they have no name here; KBase knows one, and is asked with the caller's token."""
    member = people.person("member", display="Mary Member", known=False)
    carol.post(f"/management/users/{member.name}", status=201)
    viewer = people.person("viewer")
    tenant = people.tenant(viewer, member)

    def shown() -> object:
        members = viewer.get(f"/tenants/{tenant}/members")
        return next(one["display_name"] for one in members if one["username"] == member.name)

    assert eventually(shown) == "Mary Member"
