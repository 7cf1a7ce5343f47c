"""Tests with real Spark and a real JupyterHub, which are large: `make test-integrations` installs and runs them."""

import os
from pathlib import Path

import pytest

if not os.environ.get("VENDOR_TEST_INTEGRATIONS"):
    collect_ignore_glob = ["test_*.py"]

_LONGEST = ("test_spark.py::test_a_job", "test_jupyterhub.py", "test_provider.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that nothing is waited for in the end."""
    items.sort(key=lambda item: not any(name in item.nodeid for name in _LONGEST))


ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def installed() -> Path:
    """The folder with everything that `make test-integrations` installs."""
    return ROOT / ".venv" / "integrations"


@pytest.fixture(scope="session")
def python(installed: Path) -> str:
    """A Python with pyspark, jupyterhub and the project's user side; the test is skipped where there is none."""
    program = installed / "python" / "bin" / "python"
    if not program.exists():
        pytest.skip("pyspark and jupyterhub are not installed")
    return str(program)


@pytest.fixture(scope="session")
def jars(installed: Path) -> list[str]:
    """What S3A needs, and our provider; the test is skipped where Maven has not fetched and made it."""
    found = [*(installed / "jars").glob("*.jar"), *(ROOT / "deploy" / "spark" / "target").glob("sts-vendor-s3a-*.jar")]
    if len(found) < 2:
        pytest.skip("there are no jars: they need Java and Maven")
    return [str(jar) for jar in found]
