"""A process that makes load, so that it shares no interpreter with what is measured."""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import connection
from multiprocessing.synchronize import Event
from types import TracebackType
from typing import Final, Self, TypeVar

import uvloop

from vendor.operate.bench import driving
from vendor.operate.bench.driving import drive
from vendor.operate.bench.load import Broken, Load, Outcome
from vendor.signals import Asked

_Asked = TypeVar("_Asked")
_LOOK_EVERY: Final = 0.1  # seconds after which a load is asked whether to go on


class Generator:
    """A process that makes load.  What asks a program to stop is for whoever started it; it ends with them."""

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        with _unsignalled():  # each process has the mask of who starts it, from its first moment on
            self._enough = context.Event()
        with _unsignalled():  # anew: the event starts Python's resource tracker, which takes some signals from the mask
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(self._enough,))
            self._pool.submit(abs, 0).result()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._enough.set()  # also for a load that nobody waits for any more
        self._pool.shutdown(cancel_futures=True)

    def __call__(self, load: Load) -> Outcome:
        """Make the load and return what came of it.  Raises Refused if any answer was not a good one."""
        outcome = self.outcome(load)
        outcome.require_good(load.url)
        return outcome

    def outcome(self, load: Load, *, enough: Callable[[], bool] | None = None) -> Outcome:
        """Make the load and return what came of it, good or not; it ends early once `enough` is true.

        Raises Broken if a connection broke, and OSError or TimeoutError if there was none at all.
        """
        outcome = self.run(drive, load, enough=enough)
        if outcome.broken:
            raise Broken(load.url, outcome)
        return outcome

    def run(
        self,
        making: Callable[[_Asked], Awaitable[Outcome]],
        asked: _Asked,
        *,
        enough: Callable[[], bool] | None = None,
    ) -> Outcome:
        """Make load of another kind in the process; `making` is a function of a module."""
        future = self._pool.submit(_run, making, asked)
        while enough is not None and not self._enough.is_set():
            if enough():
                self._enough.set()
            elif wait([future], _LOOK_EVERY).done:
                break
        return future.result()


@contextmanager
def _unsignalled() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, Asked.NUMBERS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(enough: Event) -> None:
    driving.enough = enough.is_set
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=[parent.sentinel], daemon=True).start()


def _end_with(parent: int) -> None:
    """Make no load for somebody who was killed, and keep no token."""
    connection.wait([parent])
    os._exit(1)


def _run(making: Callable[[_Asked], Awaitable[Outcome]], asked: _Asked) -> Outcome:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_awaited(making, asked))


async def _awaited(making: Callable[[_Asked], Awaitable[Outcome]], asked: _Asked) -> Outcome:
    return await making(asked)
