"""What the README shows, run as it stands against the real stack."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.docs.shown import block, run
from vendor.dev.stack import Stack

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.fixture
def shell(seaweedfs_stack: Stack, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who did what the README says first."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "VENDOR_URL": seaweedfs_stack.gateway.url,
        "VENDOR_TOKEN": seaweedfs_stack.tokens["alice"],
    }


def test_a_first_lease_with_curl(shell: dict[str, str]) -> None:
    answer = json.loads(run(block(README, "curl"), shell))

    assert answer["lease"]["scope"][0]["access"] == "write"
    assert answer["credentials"]["session_token"]


def test_a_first_lease_with_vend(shell: dict[str, str]) -> None:
    out = run(block(README, "vend") + '\ntest -n "$AWS_SESSION_TOKEN"', shell)

    assert "Hello from the tenant kbase" in out


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
