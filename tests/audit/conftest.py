"""A log of its own for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.audit.world import World


@pytest.fixture
async def world(valkey: str) -> AsyncIterator[World]:
    """An empty log in a real Valkey."""
    from tests.audit.world import open_world

    async with open_world(valkey) as made:
        yield made
