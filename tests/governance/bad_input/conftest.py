"""A gateway with some people and two tenants, on which nothing may change by what people should not send."""

from collections.abc import Iterator

import pytest

from tests.support.council import Council


@pytest.fixture(scope="module")
def house(councils: Council) -> Council:
    """Alice is read_write in kbase and its steward, bob is read_only there, erin is steward of hydro; carol governs."""
    councils.empty()
    carol = councils.person("carol", admin=True)
    for name in ("alice", "bob", "dave", "erin"):
        carol.ok("PUT", f"/v1/users/{name}", {})
    for tenant in ("kbase", "hydro"):
        carol.ok("PUT", f"/v1/tenants/{tenant}", {})
    carol.ok("PUT", "/v1/tenants/kbase/members/alice", {"access": "read_write"})
    carol.ok("PUT", "/v1/tenants/kbase/members/bob", {"access": "read_only"})
    carol.ok("PUT", "/v1/tenants/kbase/stewards/alice", {})
    carol.ok("PUT", "/v1/tenants/hydro/stewards/erin", {})
    return councils


@pytest.fixture
def unchanged(house: Council) -> Iterator[Council]:
    """The gateway; nothing may have changed after the test."""
    carol = house.person("carol", admin=True)
    before = carol.call("GET", "/v1/state").text.splitlines()[1:]
    yield house
    assert carol.call("GET", "/v1/state").text.splitlines()[1:] == before
    assert house.gateways[0].child.status is None
