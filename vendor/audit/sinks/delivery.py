"""Deliver the log to one sink: from where it was left, at its own pace, until it has taken everything.

How far a sink has come is kept in Redis, and goes only forward.  A sink that is slow, full or away holds nobody up:
what it has not taken stays in Redis, and the lag says how much that is.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from vendor.audit.export import Exporter
from vendor.audit.log import AuditLog
from vendor.audit.seal import Head, Sealer, head_of
from vendor.audit.sinks.sink import Batch, Sink, SinkFailed
from vendor.database import Script
from vendor.sealed.records import Checkpoint
from vendor.times import Clock, parse_rfc3339

MOST_BYTES: Final = 4 * 1024 * 1024
MOST_RUNS: Final = 200
SECONDS: Final = 60.0
"""As long as one delivery may take."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 60.0
_log = structlog.get_logger(__name__)

# KEYS: sinks.  ARGV: name, number of the last checkpoint that was taken.
_TAKEN: Final = Script("""
local before = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
if tonumber(ARGV[2]) > before then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
return 1
""")


@dataclass(slots=True)
class SinkState:
    """How a sink does, for whoever watches the gateway.  Seconds are the age of the oldest run it has not taken."""

    name: str
    taken: int = 0
    lag_events: int = 0
    lag_seconds: float = 0.0
    delivered_events: int = 0
    failures: int = 0
    problem: str | None = None


@dataclass(slots=True)
class Delivery:
    """The way to one sink."""

    log: AuditLog
    sealer: Sealer
    exporter: Exporter
    sink: Sink
    clock: Clock
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    state: SinkState = field(init=False)
    _pause: float = FIRST_PAUSE

    def __post_init__(self) -> None:
        self.state = SinkState(self.sink.name)

    async def step(self) -> bool:
        """Deliver one batch; False when there is nothing to deliver at present.  Raises StateUnavailable."""
        taken = await taken_by(self.log, self.sink.name)
        head, oldest = await self.sealer.head(), head_of(await self.log.oldest())
        if head.said is None or oldest.said is None:
            return False
        start = max(taken + 1, oldest.number)
        waiting = await self._measure(head, start)
        if waiting is None or (self.state.lag_seconds < self.sink.linger and self.state.lag_events < 1000):
            return False
        batch = await self._batch(start, head.number)
        try:
            await asyncio.wait_for(self.sink.deliver(batch), SECONDS)
        except (SinkFailed, TimeoutError) as failure:
            await self._failed(str(failure) or "it took too long")
            return True
        self.state.problem, self._pause = None, FIRST_PAUSE
        self.state.delivered_events += batch.events
        await self.log.run(_TAKEN, ["sinks"], [self.sink.name, batch.last.number], repeatable=True)
        self.state.taken = batch.last.number
        return True

    async def _measure(self, head: Head, start: int) -> Checkpoint | None:
        """Bring the lag up to date; return the first checkpoint that was not taken, None if there is none."""
        if head.said is None or start > head.number:
            self.state.lag_events, self.state.lag_seconds = 0, 0.0
            self.state.taken = head.number
            return None
        first = (await self.exporter.checkpoint(start)).said
        if first is not None:
            self.state.lag_events = head.size - first.size + first.count
            self.state.lag_seconds = max(0.0, self.clock() - parse_rfc3339(first.time))
        return first

    async def _batch(self, start: int, newest: int) -> Batch:
        pieces: list[bytes] = []
        sealed: list[Checkpoint] = []
        size = 0
        for number in range(start, min(newest, start + MOST_RUNS - 1) + 1):
            at = await self.exporter.checkpoint(number)
            run = [piece async for piece in self.exporter.run(at)]
            pieces += run
            size += sum(map(len, run))
            if at.said is not None:
                sealed.append(at.said)
            if size >= MOST_BYTES:
                break
        return Batch(tuple(sealed), b"".join(pieces))

    async def _failed(self, problem: str) -> None:
        self.state.failures += 1
        if problem != self.state.problem:
            _log.warning("audit sink does not take events", sink=self.sink.name, problem=problem)
        self.state.problem = problem
        await self.sleep(self._pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads attempts
        self._pause = min(2 * self._pause, LONGEST_PAUSE)


async def taken_by(log: AuditLog, name: str) -> int:
    """Return the number of the last checkpoint that a sink has taken; 0 for none."""
    return int((await log.database.get_fields(log.key("sinks"), name))[0] or 0)
