"""`vendor trust check` and `vendor keys` as commands."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.operate.test_check_config import run
from tests.test_settings import GOOD
from vendor.dev.stack import Stack
from vendor.identity.issuer import OwnIssuer

POLICIES = Path(__file__).parents[2] / "policies"


def test_the_shipped_trust_file_is_good_and_trusts_nobody() -> None:
    done = run("trust", "check", str(POLICIES / "trust.toml"))

    assert done.returncode == 0, done.stderr


def test_what_becomes_of_a_real_token(seaweedfs_stack: Stack) -> None:
    trust = str(seaweedfs_stack.folder.path / "trust.toml")
    token = seaweedfs_stack.tokens["carol"]
    done = subprocess.run(
        [sys.executable, "-m", "vendor.operate.main", "trust", "check", trust, "--token", "-", "--json"],
        input=token + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "carol" in done.stdout
    assert token not in done.stdout + done.stderr


def test_a_refused_token_ends_with_1(seaweedfs_stack: Stack) -> None:
    done = run("trust", "check", str(seaweedfs_stack.folder.path / "trust.toml"), "--token", "a.b.c", "--offline")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_keys_are_shown_and_rotated(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    OwnIssuer.open(url="http://x", keys_folder=folder, key_pem=None, clock=time.time)
    environment = {**GOOD, "VENDOR_ISSUER_KEYS_DIR": str(folder)}

    before = json.loads(run("keys", "show", "--json", **environment).stdout)
    rotated = run("keys", "rotate", "--lead", "0", "--json", **environment)

    assert rotated.returncode == 0, rotated.stderr
    assert json.loads(rotated.stdout) != before
    assert "PRIVATE" not in rotated.stdout
    assert run("keys", "show", **environment).stdout


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_without_keys_there_is_a_sentence(tmp_path: Path, folder: str) -> None:
    environment = {**GOOD, "VENDOR_ISSUER_KEYS_DIR": str(tmp_path / folder) if folder else ""}

    done = run("keys", "show", **environment)

    assert done.returncode in {1, 2}
    assert done.stderr.startswith("vendor: ")
    assert "Traceback" not in done.stderr
