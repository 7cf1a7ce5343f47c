"""A process that makes load, so that it shares no interpreter with what is measured."""

import asyncio
import multiprocessing
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor, wait
from multiprocessing.synchronize import Event
from types import TracebackType
from typing import Final, Self, TypeVar

import uvloop

from vendor.operate.bench import driving
from vendor.operate.bench.driving import drive
from vendor.operate.bench.load import Broken, Load, Outcome

_Asked = TypeVar("_Asked")
_LOOK_EVERY: Final = 0.1  # seconds after which a load is asked whether to go on


class Generator:
    """A process that makes load.  Ctrl-C is for whoever started it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._enough = context.Event()
        self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(self._enough,))

    def __enter__(self) -> Self:
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


def _begin(enough: Event) -> None:
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    driving.enough = enough.is_set


def _run(making: Callable[[_Asked], Awaitable[Outcome]], asked: _Asked) -> Outcome:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_awaited(making, asked))


async def _awaited(making: Callable[[_Asked], Awaitable[Outcome]], asked: _Asked) -> Outcome:
    return await making(asked)
