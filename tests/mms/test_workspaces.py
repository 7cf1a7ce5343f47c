"""`/workspaces/me`: what notebooks, Spark and the file browser read at every start."""

import pytest

from tests.mms.people import People, Person


def test_a_new_user_has_two_homes_and_nothing_else(ann: Person) -> None:
    bucket = ann.stack.bucket
    homes = [f"s3a://{bucket}/users-{kind}-warehouse/{ann.name}/" for kind in ("general", "sql")]

    me = ann.get("/workspaces/me")

    assert me["username"] == ann.name
    assert me["access_key"] == me["s3_access_key"] == ann.name
    assert me["secret_key"] == me["s3_secret_key"] == "<redacted>"
    assert me["home_paths"] == homes
    assert [path for path in me["accessible_paths"] if ann.name in path] == homes
    assert me["groups"] == []
    assert me["group_policies"] == []
    assert me["total_policies"] == 2
    assert [policy["policy_name"] for policy in me["user_policies"]] == [
        f"user-home-policy-{ann.name}",
        f"user-system-policy-{ann.name}",
    ]


def test_groups_are_the_halves_of_tenants(ann: Person, ben: Person, people: People) -> None:
    writes, reads = people.tenant(ann), people.tenant(ben, readers=(ann,))

    assert ann.get("/workspaces/me/groups") == {
        "username": ann.name,
        "groups": sorted([writes, f"{reads}ro"]),
        "group_count": 2,
    }


def test_policies_are_those_of_a_lease_one_action_each(ann: Person, ben: Person, people: People) -> None:
    tenant = people.tenant(readers=(ann,))
    bucket = ann.stack.bucket
    ben.post("/sharing/share", {"path": ben.home + "own", "with_users": [ann.name], "permission": "write"})
    ben.post("/sharing/share", {"path": ben.home + "all", "with_groups": [tenant], "permission": "write"})

    answer = ann.get("/workspaces/me/policies")

    assert answer["total_policies"] == 3
    home = _allowed(answer["user_home_policy"])
    assert f"arn:aws:s3:::{bucket}/users-general-warehouse/{ben.name}/own/*" in home["s3:PutObject"]
    assert f"arn:aws:s3:::{bucket}/users-sql-warehouse/{ann.name}/*" in home["s3:DeleteObject"]
    (group,) = answer["group_policies"]
    assert group["policy_name"] == f"group-policy-{tenant}ro"
    through = _allowed(group)
    assert f"arn:aws:s3:::{bucket}/users-general-warehouse/{ben.name}/all/*" in through["s3:GetObject"]
    assert "s3:PutObject" not in through
    assert not {one for one in home["s3:GetObject"] if "/all/" in one}
    assert answer["user_system_policy"]["policy_document"]["statement"] == []
    for statement in answer["user_home_policy"]["policy_document"]["statement"]:
        assert set(statement) == {"effect", "action", "resource", "condition", "principal"}


def _allowed(policy: dict[str, dict[str, list[dict[str, object]]]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for statement in policy["policy_document"]["statement"]:
        resources = statement["resource"]
        assert isinstance(resources, list)
        found.setdefault(str(statement["action"]), set()).update(resources)
    return found


def test_where_databases_lie_and_what_they_are_called(ann: Person, ben: Person, people: People) -> None:
    tenant, bucket = people.tenant(ann, readers=(ben,)), ann.stack.bucket
    own = {"username": ann.name, "sql_warehouse_prefix": f"s3a://{bucket}/users-sql-warehouse/{ann.name}/"}
    assert ann.get("/workspaces/me/sql-warehouse-prefix") == own

    for name in (tenant, f"{tenant}ro"):
        assert ben.get(f"/workspaces/me/groups/{name}/sql-warehouse-prefix") == {
            "group_name": tenant,
            "sql_warehouse_prefix": f"s3a://{bucket}/tenant-sql-warehouse/{tenant}/",
        }
        assert ben.get(f"/workspaces/me/namespace-prefix?tenant={name}") == {
            "username": ben.name,
            "user_namespace_prefix": f"u_{ben.name}__",
            "tenant": name,
            "tenant_namespace_prefix": f"{tenant}_",
        }
    assert ann.get("/workspaces/me/namespace-prefix")["tenant_namespace_prefix"] is None


def test_a_group_of_mine(ann: Person, ben: Person, people: People) -> None:
    tenant, bucket = people.tenant(ann, readers=(ben,)), ann.stack.bucket

    for who in (ann, ben):
        for name in (tenant, f"{tenant}ro"):
            answer = who.get(f"/workspaces/me/groups/{name}")
            assert answer == {
                "group_name": tenant,
                "members": [ann.name],
                "member_count": 1,
                "accessible_paths": [
                    f"s3a://{bucket}/tenant-general-warehouse/{tenant}/",
                    f"s3a://{bucket}/tenant-sql-warehouse/{tenant}/",
                ],
            }


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/groups/hydro", (403, 20042)),
        ("/groups/hydro/sql-warehouse-prefix", (403, 20042)),
        ("/groups/nosuchgroup", (400, 20040)),
        ("/groups/No-Group", (400, 20040)),
        ("/namespace-prefix?tenant=hydro", (403, 20042)),
        ("/namespace-prefix?tenant=nosuchgroup", (404, 20041)),
        ("/namespace-prefix?tenant=No-Group", (404, 20041)),
    ],
)
def test_groups_that_are_not_mine(ann: Person, path: str, error: tuple[int, int]) -> None:
    assert ann.error("GET", f"/workspaces/me{path}") == error


def test_an_empty_tenant_is_not_valid(ann: Person) -> None:
    answer = ann.call("GET", "/workspaces/me/namespace-prefix?tenant=")

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "tenant"]
