"""Children are watched while they start, stopped for certain, and never outlive their parent."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from tests.support.waiting import eventually
from vendor.dev.ports import LOOPBACK, PortTakenError
from vendor.dev.process import Child, ChildFailedError, Children, Program

LISTEN = """
import socket, sys, time
held = [socket.create_server(("127.0.0.1", int(port))) for port in sys.argv[1:]]
print("serving", flush=True)
time.sleep(600)
"""
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"])
print("deaf", flush=True)
time.sleep(600)
"""
PARENT = """
import sys, threading, time
from pathlib import Path
from vendor.dev.process import Children, Program
folder = Path(sys.argv[1])
def start():
    for number in range(2):
        program = Program(name=f"c{number}", argv=["sleep", "600"], environment={"PATH": "/usr/bin:/bin"},
                          folder=folder, log=folder / f"c{number}.log")
        print(children.start(program).pid, flush=True)
children = Children()
starter = threading.Thread(target=start)
starter.start()
starter.join()
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def children() -> Iterator[Children]:
    family = Children(grace=1.0)
    yield family
    family.stop(kill=True)


def program(folder: Path, code: str, *arguments: object, ports: Sequence[int] = ()) -> Program:
    return Program(
        name="child",
        argv=[sys.executable, "-c", code, *map(str, arguments)],
        environment={"PATH": os.environ["PATH"], "MARK": "only this"},
        folder=folder,
        log=folder / "child.log",
        ports=ports,
    )


def test_ready_means_that_the_child_itself_listens(children: Children, tmp_path: Path) -> None:
    child = children.serve(2, lambda ports: program(tmp_path, LISTEN, *ports, ports=ports), lambda _: True, within=10)

    for port in child.program.ports:
        socket.create_connection((LOOPBACK, port), timeout=5).close()


def test_the_environment_is_the_given_one(children: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "never")
    child = children.start(program(tmp_path, "import os; print(sorted(os.environ))"))

    eventually(lambda: child.status == 0)
    assert "['LC_CTYPE', 'MARK', 'PATH']" in child.tail()


def test_a_child_that_dies_while_starting_is_reported_with_its_last_words(children: Children, tmp_path: Path) -> None:
    with pytest.raises(ChildFailedError, match=r"child ended with status 3(.|\n)*out of coffee"):
        children.start_ready(program(tmp_path, "print('out of coffee'); raise SystemExit(3)"), lambda _: False, 10)
    assert children.all() == []


def test_a_program_that_does_not_exist_is_reported(children: Children, tmp_path: Path) -> None:
    missing = Program(name="ghost", argv=["no-such-program"], environment={}, folder=tmp_path, log=tmp_path / "l")
    with pytest.raises(ChildFailedError, match="cannot start no-such-program"):
        children.start_ready(missing, lambda _: False, 10)


def test_a_child_that_is_never_ready_is_ended(children: Children, tmp_path: Path) -> None:
    seen: list[Child] = []

    def never(child: Child) -> bool:
        seen.append(child)
        return False

    with pytest.raises(ChildFailedError, match=r"not ready after 0.3 s(.|\n)*serving"):
        children.start_ready(program(tmp_path, LISTEN), never, 0.3)
    assert not psutil.pid_exists(seen[0].pid)


def test_a_stranger_on_the_port_is_noticed_even_if_the_child_lives_on(children: Children, tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(PortTakenError):
            children.start_ready(program(tmp_path, "import time; time.sleep(60)", ports=[port]), lambda _: True, 10)


def test_other_ports_are_tried_when_somebody_came_first(children: Children, tmp_path: Path) -> None:
    tried = []
    with socket.create_server((LOOPBACK, 0)) as stranger:

        def make(ports: Sequence[int]) -> Program:
            tried.append(ports)
            wanted = [stranger.getsockname()[1]] if len(tried) == 1 else ports
            return program(tmp_path, LISTEN, *wanted, ports=wanted)

        child = children.serve(1, make, lambda _: True, within=10)
    assert len(tried) == 2
    assert list(child.program.ports) == list(tried[1])


def test_stopping_ends_a_deaf_child_and_what_it_started(children: Children, tmp_path: Path) -> None:
    child = children.start(program(tmp_path, STUBBORN))
    eventually(lambda: "deaf" in child.log.read_text())
    family = [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]
    assert len(family) == 2

    child.stop()

    _gone, alive = psutil.wait_procs(family, timeout=5)
    assert not alive
    child.stop()  # repeat is fine


def test_a_polite_child_is_asked_first(children: Children, tmp_path: Path) -> None:
    code = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); print('on', flush=True); time.sleep(60)"
    )
    child = children.start(program(tmp_path, code))
    eventually(lambda: "on" in child.log.read_text())
    child.stop()
    assert child.status == 7


def test_a_death_nobody_asked_for_is_seen(children: Children, tmp_path: Path) -> None:
    steady, doomed = children.start(program(tmp_path, LISTEN)), children.start(program(tmp_path, LISTEN))
    assert children.dead() is None

    os.kill(doomed.pid, signal.SIGKILL)

    assert eventually(children.dead) is doomed
    assert "SIGKILL" in doomed.death()
    doomed.stop()
    assert children.dead() is None
    assert steady.status is None


def test_nothing_starts_behind_the_back_of_a_stop(children: Children, tmp_path: Path) -> None:
    children.stop()
    with pytest.raises(ChildFailedError, match="being stopped"):
        children.start(program(tmp_path, LISTEN))


def test_a_stopped_child_starts_again_on_its_ports(children: Children, tmp_path: Path) -> None:
    child = children.serve(1, lambda ports: program(tmp_path, LISTEN, *ports, ports=ports), lambda _: True, within=10)
    first = child.pid
    child.stop()
    child.restart()
    child.wait_until(lambda: True, within=10)
    assert child.pid != first
    assert children.dead() is None


def test_a_frozen_child_does_not_answer_and_can_be_stopped(children: Children, tmp_path: Path) -> None:
    child = children.start(program(tmp_path, LISTEN))
    child.freeze()
    eventually(lambda: psutil.Process(child.pid).status() == psutil.STATUS_STOPPED)
    child.thaw()
    eventually(lambda: psutil.Process(child.pid).status() != psutil.STATUS_STOPPED)
    child.freeze()
    started = time.monotonic()
    child.stop()
    assert time.monotonic() - started < 0.9  # SIGTERM was enough


def test_children_outlive_the_thread_that_started_them(children: Children, tmp_path: Path) -> None:
    started: list[Child] = []

    def start() -> None:
        started.append(children.start(program(tmp_path, LISTEN)))
        eventually(lambda: "serving" in started[0].log.read_text())

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    with pytest.raises(psutil.TimeoutExpired):
        psutil.Process(started[0].pid).wait(0.5)


def _run_parent(folder: Path, seconds: float) -> tuple["subprocess.Popen[str]", list[psutil.Process]]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    return parent, [psutil.Process(int(parent.stdout.readline())) for _ in range(2)]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills the children of a killed parent")
def test_no_child_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent, children = _run_parent(tmp_path, 600)
    with parent:
        eventually(lambda: all(child.name() == "sleep" for child in children))
        parent.kill()
    _gone, alive = psutil.wait_procs(children, timeout=5)
    assert not alive


def test_no_child_outlives_a_parent_that_forgot_to_stop_them(tmp_path: Path) -> None:
    parent, children = _run_parent(tmp_path, 0)
    with parent:
        assert parent.wait(10) == 0
    _gone, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
