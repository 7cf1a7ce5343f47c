"""Run one child as if it stood in our place: same terminal, same files, signals passed on, its status ours."""

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from types import FrameType

from vendor.cli import failures, screen
from vendor.signals import Handling

PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
FROM_TERMINAL = frozenset({signal.SIGINT, signal.SIGQUIT})


def run(command: Sequence[str], environ: Mapping[str, str], early: Iterable[int] = ()) -> int:
    """Run `command` to its end and return its exit status, as a shell would say it (128 + n for signal n).

    `early` are signals that came before and are the child's.
    """
    child = _Child()
    with Handling(dict.fromkeys(PASSED_ON, child.signal) | {signal.SIGCHLD: lambda *_: None}) as signals:
        try:
            # Files that the caller left open are the child's too: bash's <(…) is one.
            process = subprocess.Popen(list(command), env=dict(environ), close_fds=False)
        except FileNotFoundError:
            screen.warn(f"{command[0]}: command not found")
            return failures.NOT_FOUND
        except OSError as error:
            screen.warn(f"{command[0]}: {error.strerror}")
            return failures.NOT_EXECUTABLE
        child.is_born(process, early)
        signals.wait_until(lambda: process.poll() is not None)
        status = process.wait()
    return status if status >= 0 else 128 - status


class _Child:
    """Gets the signals that come to us; those that came before it existed are kept for it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []

    def is_born(self, process: "subprocess.Popen[bytes]", early: Iterable[int]) -> None:
        self._process = process
        for number in (*early, *self._early):
            process.send_signal(number)

    def signal(self, number: int, _frame: FrameType | None) -> None:
        if number in FROM_TERMINAL and _in_foreground():
            return  # the terminal has sent it to the child as well
        if self._process is None:
            self._early.append(number)
        else:
            self._process.send_signal(number)


def _in_foreground() -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
