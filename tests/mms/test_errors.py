"""Refusals as MMS's clients know them: two forms, their numbers, and who is refused before what."""

import json
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.mms.generated import OPERATIONS
from tests.mms.people import People, Person
from vendor.dev.stack import Stack
from vendor.doors.mms.door import OPERATIONS as OURS

OPEN = {"GET /health"}
ADMINS_ONLY = {
    name
    for name in OPERATIONS
    if (name.partition(" ")[2].startswith("/management/") and not name.endswith("/groups/names"))
    or name in {"POST /tenants/{tenant_name}", "DELETE /tenants/{tenant_name}"}
    or name.endswith("/stewards/{username}")
} - {
    "POST /management/migrate/ensure-polaris-resources",
    "POST /management/migrate/reconcile-trino-catalogs",
}


def _filled(name: str, tenant: str = "kbase") -> tuple[str, str]:
    method, _, path = name.partition(" ")
    return method, path.format(username="bob", tenant_name=tenant, group_name=tenant)


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - OPEN))
def test_without_a_token(people: People, name: str) -> None:
    answer = people.holder("nobody", None).call(*_filled(name))

    assert answer.status_code == 401
    assert answer.json() == {
        "error": 10010,
        "error_type": "No authentication token",
        "message": "Authorization header required",
    }
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("header", "number"),
    [
        pytest.param("", 10010, id="empty"),
        pytest.param("Bearer ", 10030, id="nothing-behind-bearer"),
        pytest.param("Bearer", 10030, id="bearer-alone"),
        pytest.param("ABCDEFGH", 10030, id="bare-token"),
        pytest.param("Basic YTpi", 10030, id="basic"),
        pytest.param("Bearer ABCDEFGHABCDEFGH", 10020, id="unknown-token"),
        pytest.param("bearer ABCDEFGHABCDEFGH", 10020, id="lower-case-scheme"),
        pytest.param("Bearer a b", 10020, id="two-words"),
        pytest.param("Bearer a.b.c", 10020, id="broken-jwt"),
    ],
)
@pytest.mark.parametrize("path", ["/credentials/", "/health"])
def test_bad_headers(people: People, header: str, number: int, path: str) -> None:
    """Sent by a client that does not mind blanks at the end of a header."""
    url = urlsplit(people.stack.gateway.url)
    line = HTTPConnection(url.hostname or "", url.port, timeout=10)
    try:
        line.request("GET", path, headers={"authorization": header})
        answer = line.getresponse()
        refusal = json.loads(answer.read())
    finally:
        line.close()

    if path == "/health" and number == 10010:
        assert answer.status == 200
    else:
        assert (answer.status, refusal["error"]) == (401, number)


def test_a_missing_role(people: People, seaweedfs_stack: Stack) -> None:
    seaweedfs_stack.kbase.add_user("norole", [])

    nobody = people.holder("norole", seaweedfs_stack.kbase.issue("norole"))

    assert nobody.error("GET", "/credentials/") == (403, 10040)


def test_kbase_being_away_is_told_apart_from_a_bad_token(people: People, seaweedfs_stack: Stack) -> None:
    person = people.person(known=False)
    seaweedfs_stack.kbase.break_down("html")
    try:
        answer = person.call("GET", "/credentials/")
        health = person.call("GET", "/health")
    finally:
        seaweedfs_stack.kbase.recover()

    assert (answer.status_code, answer.json()["error"]) == (503, 10000)
    assert int(answer.headers["retry-after"]) > 0
    assert health.status_code == 200


@pytest.mark.parametrize("name", sorted(ADMINS_ONLY))
def test_a_plain_user_on_an_administrators_route(ann: Person, name: str) -> None:
    assert ann.detail(*_filled(name)) == (403, "Administrator privileges required for this operation")


