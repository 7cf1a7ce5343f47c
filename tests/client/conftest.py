"""Fixtures for the client."""

from collections.abc import Iterator

import pytest

from tests.client.stub import Stub, stub_server


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A web server that says what it is told to."""
    with stub_server() as made:
        yield made
