"""What the tests of identity share: the world of providers, and a front door that trusts it."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.identity.world.world import OWN_ISSUER, World, small_world
from vendor.identity.authenticator import Authenticator, open_authenticator


@pytest.fixture(scope="session")
async def world() -> AsyncIterator[World]:
    """Providers on loopback, good and bad."""
    async with small_world() as made:
        yield made


@pytest.fixture(scope="session")
async def door(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Authenticator]:
    """A front door that trusts the world."""
    file = tmp_path_factory.mktemp("trust") / "trust.toml"
    file.write_text(world.trust(), encoding="utf-8")
    async with open_authenticator(trust_file=file, own_issuer_url=OWN_ISSUER, clock=time.time) as made:
        yield made


@pytest.fixture
def world_trust(world: World, tmp_path: Path) -> Path:
    """A file that trusts the world."""
    file = tmp_path / "trust.toml"
    file.write_text(world.trust(), encoding="utf-8")
    return file


@pytest.fixture
def trust_file(tmp_path: Path) -> Path:
    """Where a test can put a trust file of its own."""
    return tmp_path / "trust.toml"
