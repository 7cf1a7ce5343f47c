"""Lists in pages: every entry once, in order, whatever the size of a page."""

from typing import Any

import pytest

from tests.support.council import Council, Person

HOME = "s3a://cdm-lake/users-general-warehouse/alice/"


@pytest.fixture
def carol(council: Council) -> Person:
    """An administrator, where there are six users, tenants and shares of alice's."""
    carol, alice = council.person("carol", admin=True), council.person("alice")
    for name in ("alice", "bob", "dave", "erin", "fred"):
        carol.ok("PUT", f"/v1/users/{name}", {})
    for name in "abcdef":
        carol.ok("PUT", f"/v1/tenants/{name}tenant", {})
        alice.ok("POST", "/v1/shares", {"path": HOME + name, "with": {"users": ["bob"]}, "access": "read"})
    return carol


@pytest.mark.parametrize(
    ("path", "which", "name"),
    [
        ("/v1/users", {}, "name"),
        ("/v1/tenants", {}, "name"),
        ("/v1/shares", {"owner": "user:alice"}, "path"),
        ("/v1/shares", {"with": "user:bob"}, "id"),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 4, 6, 7])
def test_all_pages_together_are_the_list(
    carol: Person, path: str, which: dict[str, str], name: str, limit: int
) -> None:
    member = path.rpartition("/")[2]
    whole = carol.ok("GET", path, params=which)
    assert (len(whole[member]), whole["cursor"]) == (6, None)

    pages: list[list[dict[str, Any]]] = []
    where = {**which, "limit": str(limit)}
    while len(pages) < 8:
        answer = carol.ok("GET", path, params=where)
        pages.append(answer[member])
        if answer["cursor"] is None:
            break
        where["cursor"] = answer["cursor"]

    assert [one for page in pages for one in page] == whole[member]
    assert {len(page) for page in pages[:-1]} <= {limit}
    assert [one[name] for one in whole[member]] == sorted(one[name] for one in whole[member])
