"""What entries and rules in audit mode would have done: facts for the audit log, without any effect."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from vendor.identity.expiring import Expiring
from vendor.identity.principal import Principal
from vendor.tasks import give_up
from vendor.times import Clock

SAY_AGAIN_SECONDS = 600.0
_MAX_REMEMBERED = 10_000
_MAX_TRIALS = 32
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Observation:
    """One entry, or one rule of it, tried on one token.

    `admitted` with the `principal` that would have come out, or not with the `reason`.  `rule` is None when the whole
    entry is in audit mode and its token was refused before any rule was asked; `subject` is empty then, because
    nothing that such a token says is proven.
    """

    trusted_by: str
    rule: str | None
    subject: str
    admitted: bool
    principal: Principal | None = None
    reason: str | None = None


Observer = Callable[[Observation], Awaitable[None]]
"""Records an observation.  What it raises is logged and has no effect on the caller."""


class Watch:
    """Passes observations on, the same one at most every ten minutes: callers send their token with every request.

    What takes time runs in the background, so that nobody waits for an entry that is only on trial; more than a few at
    once are not tried.
    """

    def __init__(self, observer: Observer | None, monotonic: Clock = time.monotonic) -> None:
        self._observer = observer
        self._trials: set[asyncio.Task[None]] = set()
        self._said: Expiring[bool] = Expiring(_MAX_REMEMBERED, monotonic)

    def later(self, trial: Callable[[], Awaitable[Observation]]) -> None:
        """Record what `trial` returns, once it does."""
        if self._observer is None or len(self._trials) >= _MAX_TRIALS:
            return
        task = asyncio.create_task(self._record(trial), name="trial of an entry in audit mode")
        self._trials.add(task)
        task.add_done_callback(self._trials.discard)

    async def settled(self) -> None:
        """Wait for all trials that are under way."""
        await asyncio.gather(*self._trials, return_exceptions=True)

    async def close(self) -> None:
        """Give all trials up."""
        await give_up(self._trials)

    async def _record(self, trial: Callable[[], Awaitable[Observation]]) -> None:
        await self.see(await trial())

    async def see(self, seen: Observation) -> None:
        """Record `seen` if it is news.  Never raises."""
        key = _digest(seen)
        if self._observer is None or self._said.get(key):
            return
        self._said.put(key, value=True, seconds=SAY_AGAIN_SECONDS)
        try:
            await self._observer(seen)
        except Exception as problem:  # noqa: BLE001  audit mode promises to have no effect
            _log.warning("observation_lost", trusted_by=seen.trusted_by, problem=type(problem).__name__)


def _digest(seen: Observation) -> bytes:
    name = seen.principal.name if seen.principal else None
    fields = (seen.trusted_by, seen.rule, seen.subject, seen.admitted, name, seen.reason)
    return hashlib.sha256(repr(fields).encode("utf-8")).digest()
