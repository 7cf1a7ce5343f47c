"""Install the project the way the image does: a wheel, in a virtual environment that holds its dependencies alone.

Dependencies are not fetched.  They are linked from the environment that runs the tests, which has them in the pinned
versions, and only those are linked that the wheel asks for: what it forgot to ask for is not there.
"""

import os
import subprocess
import sys
import venv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path
from zipfile import Path as ZipPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.files import TOP


@dataclass(frozen=True)
class Installed:
    """An environment with the project in it."""

    folder: Path
    dependencies: tuple[Distribution, ...]

    @property
    def programs(self) -> Path:
        return self.folder / "bin"

    def run(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one of its programs, knowing nothing of the checkout and of our own environment."""
        return subprocess.run(
            [self.programs / arguments[0], *arguments[1:]],
            env={"PATH": str(self.programs), "HOME": str(self.folder), "LANG": "C.UTF-8", **environment},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
        )


def build_wheel(into: Path) -> Path:
    """Build the wheel from the checkout, as the Dockerfile does."""
    _pip("wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", into, TOP)
    (wheel,) = into.glob("sts_vendor-*.whl")
    return wheel


def install(wheel: Path, folder: Path, extras: Collection[str] = ()) -> Installed:
    """Install the wheel and what it depends on with `extras`."""
    venv.create(folder, with_pip=False, symlinks=True)
    _pip("--python", folder / "bin" / "python", "install", "--no-deps", "--no-index", wheel)
    (site,) = folder.glob("lib/python*/site-packages")
    dependencies = tuple(_closure(_metadata(wheel), extras))
    for dependency in dependencies:
        for source in _top_level(dependency):
            link = site / source.name
            if not link.exists():
                link.symlink_to(source)
    return Installed(folder, dependencies)


def _metadata(wheel: Path) -> Distribution:
    (info,) = (path for path in ZipPath(wheel).iterdir() if path.name.endswith(".dist-info"))
    return PathDistribution(info)


def _closure(top: Distribution, extras: Collection[str]) -> Iterator[Distribution]:
    waiting, seen = [(top, frozenset(extras))], set()
    while waiting:
        current, wanted = waiting.pop()
        for requirement in map(Requirement, current.requires or ()):
            markers = [{"extra": extra} for extra in (*wanted, "")]
            if requirement.marker and not any(requirement.marker.evaluate(marker) for marker in markers):
                continue
            known = (canonicalize_name(requirement.name), frozenset(requirement.extras))
            if known in seen:
                continue
            seen.add(known)
            needed = distribution(requirement.name)
            if not any(name == known[0] for name, extra in seen if extra != known[1]):
                yield needed
            waiting.append((needed, known[1]))


def _top_level(dependency: Distribution) -> set[Path]:
    """What it put straight into site-packages; its programs lie elsewhere."""
    names = {file.parts[0] for file in dependency.files or () if file.parts[0] not in {"..", "__pycache__"}}
    return {Path(str(dependency.locate_file(name))) for name in names}


def _pip(*arguments: str | Path) -> None:
    quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments], env=quiet, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
