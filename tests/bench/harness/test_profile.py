"""The profile: what samples come to, what is said where none can be taken, and one taken of a real gateway."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.bench import profile
from tests.bench.components import by_component

ROOT = "main (vendor/operate/main.py);Server.run (uvicorn/server.py);Runner.run (asyncio/runners.py)"
DOOR = f"{ROOT};run_asgi (uvicorn/protocols/http/httptools_impl.py);create (vendor/doors/leases.py)"
CANNED = f"""\
{ROOT} 10
{DOOR};caller (vendor/doors/context.py);parse (vendor/identity/jws.py);verify (jwt/algorithms.py:3) 20
{DOOR};sign (vendor/identity/issuer.py);sign (jwt/algorithms.py:9) 5
{DOOR};Making.make (vendor/leases/making.py);rfc3339 (vendor/times.py) 15
{DOOR};Making.make (vendor/leases/making.py);__create_fn__.<locals>.__init__ (<string>) 10
{DOOR};Database.run (vendor/database.py);pack (redis/connection.py);StreamWriter.writelines (asyncio/streams.py) 25
{DOOR};Database.run (vendor/database.py);timeout (asyncio/timeouts.py) 5
{DOOR};text (vendor/audit/event.py);dumps (json/__init__.py) 10
_bootstrap (threading.py);worker (concurrent/futures/thread.py);flock (vendor/leases/making.py) 999
"""


def test_a_sample_counts_for_the_innermost_function_that_a_component_owns() -> None:
    found = by_component(CANNED.splitlines(), 2.0)

    assert {one.whole.name: (one.whole.percent, one.whole.ms) for one in found} == {
        "leases": (25.0, 0.5),
        "Redis client": (25.0, 0.5),
        "verification of the token": (20.0, 0.4),
        "event loop": (15.0, 0.3),
        "JSON": (10.0, 0.2),
        "signature for the store": (5.0, 0.1),
    }
    (leases,) = (one for one in found if one.whole.name == "leases")
    assert [(one.name, one.percent) for one in leases.heaviest] == [
        ("rfc3339 (times.py)", 15.0),
        ("dataclasses' __init__", 10.0),
    ]


def test_the_heaviest_component_and_its_five_heaviest_functions_are_told() -> None:
    stacks = [f"{DOOR};do{number} (vendor/policy/reach.py) {number}" for number in range(1, 9)]
    first, second = by_component([*stacks, f"{DOOR} 1"], 1.0)

    assert [one.name for one in first.heaviest] == [f"do{number} (reach.py)" for number in (8, 7, 6, 5, 4)]
    assert (first.whole.name, second.whole.name) == ("rights and planning", "HTTP framework, doors")


def test_where_py_spy_is_missing_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    assert profile.main(["--output", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "py-spy is not installed here: it comes with the extra `dev`.\n"


def test_where_py_spy_may_not_look_that_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refused = tmp_path / "py-spy"
    refused.write_text("#!/bin/sh\necho 'Permission Denied: Try running again' >&2\nexit 1\n")
    refused.chmod(0o700)
    monkeypatch.setattr(profile, "py_spy", lambda: str(refused))

    with pytest.raises(profile.NotAllowed, match=r"\(Permission Denied: .*\): be root"):
        profile.sample(os.getpid(), 1, tmp_path / "stacks", "raw", 10, meanwhile=pytest.fail)


def test_a_profile_of_a_real_gateway(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = profile.main(["--store", "seaweedfs", "--connections", "2", "--seconds", "1", "--output", str(tmp_path)])
    if status == 2:
        pytest.skip(capsys.readouterr().err)

    (found,) = json.loads((tmp_path / "profile.json").read_text())["profiles"]
    processes = {one["name"]: one["ms"] for one in found["processes"]}
    components = {one["name"]: one for one in found["components"]}
    assert found["leases"] > 10
    assert {"gateway", "valkey", "seaweedfs"} <= set(processes)
    assert {"leases", "Redis client", "call to the store", "verification of the token", "JSON"} <= set(components)
    assert sum(one["ms"] for one in components.values()) == pytest.approx(processes["gateway"], rel=0.01)
    assert sum(one["percent"] for one in components.values()) == pytest.approx(100, abs=0.1)
    assert components["leases"]["functions"]
    assert "<svg" in (tmp_path / "profile-seaweedfs.svg").read_text()
    assert (tmp_path / "profile.txt").read_text().strip() in capsys.readouterr().out
