"""Handle signals while something is waited for, and miss none of them.

Python runs a handler between two of its own steps.  A signal that comes just before a call that waits, or that the
system hands to another thread, would be handled only when that call ends, which may be in days.  A byte in a pipe is
written at once, by whichever thread gets the signal; so the pipe is what is waited for.
"""

import os
import select
import signal
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, Final, Self

Handler = Callable[[int, FrameType | None], None]

LOOK_EVERY: Final = 5.0
"""Seconds after which a condition is looked at again without a signal: whoever started us may have blocked some."""


class Handling:
    """While open, the handlers given are in force.  What we were started ignoring (`nohup`) stays ignored."""

    def __init__(self, handlers: Mapping[int, Handler]) -> None:
        self._handlers = handlers
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe()
        for end in (self._read, self._write):
            os.set_blocking(end, False)
        self._wakeup_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number, handler in self._handlers.items():
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, handler)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._read)
        os.close(self._write)

    def wait_until(self, done: Callable[[], bool]) -> None:
        """Wait until `done`, which only a handler, or what a signal tells of, makes true."""
        while not done():
            if select.select([self._read], [], [], LOOK_EVERY)[0]:
                os.read(self._read, 4096)


class Asked(Handling):
    """Whether somebody asked us to stop: with Ctrl-C, or as systems end a program.

    While nothing is held that has to be ended, that stops us at once, as it would without this.  From `hold` on it is
    remembered in `received`, so that the end of it all, a lease's for example, is not cut off by a second Ctrl-C.
    """

    NUMBERS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(self.NUMBERS, self._came))
        self.received: list[int] = []
        self._holding = False

    def hold(self) -> None:
        """There is something now that has to be ended."""
        self._holding = True

    def wait(self) -> None:
        """Wait until somebody asks."""
        self.wait_until(lambda: bool(self.received))

    def _came(self, number: int, _frame: FrameType | None) -> None:
        if self._holding:
            self.received.append(number)
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            raise SystemExit(128 + number)
