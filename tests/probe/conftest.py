"""A store that lies."""

from collections.abc import AsyncIterator

import pytest

from tests.probe.liar import Liar, Lie
from vendor.dev.stack import Stack


@pytest.fixture(scope="session")
async def seaweedfs_liar(seaweedfs_stack: Stack) -> AsyncIterator[Liar]:
    async with Liar(seaweedfs_stack.store.site).serving() as liar:
        yield liar


@pytest.fixture
async def liar(seaweedfs_liar: Liar) -> AsyncIterator[Liar]:
    """SeaweedFS behind a proxy that tells the truth until a test says otherwise."""
    yield seaweedfs_liar
    seaweedfs_liar.lie = Lie()
