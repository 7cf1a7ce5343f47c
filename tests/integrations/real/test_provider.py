"""The provider's own tests: JUnit, against a development stack that they start."""

import shutil
import subprocess
from pathlib import Path

import pytest
from defusedxml import ElementTree

from tests.integrations.real.conftest import ROOT

PROJECT = ROOT / "deploy" / "spark"


@pytest.mark.timeout(400)
def test_the_providers_own_tests(installed: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None or not (installed / "m2").exists():
        pytest.skip("there is no Maven, or it has fetched nothing")
    command = [maven, "-q", "-o", f"-Dmaven.repo.local={installed / 'm2'}", "surefire:test"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=380, check=False)
    assert done.returncode == 0, done.stdout[-8000:]

    reports = (PROJECT / "target" / "surefire-reports").glob("*.xml")
    suites = [root.attrib for file in reports if (root := ElementTree.parse(file).getroot()) is not None]
    assert {suite["name"].rpartition(".")[2] for suite in suites} >= {"RealGatewayTest", "RenewerTest"}
    assert sum(int(suite["tests"]) for suite in suites) > 40
    assert not [suite["name"] for suite in suites if suite["skipped"] != "0"], "the stack did not start"
