"""The MMS-compatible API as its clients see it, on a real gateway, store, Valkey and KBase emulator."""

from collections.abc import Iterator

import pytest

from tests.mms.people import People, Person, people_of
from tests.support.gateways import api
from vendor.dev.stack import Stack


@pytest.fixture
def people(seaweedfs_stack: Stack) -> Iterator[People]:
    """Makes people and tenants of this test's own."""
    with people_of(seaweedfs_stack) as made:
        yield made


@pytest.fixture
def carol(people: People) -> Person:
    """The administrator."""
    return people.admin()


@pytest.fixture
def ann(people: People) -> Person:
    """Somebody."""
    return people.person("ann")


@pytest.fixture
def ben(people: People) -> Person:
    """Somebody else."""
    return people.person("ben")


@pytest.fixture(autouse=True)
def nothing_stays_public(seaweedfs_stack: Stack) -> Iterator[None]:
    """Take back what a test shared with everyone: the stack is other tests' stack, too."""
    yield
    with api(seaweedfs_stack, "carol") as carol:
        for share in carol.call("GET", "/v1/shares?with=everyone&limit=500").json()["shares"]:
            carol.call("DELETE", f"/v1/shares/{share['id']}")
