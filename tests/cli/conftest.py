"""Fixtures for the command line."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.vend import Vend

if TYPE_CHECKING:
    from vendor.dev.stack import Stack


@pytest.fixture
def vend(tmp_path: Path) -> Iterator[Vend]:
    """`vend` in an empty home, knowing no gateway."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    made = Vend(home)
    yield made
    made.close()


@pytest.fixture
def alice(vend: Vend, seaweedfs_stack: "Stack") -> Vend:
    """`vend` of alice, with her token in the environment, at the real gateway."""
    vend.environ |= {"VENDOR_URL": seaweedfs_stack.gateway.url, "VENDOR_TOKEN": seaweedfs_stack.tokens["alice"]}
    return vend
