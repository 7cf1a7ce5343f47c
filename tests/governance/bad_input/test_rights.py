"""Who may not, and what cannot be: refused, typed, without effect."""

from typing import Any

import pytest

from tests.support.council import Council, Person

HOME = "s3a://cdm-lake/users-general-warehouse/alice/"


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