def test_the_list_of_administrators_routes_is_the_code_s_own() -> None:
    ours = {f"{one.method} {one.path}" for one in OURS if getattr(one, "admin", False)}

    assert ours == ADMINS_ONLY | {"GET /management/policies", "DELETE /management/policies/{policy_name}"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/tenants/kbase"),
        ("POST", "/tenants/kbase/members/bob"),
        ("DELETE", "/tenants/kbase/members/bob"),
        ("PATCH", "/tenants/nosuchtenant"),
    ],
)
def test_who_is_no_steward_learns_nothing_else(ann: Person, method: str, path: str) -> None:
    tenant = path.split("/")[2]

    assert ann.detail(method, path, {} if method == "PATCH" else None) == (
        403,
        f"Requires admin or steward role for tenant '{tenant}'",
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/tenants/kbase/nothing", 404, "Not Found"),
        ("GET", "/management/nothing/here", 404, "Not Found"),
        ("PUT", "/tenants", 405, "Method Not Allowed"),
        ("DELETE", "/credentials/", 405, "Method Not Allowed"),
        ("HEAD", "/credentials/", 405, None),
    ],
)
def test_no_route(ann: Person, method: str, path: str, status: int, detail: str | None) -> None:
    answer = ann.call(method, path)

    assert answer.status_code == status
    if detail is not None:
        assert answer.json() == {"detail": detail}


@pytest.mark.parametrize(
    ("content", "kind", "place"),
    [
        pytest.param(b"", "missing", ["body"], id="no-body"),
        pytest.param(b"{", "json_invalid", ["body", 0], id="not-json"),
        pytest.param(b'\xef\xbb\xbf{"path":"s3a://b/k"}', "json_invalid", ["body", 0], id="byte-order-mark"),
        pytest.param(b'{"path":"a","path":"b"}', "json_invalid", ["body", 0], id="twice"),
        pytest.param(b'{"path":NaN}', "json_invalid", ["body", 0], id="nan"),
        pytest.param(b'{"path":1e999}', "json_invalid", ["body", 0], id="infinite"),
        pytest.param(b'{"path":"\\ud800"}', "json_invalid", ["body", 0], id="lone-surrogate"),
        pytest.param(b"[" * 20_000, "json_invalid", ["body", 0], id="deep"),
        pytest.param(b"[]", "json_invalid", ["body", 0], id="list"),
        pytest.param(b"{}", "missing", ["body", "path"], id="no-path"),
        pytest.param(b'{"path":null}', "string_type", ["body", "path"], id="null"),
        pytest.param(b'{"path":7}', "string_type", ["body", "path"], id="number"),
        pytest.param(b'{"path":""}', "string_too_short", ["body", "path"], id="empty"),
        pytest.param(b'{"path":"s3a://b/k","x":1}', "extra_forbidden", ["body", "x"], id="unknown-member"),
        pytest.param(b'{"path":"s3a://b/k","permission":"admin"}', "string_pattern_mismatch", ["body", "permission"],
                     id="bad-permission"),
        pytest.param(b'{"path":"s3a://b/k","with_users":"bob"}', "list_type", ["body", "with_users"], id="no-list"),
        pytest.param(b'{"path":"s3a://b/k","with_users":[1]}', "string_type", ["body", "with_users", 0], id="no-name"),
    ],
)  # fmt: skip
def test_bodies_that_are_not_valid(ann: Person, content: bytes, kind: str, place: list[str | int]) -> None:
    answer = ann.call("POST", "/sharing/share", content=content, headers={"content-type": "application/json"})

    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert problem["type"] == kind
    assert problem["loc"] == place
    assert problem["msg"]
    assert "input" in problem


@pytest.mark.parametrize("headers", [{"content-type": "text/plain"}, {"content-encoding": "gzip"}])
def test_bodies_in_another_form(ann: Person, headers: dict[str, str]) -> None:
    answer = ann.call("POST", "/sharing/share", content=b'{"path":"s3a://b/k"}', headers=headers)

    assert answer.status_code == 422


