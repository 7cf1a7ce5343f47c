"""Tell many waiters when the log has grown, with one question to Redis at a time however many wait."""

import asyncio
import contextlib
from collections import Counter
from typing import Final

from vendor.audit.log import START, AuditLog
from vendor.errors import StateUnavailable
from vendor.sealed.records import place
from vendor.tasks import give_up

LOOK_EVERY: Final = 0.2


class Places:
    """So many may listen at a time, and `each` of them so often: nobody alone takes all places."""

    def __init__(self, most: int, each: int) -> None:
        self._left = most
        self._each = each
        self._taken: Counter[str] = Counter()

    def free_for(self, who: str) -> bool:
        """Say whether there is a place for somebody."""
        return self._left > 0 and self._taken[who] < self._each

    def enter(self, who: str) -> None:
        """Take a place."""
        self._left -= 1
        self._taken[who] += 1

    def leave(self, who: str) -> None:
        """Give a place back."""
        self._left += 1
        self._taken[who] -= 1
        self._taken = +self._taken  # without those who have none


class Pulse:
    """Looks at the log while somebody waits, and not otherwise."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log
        self._last = START
        self._waiting = 0
        self._looking: asyncio.Task[None] | None = None
        self._grown = asyncio.Condition()

    async def beyond(self, cursor: str, seconds: float) -> bool:
        """Wait until there is an event after `cursor`; False if there is none within `seconds`."""
        self._waiting += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="pulse of the audit log")
        try:
            async with asyncio.timeout(seconds), self._grown:
                await self._grown.wait_for(lambda: place(self._last) > place(cursor))
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
        return True

    async def close(self) -> None:
        """Stop looking."""
        if self._looking is not None:
            await give_up([self._looking])

    async def _look(self) -> None:
        try:
            while self._waiting:
                with contextlib.suppress(StateUnavailable):
                    last = await self._log.last()
                    if last != self._last:
                        async with self._grown:
                            self._last = last
                            self._grown.notify_all()
                await asyncio.sleep(LOOK_EVERY)
        finally:
            self._looking = None
