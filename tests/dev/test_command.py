"""`vendor dev` as people and scripts run it: ready in time, and nothing left of it however it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from tests.support.waiting import eventually

READY_SECONDS = 15
PARTS = {"valkey", "idp", "kbase", "seaweedfs", "gateway"}


class Run:
    """A running `vendor dev`."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path) -> None:
        self.process, self.folder = process, folder
        self.ready_file = folder / "ready.json"

    @property
    def printed(self) -> str:
        return (self.folder / "screen.txt").read_text(errors="replace")

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def wait_for(self, children: int) -> list[psutil.Process]:
        def look() -> list[psutil.Process]:
            assert self.process.poll() is None, self.printed
            return found if len(found := self.family()) >= children else []

        return eventually(look, within=READY_SECONDS, what=f"the start of {children} children")

    def wait_until_ready(self) -> dict[str, Any]:
        def look() -> bool:
            assert self.process.poll() is None, self.printed
            return self.ready_file.exists()

        eventually(look, within=2 * READY_SECONDS, what="the ready file")
        document: dict[str, Any] = json.loads(self.ready_file.read_text())
        return document


@contextmanager
def vendor_dev(folder: Path, *arguments: str, path: str | None = None) -> Iterator[Run]:
    """Run the command with a temporary folder and a ready file of its own; whatever happens, it is gone afterwards."""
    (folder / "t").mkdir()
    environment = {"PATH": path or os.environ["PATH"], "TMPDIR": str(folder / "t"), "COLUMNS": "200"}
    if "PYTHONPATH" in os.environ:
        environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
    command = [sys.executable, "-m", "vendor.operate.main", "dev", "--ready-file", str(folder / "ready.json")]
    with (folder / "screen.txt").open("wb") as screen:
        process = subprocess.Popen(
            [*command, *arguments], env=environment, cwd=folder, stdout=screen, stderr=subprocess.STDOUT
        )
    try:
        yield Run(process, folder)
    finally:
        process.kill()
        process.wait()


def assert_gone(family: list[psutil.Process]) -> None:
    _gone, alive = psutil.wait_procs(family, timeout=5)
    assert not alive


def nothing_left_in(folder: Path) -> bool:
    return list((folder / "t").iterdir()) == []


def test_it_gets_ready_and_sigterm_leaves_nothing_behind(tmp_path: Path) -> None:
    with vendor_dev(tmp_path) as run:
        document = run.wait_until_ready()
        assert document["pid"] == run.process.pid
        with httpx2.Client(trust_env=False) as web:
            assert web.get(document["gateway"] + "/readyz").status_code == 200
        family = run.family()
        assert len(family) == len(PARTS)
        screen = eventually(lambda: run.printed if "Ctrl-C" in run.printed else "")
        for told in (document["gateway"], document["store"]["endpoint"], document["users"]["alice"]["token"]):
            assert told in screen

        run.process.terminate()

        assert run.process.wait(15) == 0
        assert_gone(family)
        assert nothing_left_in(tmp_path)
        assert "Traceback" not in run.printed


def test_a_part_that_dies_takes_the_stack_down_with_its_last_words(tmp_path: Path) -> None:
    with vendor_dev(tmp_path, "--state", str(tmp_path / "state")) as run:
        run.wait_until_ready()
        family = run.family()
        victim = next(process for process in family if "valkey" in process.name())

        victim.kill()

        assert run.process.wait(15) == 1
        assert_gone(family)
        assert "valkey was ended by SIGKILL" in run.printed
        assert "Ready to accept connections" in run.printed
    assert (tmp_path / "state" / "logs" / "valkey.log").exists()


def test_a_kill_of_the_command_itself_leaves_no_process(tmp_path: Path) -> None:
    with vendor_dev(tmp_path) as run:
        run.wait_until_ready()
        family = run.family()
        run.process.kill()
        run.process.wait()
        assert_gone(family)


@pytest.mark.parametrize(
    ("children", "number"), [(1, signal.SIGHUP), (4, signal.SIGTERM)], ids=["the-first-child", "the-fourth-child"]
)
def test_a_signal_while_it_comes_up_leaves_nothing_behind(
    tmp_path: Path, children: int, number: signal.Signals
) -> None:
    with vendor_dev(tmp_path) as run:
        family = run.wait_for(children)
        run.process.send_signal(number)
        assert run.process.wait(15) == 128 + number
        assert_gone(family)
        assert nothing_left_in(tmp_path)
        assert not run.ready_file.exists()
        assert "Traceback" not in run.printed


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        pytest.param(["--store", "floppy"], 2, "no store 'floppy'", id="unknown-store"),
        pytest.param(["--store", "minio"], 1, "no 'minio' on this machine", id="no-minio"),
        pytest.param(["--state", "."], 1, "not empty", id="somebody-elses-folder"),
        pytest.param(["--ready-file", "no/such/folder/f"], 2, "no folder for the ready file", id="no-folder"),
    ],
)
def test_mistakes_are_told_in_a_sentence(tmp_path: Path, arguments: list[str], status: int, said: str) -> None:
    with vendor_dev(tmp_path, *arguments, path="/usr/bin:/bin") as run:
        assert run.process.wait(20) == status
        assert said in run.printed
        assert "Traceback" not in run.printed
        assert nothing_left_in(tmp_path)


def test_an_old_ready_file_is_not_mistaken_for_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "ready.json").write_text("{}")
    with vendor_dev(tmp_path, "--store", "minio", path="/usr/bin:/bin") as run:
        assert run.process.wait(20) == 1
        assert not run.ready_file.exists()


@pytest.mark.parametrize("store", ["juicefs", pytest.param("minio", marks=pytest.mark.minio)])
def test_the_other_stores_start_as_well_and_end_with_ctrl_c(tmp_path: Path, store: str) -> None:
    from vendor.dev.minio import find_minio
    from vendor.dev.programs import MissingProgramError

    if store == "minio":
        try:
            find_minio()
        except MissingProgramError as missing:
            pytest.skip(str(missing))
    with vendor_dev(tmp_path, "--store", store) as run:
        document = run.wait_until_ready()
        assert document["store"]["kind"] == store
        family = run.family()
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(15) == 0
        assert_gone(family)