def test_a_body_without_declared_type_is_json(ann: Person) -> None:
    request = ann.web.build_request("POST", "/sharing/make-private", content=b'{"path":"' + ann.home.encode() + b'"}')
    request.headers.pop("content-type", None)

    assert ann.web.send(request).status_code == 200


def test_a_body_over_the_limit(ann: Person) -> None:
    answer = ann.call("POST", "/sharing/share", {"path": "s3a://b/" + "x" * 300_000})

    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("query", "kind", "context"),
    [
        ("page=0", "greater_than_equal", {"ge": 1}),
        ("page=-1", "greater_than_equal", {"ge": 1}),
        ("page_size=501", "less_than_equal", {"le": 500}),
        ("page_size=x", "int_parsing", None),
        ("page=1.5", "int_parsing", None),
        ("page=" + "9" * 30, "less_than_equal", {"le": 1_000_000_000}),
    ],
)
def test_bad_pages(carol: Person, query: str, kind: str, context: dict[str, int] | None) -> None:
    answer = carol.call("GET", f"/management/users?{query}")

    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert (problem["type"], problem["loc"]) == (kind, ["query", query.partition("=")[0]])
    if context is not None:
        assert problem["ctx"] == context


def test_a_page_beyond_the_end_is_empty(carol: Person) -> None:
    page = carol.get("/management/users?page=1000000000&page_size=500")

    assert page["users"] == []
    assert page["retrieved_count"] == 0
    assert page["has_next"] is False
    assert page["has_prev"] is True


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ("/credentials", "/credentials/"),
        ("/credentials/rotate/", "/credentials/rotate"),
        ("/tenants/", "/tenants"),
        ("/tenants/kbase/", "/tenants/kbase"),
        ("/tenants/kbase/members/?a=b", "/tenants/kbase/members?a=b"),
        ("/health/", "/health"),
        ("/workspaces/me/", "/workspaces/me"),
        ("/management/users/?page=1&page_size=2", "/management/users?page=1&page_size=2"),
        ("/tenants/a%3ab%3Fc/", "/tenants/a%3ab%3Fc"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_other_form_of_a_path_is_redirected(ann: Person, method: str, sent: str, canonical: str) -> None:
    answer = ann.call(method, sent, headers={"host": "evil.example"})

    assert answer.status_code == 307
    there = ann.web.base_url.join(sent).join(answer.headers["location"])
    assert there.raw_path.decode() == canonical
    assert there.host == ann.web.base_url.host


def test_a_redirect_leads_to_the_answer(ann: Person) -> None:
    assert ann.call("GET", "/credentials", follow_redirects=True).json() == ann.get("/credentials/")


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("s3a://cdm-lake/users-general-warehouse/ann/x*", 20015),
        ("s3a://cdm-lake/users-general-warehouse/ann/a?b", 20015),
        ("s3a://cdm-lake/users-general-warehouse/ann/${aws:username}", 20015),
        ("s3a://cdm-lake/users-general-warehouse/ann/../bob", 20015),
        ("s3a://cdm-lake/users-general-warehouse/ann/%2e%2e/bob", 20015),
        ("s3a://cdm-lake/users-general-warehouse//ann", 20015),
        ("s3a://cdm-lake", 20015),
        ("s3a://cdm-lake/", 20015),
        ("/users-general-warehouse/ann", 20015),
        ("s3n://cdm-lake/users-general-warehouse/ann", 20015),
        ("S3://cdm-lake/users-general-warehouse/ann", 20015),
        ("s3a://CDM-lake/users-general-warehouse/ann", 30020),
        ("s3a://a.b/users-general-warehouse/ann", 30020),
        ("s3a://x/users-general-warehouse/ann", 30020),
    ],
)
@pytest.mark.parametrize("operation", ["share", "unshare", "make-public", "make-private", "get_path_access_info"])
def test_bad_paths(ann: Person, operation: str, path: str, number: int) -> None:
    assert ann.error("POST", f"/sharing/{operation}", {"path": path}) == (400, number)
