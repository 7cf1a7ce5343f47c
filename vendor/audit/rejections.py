"""Requests that nobody could be found behind: counted, and a sample of them recorded.

Anybody can send as many of them as they like, so they must not fill the log: of all that are refused for the same
reason within some seconds there is one event, with how many there were and where the first came from.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from vendor.audit.event import Actor, Event, Kind, Origin
from vendor.audit.trail import Trail
from vendor.tasks import alongside
from vendor.times import Clock, rfc3339

REASONS: Final = frozenset({"missing_token", "invalid_token", "expired_token"})
EVERY: Final = 5.0
_NOBODY: Final = Actor("", "", "")


@dataclass(slots=True)
class _Tally:
    first: Origin
    since: float
    count: int = 0


class Rejections:
    """Counts in memory, and writes what there is every few seconds."""

    def __init__(self, trail: Trail, clock: Clock) -> None:
        self._trail = trail
        self._clock = clock
        self._tallies: dict[str, _Tally] = {}

    def note(self, reason: str, origin: Origin) -> None:
        """Count one.  `reason` is an error code; others than `REASONS` are no business of this."""
        if reason in REASONS:
            self._tallies.setdefault(reason, _Tally(origin, self._clock())).count += 1

    async def flush(self) -> None:
        """Record what was counted.  What cannot be recorded is logged as lost: nothing hangs on it."""
        tallies, self._tallies = self._tallies, {}
        for reason, tally in tallies.items():
            facts: dict[str, object] = {"count": tally.count, "since": rfc3339(tally.since)}
            event = Event(Kind.IDENTITY_REJECTED, self._clock(), _NOBODY, tally.first, facts=facts)
            event.refuse(Kind.IDENTITY_REJECTED, reason)
            await self._trail.write_refusal(event)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Record in the background as long as the block lasts, and what is left at its end."""
        try:
            async with alongside(self._run(), "rejected requests"):
                yield
        finally:
            await self.flush()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self.flush()
