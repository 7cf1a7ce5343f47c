"""What the tests of a deployment share: the built wheel, and environments with it installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.deploy.installed import Installed


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel."""
    from tests.deploy.installed import build_wheel

    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def server_install(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An environment as in the image."""
    from tests.deploy.installed import install

    return install(wheel, tmp_path_factory.mktemp("server"), {"server"})


@pytest.fixture(scope="session")
def light_install(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An environment as users have it: no extras."""
    from tests.deploy.installed import install

    return install(wheel, tmp_path_factory.mktemp("light"))
