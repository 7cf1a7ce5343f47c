"""The commands of docs/doors.md, run as they stand."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.gateways import api
from vendor.dev.stack import Stack

PAGE = (Path(__file__).parents[2] / "docs" / "doors.md").read_text("utf-8")
COMMANDS = re.findall(r"(?ms)^```sh run\n(.*?)^```", PAGE)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on the PATH")
@pytest.mark.parametrize("command", COMMANDS, ids=range(len(COMMANDS)))
def test_a_command_works(command: str, seaweedfs_stack: Stack) -> None:
    with api(seaweedfs_stack, "alice") as alice:
        token = alice.lease(renewable_for=3600)["lease_token"]
    known = {
        "PATH": os.environ["PATH"],
        "NO_PROXY": "127.0.0.1",
        "GATEWAY": seaweedfs_stack.gateway.url,
        "TOKEN": seaweedfs_stack.tokens["alice"],
        "LEASE_TOKEN": token,
    }
    done = subprocess.run(["sh", "-c", command], env=known, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_they_are_all_there() -> None:
    assert len(COMMANDS) == 7
