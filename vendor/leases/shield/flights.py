"""One flight for all who ask the same at the same time, within one process.

A flight is a task of its own: whoever started it may go away, and it still ends as it would have, its lease recorded
and remembered.  It is never started again for those who joined it; they are told what it came to.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

_Result = TypeVar("_Result")


class Flights(Generic[_Result]):
    """Flights that are under way, by what was asked."""

    def __init__(self) -> None:
        self._under_way: dict[bytes, asyncio.Task[_Result]] = {}
        self._others: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._under_way)

    def has(self, mark: bytes) -> bool:
        """Say whether there is a flight to join."""
        return mark in self._under_way

    async def join(self, mark: bytes, start: Callable[[], Coroutine[Any, Any, _Result]]) -> tuple[_Result, bool]:
        """Return what a flight came to, and whether it was started for this call.  Raises what the flight raises."""
        task = self._under_way.get(mark)
        leads = task is None
        if task is None:
            task = asyncio.create_task(start())
            self._under_way[mark] = task
            task.add_done_callback(lambda done: self._landed(mark, done))
        return await asyncio.shield(task), leads

    def afterwards(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that nobody waits for, and that does not fail."""
        task = asyncio.create_task(work)
        self._others.add(task)
        task.add_done_callback(self._others.discard)

    async def landed(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way or self._others:
            await asyncio.gather(*self._under_way.values(), *self._others, return_exceptions=True)

    def _landed(self, mark: bytes, task: asyncio.Task[_Result]) -> None:
        del self._under_way[mark]
        if not task.cancelled():
            task.exception()  # seen, also if everybody who waited is gone
