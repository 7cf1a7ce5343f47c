"""A process that makes load, so that it shares no interpreter with what is measured."""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

import uvloop

from vendor.operate.bench.driving import drive
from vendor.operate.bench.load import Load, Outcome

_Asked = TypeVar("_Asked")


class Generator:
    """A process that makes load."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    def __enter__(self) -> Self:
        self._pool.submit(abs, 0).result()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)

    def __call__(self, load: Load) -> Outcome:
        """Make the load and return what came of it.  Raises Refused if any answer was not a good one."""
        outcome = self.run(drive, load)
        outcome.require_good(load.url)
        return outcome

    def outcome(self, load: Load) -> Outcome:
        """Make the load and return what came of it, good or not."""
        return self.run(drive, load)

    def run(self, making: Callable[[_Asked], Awaitable[Outcome]], asked: _Asked) -> Outcome:
        """Make load of another kind in the process; `making` is a function of a module."""
        return self._pool.submit(_run, making, asked).result()


def _run(making: Callable[[_Asked], Awaitable[Outcome]], asked: _Asked) -> Outcome:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_awaited(making, asked))


async def _awaited(making: Callable[[_Asked], Awaitable[Outcome]], asked: _Asked) -> Outcome:
    return await making(asked)
