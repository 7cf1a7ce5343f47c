"""What the README shows, run as it stands against the real stack."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vendor.dev.stack import Stack

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def block(name: str) -> str:
    """Return the shell block that the README marks as tested under this name."""
    found = re.search(rf"<!-- tested: {name} -->\n```bash\n(.*?)```", README, re.DOTALL)
    assert found is not None, f"the README has no tested block {name!r}"
    return found[1]


@pytest.fixture
def shell(seaweedfs_stack: Stack, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who did what the README says first."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "VENDOR_URL": seaweedfs_stack.gateway.url,
        "VENDOR_TOKEN": seaweedfs_stack.tokens["alice"],
    }


def run(script: str, shell: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], env=shell, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_first_lease_with_curl(shell: dict[str, str]) -> None:
    answer = json.loads(run(block("curl"), shell))

    assert answer["lease"]["scope"][0]["access"] == "write"
    assert answer["credentials"]["session_token"]


def test_a_first_lease_with_vend(shell: dict[str, str]) -> None:
    out = run(block("vend") + '\ntest -n "$AWS_SESSION_TOKEN"', shell)

    assert "Hello from the tenant kbase" in out


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
