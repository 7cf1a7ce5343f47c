"""The table of our operations against the table of MMS's, and real answers read as its generated clients read them."""

import secrets
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from tests.mms.generated import GENERATIONS, OPERATIONS, SCHEMAS, Generation, parse
from tests.mms.people import People, Person
from vendor.doors.mms.door import OPERATIONS as OURS
from vendor.doors.mms.operation import OpenOperation, Operation

ABSENT = {
    "POST /polaris/user_provision/{username}",
    "POST /polaris/credentials/rotate/{username}",
    "GET /polaris/effective-access/me",
    "GET /polaris/effective-access/{username}",
    "POST /polaris/management/tenants/{tenant_name}/reconcile-trino",
    "POST /management/migrate/ensure-polaris-resources",
    "POST /management/migrate/reconcile-trino-catalogs",
}
"""What answers 501: documented difference 2."""
OF_THE_SECOND_GENERATION = {"GET /management/policies", "DELETE /management/policies/{policy_name}"}


def ours() -> dict[str, Operation | OpenOperation]:
    return {f"{operation.method} {operation.path}": operation for operation in OURS}


def test_there_is_every_operation_and_no_other() -> None:
    assert set(ours()) == set(OPERATIONS) | OF_THE_SECOND_GENERATION


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_takes_what_mms_takes(name: str) -> None:
    wanted, found = OPERATIONS[name], ours()[name]
    parameters = wanted.get("parameters", {})
    in_path = {parameter for parameter, how in parameters.items() if how["in"] == "path"}
    in_query = {parameter: how for parameter, how in parameters.items() if how["in"] == "query"}

    assert {part[1:-1] for part in found.path.split("/") if part.startswith("{")} == in_path
    query = _schema_of(found.query if isinstance(found, Operation) else None)
    assert query.get("required", []) == []
    for parameter, how in in_query.items():
        assert not how["required"]
        _compare_parameter(how, query["properties"][parameter])
    body = _schema_of(found.body if isinstance(found, Operation) else None)
    assert bool(body) is ("body" in wanted)
    if "body" in wanted:
        assert isinstance(found, Operation)
        assert found.body_required is wanted["body_required"]
        _compare_body(SCHEMAS[wanted["body"]], body)


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - ABSENT))
def test_an_operation_promises_what_mms_promises(name: str) -> None:
    for status, kind in OPERATIONS[name]["answers"].items():
        promised = ours()[name].answers
        assert int(status) in promised
        if kind is not None:
            _compare_answer(kind, TypeAdapter(promised[int(status)]).json_schema(mode="serialization"))


@pytest.mark.parametrize("generation", GENERATIONS, ids=str)
def test_real_answers_pass_generated_clients(generation: Generation, people: People) -> None:
    seen: set[str] = set()
    walk = Walk(people, generation, seen)
    walk.everything()

    assert seen == set(OPERATIONS)


