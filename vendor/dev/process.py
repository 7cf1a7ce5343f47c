"""Child processes that are watched while they start, and that never outlive this one.

Each child leads a session of its own (a Ctrl-C on the terminal reaches only us, who then stop the children in order),
has an environment of its own, and writes to one log file.  On Linux it is killed by the kernel when this process ends,
even by SIGKILL (see `guard`).  All children are started by one thread that lives as long as the process, because the
kernel takes the end of the *thread* that started a child for the end of its parent.
"""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from vendor.dev import guard
from vendor.dev.ports import PortTakenError, Reservation, is_free

_POLL_SECONDS = 0.02
_TAIL_BYTES = 16_384


class ChildFailedError(RuntimeError):
    """A child died, or was not ready in time.  The message ends with the last lines of its log."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run: everything about a child except when.  `ports` are those it must listen on itself."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    log: Path
    ports: Sequence[int] = ()


class Child:
    """One running program.  Made by `Children.start`."""

    def __init__(self, program: Program, grace: float) -> None:
        self.program = program
        self.name = program.name
        self.log = program.log
        self.stopping = False
        self._ended = False
        self._grace = grace
        self._process = _launcher().submit(_launch, program).result()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal, or None while it lives."""
        return self._process.poll()

    def restart(self) -> None:
        """Start the same program again, on the same ports, after `stop`."""
        if not self._ended:
            raise RuntimeError(f"{self.name} was not stopped")
        self._process = _launcher().submit(_launch, self.program).result()
        self.stopping = self._ended = False

    def freeze(self) -> None:
        """Stop it from running without ending it: connections stay open and nobody answers."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        os.killpg(self.pid, signal.SIGCONT)

    def ask_to_stop(self) -> None:
        """Send SIGTERM, and SIGCONT for the case that it is frozen; `stop` waits for the end."""
        self.stopping = True
        if self.status is None:
            _signal_group(self.pid, signal.SIGTERM)
            _signal_group(self.pid, signal.SIGCONT)

    def stop(self, *, kill: bool = False) -> None:
        """End it and everything it started: with SIGTERM, then SIGKILL; with `kill`, with SIGKILL at once."""
        if self._ended:  # its process id may belong to somebody else by now
            return
        self.stopping = True
        if not kill:
            self.ask_to_stop()
            with contextlib.suppress(subprocess.TimeoutExpired):  # it had its time
                self._process.wait(self._grace)
        _signal_group(self.pid, signal.SIGKILL)
        self._process.wait()
        self._ended = True

    def wait_until(self, ready: Callable[[], bool], within: float) -> None:
        """Wait until the child listens on its ports and `ready()` holds.

        Raises ChildFailedError when it dies or the time is over, PortTakenError when another process has a port of its.
        """
        deadline = time.monotonic() + within
        while True:
            if self.status is not None:
                self._explain_death()
            if self._listens() and ready():
                return
            if time.monotonic() > deadline:
                raise ChildFailedError(f"{self.name} was not ready after {within:g} s.\n{self.tail()}")
            time.sleep(_POLL_SECONDS)

    def tail(self, lines: int = 15) -> str:
        """Return the last lines of its log, for a message to a person."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
                text = log.read().decode("utf-8", "replace")
        except OSError:
            text = ""
        kept = [line.rstrip() for line in text.splitlines() if line.strip()][-lines:]
        return "\n".join([f"Last lines of {self.log}:", *(f"  {line}" for line in kept or ["(empty)"])])

    def death(self) -> str:
        """Say how it ended, with the last lines of its log."""
        status = self.status
        how = f"was ended by {signal.Signals(-status).name}" if status and status < 0 else f"ended with status {status}"
        return f"{self.name} {how}.\n{self.tail()}"

    def _explain_death(self) -> None:
        if any(not is_free(port) for port in self.program.ports):
            raise PortTakenError(f"{self.name} found one of its ports {list(self.program.ports)} taken")
        raise ChildFailedError(self.death())

    def _listens(self) -> bool:
        """Say whether all its ports are its own.  A stranger may be the one who answers on them."""
        if not self.program.ports:
            return True
        listening = _listening_ports(self.pid)
        if listening is None:
            return all(not is_free(port) for port in self.program.ports)
        missing = set(self.program.ports) - listening
        taken = [port for port in missing if not is_free(port)]
        if taken and not set(taken) <= (
            _listening_ports(self.pid) or set()
        ):  # asked again: it may just have come to listen
            raise PortTakenError(f"{self.name} shall listen on {taken}, but another process does")
        return not missing


class Children:
    """All children of one stack, to watch and to stop together.  Safe to use from several threads."""

    def __init__(self, *, grace: float = 8.0) -> None:
        self._children: list[Child] = []
        self._lock = threading.Lock()
        self._closed = False
        self._grace = grace

    def start(self, program: Program) -> Child:
        """Start a program.  Refused once `stop` was called, so that nothing starts behind its back."""
        with self._lock:
            if self._closed:
                raise ChildFailedError(f"{program.name} was not started: the stack is being stopped")
            child = Child(program, self._grace)
            self._children.append(child)
            return child

    def serve(
        self, ports: int, program: Callable[[Sequence[int]], Program], ready: Callable[[Child], bool], within: float
    ) -> Child:
        """Start a program on free ports and wait until it is ready; ports that somebody took first are replaced."""
        for attempt in range(3):
            with Reservation(ports) as reserved:
                made = program(reserved.ports)
            try:
                return self.start_ready(made, ready, within)
            except PortTakenError:
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def start_ready(self, program: Program, ready: Callable[[Child], bool], within: float) -> Child:
        """Start a program and wait until it is ready; if it does not get there, nothing of it is left."""
        child = self.start(program)
        try:
            child.wait_until(lambda: ready(child), within)
        except BaseException:
            child.stop(kill=True)
            self.forget(child)
            raise
        return child

    def forget(self, child: Child) -> None:
        """Do not watch or stop a child any more; the caller has ended it."""
        with self._lock:
            self._children.remove(child)

    def dead(self) -> Child | None:
        """Return a child that ended although nobody asked it to."""
        with self._lock:
            return next((child for child in self._children if not child.stopping and child.status is not None), None)

    def all(self) -> list[Child]:
        with self._lock:
            return list(self._children)

    def stop(self, *, kill: bool = False) -> None:
        """End all children, the youngest first, and start none any more."""
        with self._lock:
            self._closed = True
            children = self._children[::-1]
        if not kill:
            for child in children:
                child.ask_to_stop()
        for child in children:
            child.stop(kill=kill)


def _launch(program: Program) -> subprocess.Popen[bytes]:
    program.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(program.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), *program.argv],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            env=dict(program.environment),
            cwd=program.folder,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)


@functools.cache
def _launcher() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="launcher")


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
        os.killpg(pid, number)


def _listening_ports(pid: int) -> set[int] | None:
    """The TCP ports on which `pid` or a process it started listens; None for one that does not show them.

    A gateway closes its memory to others, and to all but root that hides its open files, too.
    """
    found = set()
    try:
        leader = psutil.Process(pid)
        for process in (leader, *leader.children(recursive=True)):
            found |= {c.laddr.port for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    except psutil.AccessDenied:
        return None
    except psutil.Error:  # it ended while we looked
        pass
    return found
