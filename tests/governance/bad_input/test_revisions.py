"""Edits of what has changed meanwhile are refused, on every route that changes something."""

from typing import Any

import pytest

from tests.support.council import Council

HOME = "s3a://cdm-lake/users-general-warehouse/alice/"

EDITS = [
    pytest.param("PUT", "/v1/tenants/kbase", {"display_name": "x"}, id="put-tenant"),
    pytest.param("PATCH", "/v1/tenants/kbase", {"display_name": "x"}, id="patch-tenant"),
    pytest.param("DELETE", "/v1/tenants/kbase", None, id="delete-tenant"),
    pytest.param("PUT", "/v1/tenants/kbase/members/dave", {"access": "read_only"}, id="put-member"),
    pytest.param("DELETE", "/v1/tenants/kbase/members/bob", None, id="delete-member"),
    pytest.param("PUT", "/v1/tenants/kbase/stewards/dave", {}, id="put-steward"),
    pytest.param("DELETE", "/v1/tenants/kbase/stewards/alice?force=true", None, id="delete-steward"),
    pytest.param("PATCH", "/v1/users/dave", {"display_name": "x"}, id="patch-user"),
    pytest.param("DELETE", "/v1/users/dave", None, id="delete-user"),
    pytest.param(
        "POST", "/v1/shares", {"path": HOME + "x", "with": {"users": ["bob"]}, "access": "read"}, id="post-share"
    ),
    pytest.param("PUT", "/v1/tenants/brandnew", {}, id="create-tenant"),
]


@pytest.mark.parametrize(("method", "path", "body"), EDITS)
def test_stale_edits(unchanged: Council, method: str, path: str, body: Any) -> None:
    carol = unchanged.person("carol", admin=True)

    assert carol.refusal(method, path, body, headers={"if-match": '"999999"'}) == (412, "stale_revision")
    for malformed in ("5", 'W/"5"', '"x"', '"1", "2"', '"-1"', '"٣"'.encode()):
        answer = carol.call(method, path, body, headers={"if-match": malformed})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


def test_any_revision_means_that_there_is_one(house: Council) -> None:
    carol, any_one = house.person("carol", admin=True), {"if-match": "*"}

    assert carol.refusal("PUT", "/v1/tenants/brandnew", {}, headers=any_one) == (412, "stale_revision")
    assert carol.call("PATCH", "/v1/tenants/kbase", {"organization": "x"}, headers=any_one).status_code == 200
    assert carol.call("PATCH", "/v1/tenants/kbase", {"organization": None}, headers=any_one).status_code == 200


def test_etags_tell_whether_something_changed(house: Council) -> None:
    carol = house.person("carol", admin=True)
    first = carol.call("GET", "/v1/tenants/kbase").headers["etag"]

    again = carol.call("PATCH", "/v1/tenants/kbase", {"display_name": None}).headers["etag"]
    changed = carol.call("PATCH", "/v1/tenants/kbase", {"display_name": "new"}, headers={"if-match": first})
    stale = carol.call("PATCH", "/v1/tenants/kbase", {"display_name": "newer"}, headers={"if-match": first})

    assert again == first  # it was so already
    assert changed.status_code == 200
    assert changed.headers["etag"] == carol.call("GET", "/v1/tenants/kbase").headers["etag"] != first
    assert stale.status_code == 412
    assert carol.ok("GET", "/v1/tenants/kbase")["display_name"] == "new"
    carol.ok("PATCH", "/v1/tenants/kbase", {"display_name": None})


def test_the_list_of_shares_has_a_revision_of_its_own(house: Council) -> None:
    alice = house.person("alice")
    body = {"path": HOME + "listed", "with": {"users": ["bob"]}, "access": "read"}
    seen = alice.call("GET", "/v1/shares").headers["etag"]

    made = alice.call("POST", "/v1/shares", body, headers={"if-match": seen})
    stale = alice.call("POST", "/v1/shares", {**body, "access": "write"}, headers={"if-match": seen})

    assert (made.status_code, stale.status_code) == (201, 412)
    share = made.json()["shares"][0]
    assert alice.call("GET", f"/v1/shares/{share['id']}").headers["etag"] == f'"{share["revision"]}"'
    assert alice.call("DELETE", f"/v1/shares/{share['id']}", headers={"if-match": seen}).status_code == 412
    alice.ok("DELETE", f"/v1/shares/{share['id']}", headers={"if-match": f'"{share["revision"]}"'})