class Walk:
    """One call of every operation at least."""

    def __init__(self, people: People, generation: Generation, seen: set[str]) -> None:
        self.people = people
        self.generation = generation
        self.seen = seen
        self.ann, self.ben = people.person("ann"), people.person("ben")
        self.carol = people.admin()
        self.tenant = people.tenant(self.ann, readers=(self.ben,))

    def everything(self) -> None:
        self.credentials_and_workspaces()
        self.sharing()
        self.tenants()
        self.management()
        for name in ABSENT:
            method, _, path = name.partition(" ")
            refusal = self.call(self.ann, method, path, 501)
            parse("ErrorResponse", refusal, self.generation)
            assert refusal["error"] == 20043

    def credentials_and_workspaces(self) -> None:
        self.call(self.ann, "GET", "/health")
        self.call(self.ann, "GET", "/credentials/")
        self.call(self.ann, "POST", "/credentials/rotate")
        for path in ("", "/groups", "/policies", "/accessible-paths", "/sql-warehouse-prefix", "/namespace-prefix"):
            self.call(self.ann, "GET", f"/workspaces/me{path}")
        self.call(self.ann, "GET", "/workspaces/me/namespace-prefix", query=f"?tenant={self.tenant}ro")
        self.call(self.ann, "GET", "/workspaces/me/groups/{group_name}")
        self.call(self.ann, "GET", "/workspaces/me/groups/{group_name}/sql-warehouse-prefix")

    def sharing(self) -> None:
        path = {"path": self.ann.home + "x"}
        share = {**path, "with_users": [self.ben.name], "with_groups": [self.tenant]}
        self.call(self.ann, "POST", "/sharing/share", body=share)
        self.call(self.ann, "POST", "/sharing/get_path_access_info", body=path)
        self.call(self.ann, "POST", "/sharing/make-public", body=path)
        self.call(self.ann, "GET", "/workspaces/me/policies")
        self.call(self.ben, "GET", "/workspaces/me")
        self.call(self.ann, "POST", "/sharing/unshare", body={**path, "from_users": [self.ben.name]})
        self.call(self.ann, "POST", "/sharing/make-private", body=path)
        self.call(self.ann, "POST", "/sharing/share", 207, body={**path, "with_users": ["nobody-here"]})

    def tenants(self) -> None:
        tenant, member = "/tenants/{tenant_name}", "/tenants/{tenant_name}/members/{username}"
        steward = "/tenants/{tenant_name}/stewards/{username}"
        self.call(self.carol, "POST", tenant, body={"description": "Rivers"})
        self.call(self.carol, "POST", steward)
        self.call(self.carol, "PATCH", tenant, body={"website": "https://example.org/"})
        self.call(self.carol, "POST", member, query="?permission=read_only")
        for path in ("/tenants", tenant, f"{tenant}/members", f"{tenant}/stewards"):
            self.call(self.carol, "GET", path)
        self.call(self.people.person("eve"), "GET", tenant)
        self.call(self.carol, "DELETE", steward, 204, query="?force=true")
        self.call(self.carol, "DELETE", member, 204)
        self.call(self.carol, "DELETE", tenant, 204)

    def management(self) -> None:
        user, group = "/management/users/{username}", "/management/groups/{group_name}"
        self.call(self.carol, "GET", "/management/users/names")
        self.call(self.carol, "GET", "/management/users", query="?page=1&page_size=3")
        self.call(self.carol, "POST", user, 201)
        self.call(self.carol, "POST", f"{user}/rotate-credentials")
        self.call(self.carol, "GET", "/management/groups")
        self.call(self.ann, "GET", "/management/groups/names")
        self.call(self.carol, "POST", group, 201)
        self.call(self.carol, "POST", f"{group}/members/{{username}}")
        self.call(self.carol, "DELETE", f"{group}/members/{{username}}")
        self.call(self.carol, "DELETE", group)
        self.call(self.carol, "DELETE", user)
        self.call(self.carol, "POST", "/management/credentials/rotate-all-credentials")
        self.call(self.carol, "POST", "/management/migrate/regenerate-policies")

    def call(
        self, who: Person, method: str, path: str, status: int = 200, *, body: object = None, query: str = ""
    ) -> Any:
        name = f"{method} {path}"
        self.seen.add(name)
        filled = path.format(username=self.ben.name, tenant_name=self.tenant, group_name=self.tenant)
        answer = who.call(method, filled + query, body)
        assert answer.status_code == status, f"{name}: {answer.text}"
        content = answer.json() if answer.content else None
        kind = OPERATIONS[name]["answers"].get(str(status))
        if status == 207:  # MMS declares nothing here, and its clients crash on the None they make of that
            kind = OPERATIONS[name]["answers"]["200"]
        if kind is not None:
            parse(kind, content, self.generation, name)
        return content


def _schema_of(model: type[BaseModel] | None) -> dict[str, Any]:
    return {} if model is None else model.model_json_schema()


def _compare_parameter(wanted: dict[str, Any], found: dict[str, Any]) -> None:
    for name in ("type", "default", "minimum", "enum"):
        if name in wanted:
            assert found[name] == wanted[name]
    assert found.get("maximum", 10**9) >= wanted.get("maximum", 10**9)


def _compare_body(wanted: dict[str, Any], found: dict[str, Any]) -> None:
    required = {name for name in wanted["fields"] if not name.endswith("?")}
    assert set(found.get("required", [])) == required
    assert {name.removesuffix("?") for name in wanted["fields"]} <= set(found["properties"])
    assert (found.get("additionalProperties") is False) is wanted.get("closed", False)


def _compare_answer(kind: str, found: dict[str, Any]) -> None:
    schema = found["items"] if kind.startswith("[") else found
    known = found.get("$defs", {})
    _compare_fields(kind.strip("[]"), _resolved(schema, known), known)


def _compare_fields(kind: str, found: dict[str, Any], known: dict[str, Any]) -> None:
    for name, inner in SCHEMAS[kind]["fields"].items():
        plain = name.removesuffix("?")
        assert plain in found["properties"], f"{kind}.{plain}"
        if not name.endswith("?"):
            assert plain in found["required"], f"{kind}.{plain}"
        inner_kind = inner.strip("[]?")
        if inner_kind in SCHEMAS and "fields" in SCHEMAS[inner_kind]:
            described = found["properties"][plain]
            described = described.get("items", described)
            _compare_fields(inner_kind, _resolved(described, known), known)


def _resolved(schema: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    return known[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def test_a_field_that_is_missing_is_noticed() -> None:
    answer = {"username": "ann", "access_key": "AKIA", "s3_access_key": "AKIA"}
    for generation in GENERATIONS:
        with pytest.raises(AssertionError, match="is missing"):
            parse("CredentialsResponse", answer | {"x": secrets.token_hex()}, generation)
