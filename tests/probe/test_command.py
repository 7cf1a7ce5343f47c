"""`vendor probe` as operators and scripts run it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from typer.testing import CliRunner

from vendor.dev.stack import Stack
from vendor.operate.main import app
from vendor.stores.probe.runner import CHECKS


def run(stack: Stack, *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run the command in this process, which is faster."""
    done = CliRunner().invoke(
        app, ["probe", *arguments], env={**stack.gateway.settings, "COLUMNS": "120", **(environment or {})}
    )
    assert isinstance(done.exception, SystemExit | None), done.exception
    return done.exit_code, done.stdout, done.stderr


def as_json(stack: Stack, *arguments: str) -> tuple[int, dict[str, Any]]:
    status, out, _ = run(stack, "--json", "--patience", "0", *arguments)
    found: dict[str, Any] = json.loads(out)
    return status, found


def test_a_store_to_rely_on(seaweedfs_stack: Stack) -> None:
    status, report = as_json(seaweedfs_stack, "default")

    assert status == 0
    assert report["ok"] is True
    assert report["counts"] == {"pass": 35, "fail": 2, "skip": 1}
    assert [check["name"] for check in report["checks"]] == [check.name for check in CHECKS]
    failing = next(check for check in report["checks"] if check["name"] == "blank-policy")
    assert set(failing) == {"name", "verdict", "relied_on", "seconds", "shows", "detail", "advice"}
    assert (failing["verdict"], failing["relied_on"], failing["detail"]) == (
        "FAIL",
        False,
        "the keys open what others have",
    )
    assert failing["advice"]


def test_a_store_not_to_rely_on(juicefs_stack: Stack) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vendor.operate.main", "probe", "--patience", "0"],
        env=juicefs_stack.folder.environment({**juicefs_stack.gateway.settings, "COLUMNS": "120"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    out = done.stdout

    assert (done.returncode, done.stderr) == (1, "")
    assert "FAIL make-service-account: it should be that keys do not make themselves an account that lasts." in out
    assert "deploy/nginx" in out
    assert "do not use this store as it is" in out


def test_as_a_client_behind_the_edge(juicefs_stack: Stack, juicefs_edge: str) -> None:
    status, report = as_json(juicefs_stack, "--as-client", juicefs_edge, "--only", "make-service-account")

    assert status == 0
    assert [(check["name"], check["verdict"]) for check in report["checks"]] == [
        ("issue-keys", "PASS"),
        ("make-service-account", "PASS"),
    ]
    assert report["client_endpoint"] == juicefs_edge


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (["other"], {}, "There is no store 'other'; there is 'default'."),
        (["--as-client", "ftp://x"], {}, "--as-client is not a plain http(s) URL."),
        (["--as-client", "http://a:b@x"], {}, "--as-client is not a plain http(s) URL."),
        (["--only", "nothing"], {}, "There is no check 'nothing'"),
        ([], {"VENDOR_STORE_KIND": "floppy"}, "VENDOR_STORE_KIND"),
        ([], {"VENDOR_STORE_ROLE_ARN": ""}, "VENDOR_STORE_ROLE_ARN is missing"),
        ([], {"VENDOR_POLICIES_DIR": "/nonexistent"}, "layout.toml"),
    ],
)
def test_what_cannot_be_tried(
    arguments: list[str], environment: dict[str, str], told: str, seaweedfs_stack: Stack
) -> None:
    status, out, err = run(seaweedfs_stack, *arguments, environment=environment)

    assert (status, out) == (2, "")
    assert told in err


def test_a_store_that_is_away(seaweedfs_stack: Stack) -> None:
    status, out, _ = run(seaweedfs_stack, "--json", environment={"VENDOR_STORE_ENDPOINT": "http://127.0.0.1:1"})

    assert status == 1
    checks = json.loads(out)["checks"]
    assert (checks[0]["verdict"], checks[0]["name"]) == ("FAIL", "issue-keys")
    assert {check["verdict"] for check in checks[1:]} == {"SKIP"}
