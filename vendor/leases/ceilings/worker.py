"""What is done in the background, by every replica: whatever a request began and did not finish, and what time brings.

The feed of changes is the audit stream itself, read by one group of all replicas: an event counts as dealt with once
everybody it concerns is settled, and what a replica read and did not deal with goes to another.  Beside it there are
the marks of documents that are not what they should be, or may not stay so, the moments at which grants end, and now
and then a look at everybody with live leases.
"""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from vendor.database import Database
from vendor.errors import VendError
from vendor.leases.ceilings.effects import KINDS, Concerned, Effects
from vendor.leases.ceilings.marks import Marks
from vendor.leases.ceilings.sweep import Sweep
from vendor.leases.ceilings.writer import DOUBT
from vendor.tasks import alongside

GROUP: Final = "ceilings"
EVERY: Final = 0.5  # seconds
BATCH: Final = 500
TAKEN_OVER: Final = 30.0  # seconds after which what somebody read and did not deal with is somebody else's
SWEEP_EVERY: Final = 300.0

_log = structlog.get_logger(__name__)
Entry = tuple[str, dict[str, str]]


@dataclass(slots=True)
class Worker:
    """Runs as long as the gateway does.

    `ended` deals with events that end all leases of somebody, and says whether that is done.
    """

    database: Database
    stream: str
    effects: Effects
    unsettled: Marks
    ending: Marks
    doubted: Marks
    sweep: Sweep
    ended: Callable[[Mapping[str, Any]], Awaitable[bool]]
    clock: Callable[[], float]
    every: float = EVERY
    reader: str = field(default_factory=lambda: secrets.token_hex(8))
    _next_sweep: float = 0.0
    _next_take_over: float = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work as long as the block lasts."""
        async with alongside(self._run(), "ceilings"):
            yield

    async def _run(self) -> None:
        joined = False
        while True:
            try:
                if not joined:
                    await self.database.join_group(self.stream, GROUP)
                    joined = True
                await self.turn()
            except VendError as failure:
                joined = False
                _log.info("work on ceilings waits", reason=failure.code, problem=failure.message)
            except Exception:  # noqa: BLE001 - logged; the feed comes by again
                _log.exception("work on ceilings failed")
            await asyncio.sleep(self.every)

    async def turn(self) -> None:
        """Do what there is to do now."""
        if self.effects.writer.claims is not None:
            await self.effects.writer.claims.try_again()
        while await self._read():
            pass
        await self._overdue()
        if time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + SWEEP_EVERY
            await self.sweep.run()

    async def _read(self) -> bool:
        """Deal with some events; True if there may be more."""
        entries = await self.database.read_group(self.stream, GROUP, self.reader, BATCH)
        more = len(entries) == BATCH
        if time.monotonic() >= self._next_take_over:
            self._next_take_over = time.monotonic() + TAKEN_OVER / 3
            left = self.database.take_over(self.stream, GROUP, self.reader, idle_seconds=TAKEN_OVER, count=BATCH)
            entries += await left
        if entries:
            await self._deal_with(entries)
        return more

    async def _deal_with(self, entries: Sequence[Entry]) -> None:
        events = [event for event in (_parsed(fields) for _, fields in entries) if event is not None]
        ended = [await self.ended(event) for event in events]
        if await self.effects.of(Concerned.by(events)) and all(ended):  # what is left comes by again
            await self.database.acknowledge(self.stream, GROUP, [entry for entry, _ in entries])

    async def _overdue(self) -> None:
        now = self.clock()
        for marks in (self.unsettled, self.ending):
            for user in await marks.overdue(now):
                if marks is self.unsettled:  # its writer died or failed, and the store may yet do what it was asked
                    await self.doubted.put(user, now + DOUBT)
                settled = await self.effects.settled(user)
                if settled and marks is self.ending:
                    await marks.drop_before(user, now)
        for user in await self.doubted.overdue(now):
            await self.effects.writer.forget(user)
            if await self.effects.settled(user):
                await self.doubted.drop_before(user, now)


def _parsed(fields: Mapping[str, str]) -> dict[str, Any] | None:
    """Return an event that concerns ceilings; None for others, which are most."""
    text = fields.get("event", "")
    if not any(f'"kind":"{kind}"' in text for kind in KINDS):
        return None
    try:
        event = json.loads(text)
    except ValueError:
        return None
    return event if isinstance(event, dict) and event.get("decision") == "allowed" else None
