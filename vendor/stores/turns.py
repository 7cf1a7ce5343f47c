"""A bounded number of calls at a time, given out in turn among those who ask: one who asks for much waits for themself.

Each asker has a queue of their own, and the queues take turns.  No asker holds all places, so a newcomer finds one
free even while somebody floods; and when too many wait, the newest of the longest queue is sent away, not whoever
happens to come next.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from vendor.errors import StoreUnavailable

PATIENCE: Final = 8.0  # seconds; whoever waited longer has a client that gave up, or soon will
RETRY_AFTER: Final = 2
_Place = asyncio.Future[None]


@dataclass(slots=True)
class Counters:
    """What became of those who asked, since the start."""

    served: int = 0
    queued: int = 0
    turned_away: int = 0


@dataclass(slots=True)
class Turns:
    """`at_once` calls run at a time, at most `most_each` of one asker; `most_waiting` may wait in all."""

    at_once: int
    most_waiting: int
    patience: float = PATIENCE
    counters: Counters = field(default_factory=Counters)
    _running: dict[str, int] = field(default_factory=dict)
    _queues: OrderedDict[str, deque[_Place]] = field(default_factory=OrderedDict)

    @property
    def most_each(self) -> int:
        """How many places one asker can hold: never all of them, if there is more than one."""
        return max(1, self.at_once * 3 // 4)

    @property
    def running(self) -> int:
        """How many calls run now."""
        return sum(self._running.values())

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return sum(len(queue) for queue in self._queues.values())

    @asynccontextmanager
    async def place(self, who: str) -> AsyncIterator[None]:
        """Hold a place for as long as the block lasts.  Raises StoreUnavailable if too many wait, or for too long."""
        await self._take(who)
        try:
            yield
        finally:
            self._leave(who)

    async def _take(self, who: str) -> None:
        if who not in self._queues and self._free(who):
            self._start(who)
            return
        place = self._queue(who)
        self.counters.queued += 1
        try:
            async with asyncio.timeout(self.patience):
                await place
        except TimeoutError:
            self._forget(who, place)
            raise _turned_away("This store has been too busy for too long.") from None
        except BaseException:
            self._forget(who, place)
            raise

    def _queue(self, who: str) -> _Place:
        if self.waiting >= self.most_waiting:
            self._make_room(who)
        place: _Place = asyncio.get_running_loop().create_future()
        self._queues.setdefault(who, deque()).append(place)
        return place

    def _make_room(self, who: str) -> None:
        """Send the newest of the longest queue away.  Raises StoreUnavailable if that is the one who asks."""
        self.counters.turned_away += 1
        longest = max(self._queues, key=lambda name: len(self._queues[name]))
        busy = "More is asked of this store than it can answer."
        if len(self._queues[longest]) <= len(self._queues.get(who, ())) + 1:
            raise _turned_away(busy)
        place = self._queues[longest].pop()
        if not place.done():
            place.set_exception(_turned_away(busy))

    def _forget(self, who: str, place: _Place) -> None:
        """Leave the queue; if the place was given in the meantime, pass it on."""
        if place.done() and not place.cancelled() and place.exception() is None:
            self._leave(who)
            return
        queue = self._queues.get(who)
        if queue is not None and place in queue:
            queue.remove(place)
            if not queue:
                del self._queues[who]

    def _free(self, who: str) -> bool:
        return self.running < self.at_once and self._running.get(who, 0) < self.most_each

    def _start(self, who: str) -> None:
        self._running[who] = self._running.get(who, 0) + 1
        self.counters.served += 1

    def _leave(self, who: str) -> None:
        self._running[who] -= 1
        if not self._running[who]:
            del self._running[who]
        self._call_next()

    def _call_next(self) -> None:
        """Give free places to the queues in turn: who got one goes to the end of the round."""
        called = True
        while called:
            called = False
            for who in list(self._queues):
                if self._free(who):
                    self._call(who)
                    called = True
                    break

    def _call(self, who: str) -> None:
        queue = self._queues.pop(who)
        place = queue.popleft()
        if queue:
            self._queues[who] = queue  # at the end: everybody else comes first
        if not place.done():
            self._start(who)
            place.set_result(None)


def _turned_away(message: str) -> StoreUnavailable:
    return StoreUnavailable(message, retry_after=RETRY_AFTER)
