"""A gateway that governs, for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.support.council import Council, running_council


@pytest.fixture(scope="session")
def councils() -> Iterator[Council]:
    """One gateway on a Valkey of its own."""
    with running_council() as running:
        yield running


@pytest.fixture
def council(councils: Council) -> Council:
    """The gateway, with an empty state."""
    councils.empty()
    return councils
