"""`vendor check-config` as an operator uses it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_settings import GOOD


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "vendor.operate.main", *arguments],
        env={**kept, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_is_in_force_is_shown_with_secrets_masked() -> None:
    done = run("check-config", "--json", **GOOD, VENDOR_PORT="9000")

    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["VENDOR_PORT"] == "9000"
    assert shown["VENDOR_REDIS_URL"] == "***"
    assert shown["VENDOR_LEASE_DEFAULT_SECONDS"] == "3600"
    assert "s3cret" not in done.stdout + done.stderr


def test_people_get_a_table() -> None:
    done = run("check-config", **GOOD)

    assert done.returncode == 0
    assert "VENDOR_STORE_KIND" in done.stdout
    assert "s3cret" not in done.stdout


def test_each_mistake_is_a_line_on_stderr() -> None:
    done = run("check-config", **{**GOOD, "VENDOR_PORT": "x", "VENDOR_TYPO": "y"})

    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 2
    assert all(line.startswith("vendor: VENDOR_") for line in done.stderr.splitlines())


@pytest.mark.parametrize("command", ["check-config", "serve"])
def test_a_trust_file_with_a_mistake_stops_the_start(tmp_path: Path, command: str) -> None:
    trust = tmp_path / "trust.toml"
    trust.write_text('version = 1\n\n[[issuer]]\nnam = "x"\n')

    done = run(command, **{**GOOD, "VENDOR_ISSUER_KEYS_DIR": str(tmp_path / "keys"), "VENDOR_TRUST_FILE": str(trust)})

    assert done.returncode in {1, 2}
    assert "trust.toml, line 4" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_setting_is_listed_with_its_default() -> None:
    listed = json.loads(run("check-config", "--list", "--json").stdout)

    assert listed["VENDOR_PUBLIC_URL"] == "(required)"
    assert listed["VENDOR_LEASE_MIN_SECONDS"] == "900"
    assert "VENDOR_REDIS_URL_FILE" in listed
