"""`/v1/state`: what goes out comes in again, whole or not at all."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from tests.support.council import Council, Person

HOME = "s3a://cdm-lake/users-general-warehouse/alice/"
NDJSON = {"content-type": "application/x-ndjson"}


@pytest.fixture
def carol(council: Council) -> Person:
    """An administrator, of a state with something of everything in it."""
    admin = council.person("carol", admin=True)
    for name in ("alice", "bob", "dave"):
        admin.ok("PUT", f"/v1/users/{name}", {"display_name": name.title(), "email": f"{name}@example.org"})
    admin.ok("PATCH", "/v1/users/dave", {"disabled": True})
    admin.ok(
        "PUT", "/v1/tenants/kbase", {"display_name": "KBase ü", "description": "two\nlines", "website": "https://x"}
    )
    admin.ok("PUT", "/v1/tenants/hydro", {})
    admin.ok("PUT", "/v1/tenants/kbase/members/alice", {"access": "read_write"})
    admin.ok("PUT", "/v1/tenants/kbase/members/bob", {"access": "read_only"})
    admin.ok("PUT", "/v1/tenants/kbase/stewards/alice", {})
    alice = council.person("alice")
    everybody = {"users": ["bob"], "tenants": ["kbase"], "everyone": True}
    alice.ok("POST", "/v1/shares", {"path": HOME + "a b/ü", "with": everybody, "access": "write"})
    ends = {"path": HOME + "x/", "with": {"users": ["bob"]}, "access": "read", "expires_at": "2999-01-01T00:00:00Z"}
    alice.ok("POST", "/v1/shares", ends)
    tenant = "s3://cdm-lake/tenant-general-warehouse/kbase/open/"
    alice.ok("POST", "/v1/shares", {"path": tenant, "with": {"users": ["dave"]}, "access": "read"})
    return admin


@pytest.fixture(scope="module")
def kept() -> list[dict[str, Any]]:
    """The lines of that state, once somebody has built it."""
    return []


@pytest.fixture
def again(council: Council, kept: list[dict[str, Any]], request: pytest.FixtureRequest) -> Person:
    """The same administrator of the same state, imported where it was built before."""
    if not kept:
        kept += export(request.getfixturevalue("carol"))
        council.empty()
    admin = council.person("carol", admin=True)
    assert restore(admin, kept).json()["changed"] is True
    return admin


def export(who: Person) -> list[dict[str, Any]]:
    answer = who.call("GET", "/v1/state")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["etag"] == f'"{lines[0]["revision"]}"'
    return lines


def restore(who: Person, lines: Iterable[dict[str, Any]], query: str = "", **headers: str) -> Any:
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    return who.call("PUT", f"/v1/state{query}", content=body, headers={**NDJSON, **headers})


def without_end(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return lines[:-1]


def ended(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Count the records anew."""
    kinds = ("user", "tenant", "member", "steward", "share")
    return [*lines, {"type": "end", **{f"{kind}s": sum(line["type"] == kind for line in lines) for kind in kinds}}]


