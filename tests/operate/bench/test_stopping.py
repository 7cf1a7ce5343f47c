"""`vendor bench` that is stopped, killed or not listened to: none of its leases stays."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import psutil
import pytest

from tests.operate.bench.deployment import limited, live
from tests.support.gateways import Api, api
from tests.support.waiting import eventually
from vendor.dev.gateway import Gateway
from vendor.dev.stack import Stack
from vendor.operate.bench.command import FAILED, FINE, TOKEN, UNUSABLE


@dataclass
class Running:
    """`vendor bench` for thousands of leases in a process group of its own, some of which it has begun."""

    process: subprocess.Popen[str]
    calls: Api
    before: set[str]

    def load(self) -> psutil.Process:
        """The process that makes the load."""
        children = psutil.Process(self.process.pid).children()
        (found,) = (one for one in children if "spawn_main" in " ".join(one.cmdline()))
        return found

    def end(self) -> tuple[int, str]:
        """Its exit code and what it said, once it has ended; of its leases none is live."""
        _, said = self.process.communicate(timeout=60)
        assert live(self.calls) <= self.before, said
        assert "Traceback" not in (said or "")
        return self.process.returncode, said


@pytest.fixture(scope="module")
def gateway(seaweedfs_stack: Stack) -> Iterator[Gateway]:
    with limited(seaweedfs_stack, 0) as made:
        yield made


@pytest.fixture
def running(seaweedfs_stack: Stack, gateway: Gateway) -> Iterator[Running]:
    with api(seaweedfs_stack, "bob", url=gateway.url) as calls:
        before = live(calls)
        process = subprocess.Popen(
            [sys.executable, "-m", "vendor.operate.main", "bench", gateway.url, "--yes", "--leases", "10000"],
            env={**os.environ, TOKEN: seaweedfs_stack.tokens["bob"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            eventually(lambda: len(live(calls) - before) > 20, within=60)
            yield Running(process, calls, before)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what may be left of its load has our pipes, too
            process.communicate()


@pytest.mark.parametrize(
    ("number", "to_all"),
    [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGTERM, True), (signal.SIGHUP, True)],
)
def test_stopping_it_ends_its_leases(running: Running, number: signal.Signals, to_all: bool) -> None:
    if to_all:
        os.killpg(running.process.pid, number)  # as terminals, `timeout` and systemd do
    else:
        running.process.send_signal(number)
    code, said = running.end()

    assert code == 128 + number, said
    assert "Ending" in said


def test_leases_whose_answers_were_lost_are_ended(running: Running) -> None:
    running.load().kill()
    code, said = running.end()

    assert code == FAILED, said
    assert "The process that made the load was ended" in said


def test_nobody_there_to_be_told_is_no_reason_to_leave_leases(running: Running) -> None:
    for stream in (running.process.stdout, running.process.stderr):
        assert stream
        stream.close()
    running.process.stdout = running.process.stderr = None
    running.process.send_signal(signal.SIGINT)

    assert running.process.wait(timeout=60) == 128 + signal.SIGINT
    assert live(running.calls) <= running.before


@pytest.mark.parametrize(
    ("redirected", "code", "said"),
    [
        pytest.param("<&-", UNUSABLE, "Say --yes", id="no-input"),
        pytest.param("--yes >&-", FAILED, "could not be written", id="no-output"),
        pytest.param("--yes | true", FINE, "Ending", id="nobody-reads"),
        pytest.param("--yes 2>&-", FINE, "", id="no-errors"),
    ],
)
def test_odd_surroundings(seaweedfs_stack: Stack, redirected: str, code: int, said: str) -> None:
    command = f"{sys.executable} -m vendor.operate.main bench {seaweedfs_stack.gateway.url} --leases 2 --seconds 0.2"
    with api(seaweedfs_stack, "bob") as calls:
        before = live(calls)
        done = subprocess.run(
            ["/bin/sh", "-c", f"{command} {redirected}"],
            env={**os.environ, TOKEN: seaweedfs_stack.tokens["bob"]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert live(calls) <= before
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_the_load_ends_with_who_wanted_it(running: Running) -> None:
    """The last one here: some of its leases stay."""
    load = running.load()
    running.process.kill()
    gone, _ = psutil.wait_procs([load], timeout=20)
    assert gone