def views(council: Council) -> list[Any]:
    """What people see of the state, revisions aside."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items() if name != "revision"}
        return [plain(inner) for inner in value] if isinstance(value, list) else value

    carol, alice, bob = council.person("carol", admin=True), council.person("alice"), council.person("bob")
    asked = [
        *((carol, f"/v1/users/{name}") for name in ("alice", "bob", "dave", "carol")),
        *((carol, f"/v1/tenants/{name}") for name in ("kbase", "hydro")),
        *((who, "/v1/shares") for who in (alice, bob)),
        (carol, "/v1/shares?owner=tenant:kbase"),
        *((bob, f"/v1/shares?with={target}") for target in ("me", "everyone", "tenant:kbase")),
        (bob, "/v1/whoami"),
    ]
    return [plain(who.ok("GET", path)) for who, path in asked]


def test_what_goes_out_comes_in_again(council: Council, carol: Person) -> None:
    lines, before = export(carol), views(council)
    council.empty()

    answer = restore(carol, lines).json()

    assert answer["changed"] is True
    assert {kind: answer[kind] for kind in ("users", "tenants", "members", "stewards", "shares")} == {
        "users": 4, "tenants": 2, "members": 2, "stewards": 1, "shares": 5,
    }  # fmt: skip
    assert views(council) == before
    assert export(carol)[1:] == lines[1:]
    kinds = [event["kind"] for event in council.events()]
    assert kinds[-2:] == ["state.imported", "state.exported"]


def test_importing_what_is_there_changes_nothing(council: Council, carol: Person) -> None:
    lines = export(carol)
    events = len(council.events())

    reordered = [
        lines[0],
        *sorted(lines[1:-1], key=lambda line: line["type"] in {"member", "steward", "share"}),
        lines[-1],
    ]
    answer = restore(carol, reordered).json()

    assert (answer["changed"], answer["revision"]) == (False, lines[0]["revision"])
    assert len(council.events()) == events


def test_importing_replaces_everything_and_leaves_no_rubbish(council: Council, carol: Person) -> None:
    lines = export(carol)
    with council.database() as server:
        size = len(kept_of(server))
        server_keys = {key.split(":", 2)[-1] for key in server.scan_iter("{vendor}:0:*")}
    carol.ok("PUT", "/v1/tenants/newer", {})
    carol.ok("DELETE", "/v1/tenants/kbase")
    tag = carol.call("GET", "/v1/tenants/hydro").headers["etag"]

    answer = restore(carol, lines).json()

    assert answer["changed"] is True
    assert carol.refusal("GET", "/v1/tenants/newer") == (404, "unknown_tenant")
    assert carol.ok("GET", "/v1/tenants/kbase")["stewards"][0]["user"] == "alice"
    assert carol.refusal("PUT", "/v1/tenants/hydro", {}, headers={"if-match": tag}) == (412, "stale_revision")
    with council.database() as server:
        keys = kept_of(server)
    generations = {key.split(":")[1] for key in keys} - {"rev", "audit", "generation", "generations"}
    assert generations == {"1"}
    assert {key.split(":", 2)[-1] for key in keys if key.startswith("{vendor}:1:")} == server_keys
    assert len(keys) <= size + 3


def kept_of(server: Any, names: str = "{vendor}:*") -> set[str]:
    """What governance keeps; the index of the audit log grows on its own time."""
    return {key for key in server.scan_iter(names) if not key.startswith("{vendor}:audit:")}


def test_a_dry_run_changes_nothing(council: Council, carol: Person) -> None:
    lines = export(carol)
    wanted = ended([*without_end(lines), {**lines[1], "name": "erin"}])
    with council.database() as server:
        before = kept_of(server, "*")

    answer = restore(carol, wanted, "?dry_run=true").json()

    assert (answer["changed"], answer["dry_run"], answer["users"]) == (True, True, 5)
    assert export(carol)[1:] == lines[1:]
    with council.database() as server:
        assert kept_of(server, "*") - before <= {"{vendor}:generations"}


SHARE = {
    "type": "share", "path": HOME + "new/", "owner": "user:alice", "with": "user:bob", "access": "read",
    "expires_at": None, "created_by": "alice", "created_at": "2026-01-01T00:00:00Z",
}  # fmt: skip
USER = {"type": "user", "name": "erin", "disabled": False, "first_seen": "2026-01-01T00:00:00Z"}
TENANT = {
    "type": "tenant", "name": "fresh", "created_at": "2026-01-01T00:00:00Z", "created_by": "carol",
    "updated_at": "2026-01-01T00:00:00Z", "updated_by": "carol",
}  # fmt: skip


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([{**USER, "name": "Erin"}], id="name-in-upper-case"),
        pytest.param([{**USER, "name": "admin"}], id="reserved-name"),
        pytest.param([{**USER, "is_admin": True}], id="unknown-member"),
        pytest.param([{**USER, "disabled": "no"}], id="text-for-a-flag"),
        pytest.param([{**USER, "first_seen": "yesterday"}], id="no-time"),
        pytest.param([{**USER, "first_seen": "2026-01-01T00:00:00"}], id="no-offset"),
        pytest.param([{**USER, "display_name": "a\u0007b"}], id="control-character"),
        pytest.param([{**USER, "name": "alice"}], id="user-twice"),
        pytest.param([USER, USER], id="user-twice-at-once"),
        pytest.param([{**TENANT, "name": "kbasero"}], id="half-of-another-tenant"),
        pytest.param([TENANT, {**TENANT, "name": "freshro"}], id="half-of-another-at-once"),
        pytest.param([{**TENANT, "website": "javascript:alert(1)"}], id="script-for-a-link"),
        pytest.param([{"type": "member", "tenant": "nowhere", "user": "bob", "access": "read_only"}], id="no-tenant"),
        pytest.param([{"type": "member", "tenant": "hydro", "user": "nobody", "access": "read_only"}], id="no-user"),
        pytest.param([{"type": "member", "tenant": "hydro", "user": "bob", "access": "write"}], id="no-such-access"),
        pytest.param([{"type": "member", "tenant": "kbase", "user": "bob", "access": "read_only"}], id="member-twice"),
        pytest.param(
            [
                {
                    "type": "steward",
                    "tenant": "kbase",
                    "user": "nobody",
                    "assigned_at": SHARE["created_at"],
                    "assigned_by": "x",
                }
            ],
            id="unknown-steward",
        ),
        pytest.param([{**SHARE, "owner": "user:bob"}], id="another-owner"),
        pytest.param([{**SHARE, "path": "s3a://cdm-lake/elsewhere/x"}], id="nobody's-path"),
        pytest.param([{**SHARE, "path": HOME + "a*"}], id="wildcard"),
        pytest.param([{**SHARE, "with": "user:alice"}], id="with-its-owner"),
        pytest.param([{**SHARE, "with": "user:nobody"}], id="with-nobody-known"),
        pytest.param([{**SHARE, "with": "group:kbase"}], id="with-something-else"),
        pytest.param([{**SHARE, "access": "admin"}], id="no-such-level"),
        pytest.param([SHARE, SHARE], id="share-twice"),
        pytest.param([{"type": "policy"}], id="unknown-type"),
        pytest.param(
            [{"type": "header", "schema": 1, "revision": 1, "exported_at": SHARE["created_at"]}], id="header-twice"
        ),
    ],
)
def test_one_bad_line_and_nothing_is_imported(council: Council, again: Person, lines: list[dict[str, Any]]) -> None:
    there = export(again)
    number = len(there) - 1 + len(lines)

    answer = restore(again, ended([*without_end(there), *lines]))

    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["code"] == "invalid_request"
    assert error["details"]["line"] == number
    assert export(again)[1:] == there[1:]
    again.ok("PUT", "/v1/tenants/after", {})  # nothing is held back


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\n", id="blank-line"),
        pytest.param(b"[]\n", id="array"),
        pytest.param(b'{"type":"end","users":0,"tenants":0,"members":0,"stewards":0,"shares":0}\n', id="no-header"),
        pytest.param(
            b'\xef\xbb\xbf{"type":"header","schema":1,"revision":1,"exported_at":"2026-01-01T00:00:00Z"}\n', id="bom"
        ),
        pytest.param(b'{"type":"header","schema":2,"revision":1,"exported_at":"2026-01-01T00:00:00Z"}\n', id="schema"),
        pytest.param(b'{"type":"header","schema":1,"revision":1,"exported_at":"2026-01-01T00:00:00Z"}\n', id="no-end"),
        pytest.param(b"x" * 100_000, id="endless-line"),
        pytest.param(b'{"type":"header","type":"end"}\n', id="member-twice"),
        pytest.param(b'{"type":"header","schema":NaN}\n', id="nan"),
        pytest.param(b"[" * 5000, id="deep"),
    ],
)
def test_what_is_no_state(again: Person, body: bytes) -> None:
    there = export(again)

    answer = again.call("PUT", "/v1/state", content=body, headers=NDJSON)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert export(again)[1:] == there[1:]


def test_half_a_file_is_no_file(again: Person) -> None:
    lines = export(again)

    assert restore(again, without_end(lines)).status_code == 400
    assert restore(again, [*lines[:-3], lines[-1]]).status_code == 400
    assert restore(again, [*lines, lines[1]]).status_code == 400


def test_only_administrators(council: Council, again: Person) -> None:
    lines, alice = export(again), council.person("alice")

    assert alice.refusal("GET", "/v1/state") == (403, "role_required")
    assert restore(alice, lines).json()["error"]["code"] == "role_required"
    assert council.nobody().refusal("GET", "/v1/state") == (401, "missing_token")
    assert restore(council.nobody(), lines).status_code == 401


def test_the_form_of_the_request(again: Person) -> None:
    lines = export(again)
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()

    assert again.refusal("PUT", "/v1/state", content=body) == (415, "unsupported_media_type")
    packed = {**NDJSON, "content-encoding": "gzip"}
    assert again.refusal("PUT", "/v1/state", content=body, headers=packed) == (415, "unsupported_media_type")
    assert again.refusal("PUT", "/v1/state?dry_run=1", content=body, headers=NDJSON) == (400, "invalid_request")
    assert again.refusal("PUT", "/v1/state?drop=true", content=body, headers=NDJSON) == (400, "invalid_request")
    assert again.refusal("GET", "/v1/state?user=alice") == (400, "invalid_request")


def test_a_stale_import(again: Person) -> None:
    lines = export(again)
    revision = lines[0]["revision"]
    again.ok("PUT", "/v1/tenants/newer", {})

    stale = restore(again, lines, **{"if-match": f'"{revision}"'})
    fresh = restore(again, lines, **{"if-match": f'"{export(again)[0]["revision"]}"'})

    assert (stale.status_code, stale.json()["error"]["code"]) == (412, "stale_revision")
    assert fresh.json()["changed"] is True
