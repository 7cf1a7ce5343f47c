"""Whether leases are given on a store: decided by trying it, at start and from time to time.

Nothing is given before the store was found sound; a store that is away at start is tried when it is first asked for
keys, and in the background until it answers.  One replica at a time tries it again later and tells the others.
A store that is found open then gives no more leases until it is sound again; one that is merely broken goes on, since
leases that open nothing harm nobody.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import structlog

from vendor.database import Database
from vendor.errors import StateUnavailable, StoreRefused, StoreUnavailable
from vendor.stores.probe.quick import QuickVerdict, State
from vendor.stores.profile import StoreCheck
from vendor.stores.store import Store
from vendor.tasks import give_up
from vendor.times import Clock

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0
LONGER: Final = 1.5
JITTER: Final = 0.2
_REMEDY: Final = "The operator finds out more with 'vendor probe'; leases are given again once the store is sound."

_log = structlog.get_logger(__name__)


class Colour(StrEnum):
    """How well a store is, for readiness."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(slots=True)
class Counters:
    """What one process has seen of one store, to be counted up for metrics."""

    sound: int = 0
    broken: int = 0
    open: int = 0
    away: int = 0
    refused_leases: int = 0
    last_tried_at: float | None = None


@dataclass(frozen=True, slots=True)
class Light:
    """The state of a store for whoever watches the gateway."""

    colour: Colour
    reason: str = ""


@dataclass(slots=True, kw_only=True)
class Watch:
    """Watches one store.  `every` is in seconds; `database` and `prefix` are what replicas share."""

    store: Store
    check: Callable[[], Awaitable[QuickVerdict]]
    mode: StoreCheck
    every: float
    database: Database
    prefix: str
    clock: Clock = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    counters: Counters = field(default_factory=Counters)
    _verdict: QuickVerdict | None = None
    _was_sound: bool = False
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def light(self) -> Light:
        """Red before the store was ever found sound, amber when it no longer is, green otherwise."""
        if self.mode is StoreCheck.OFF:
            return Light(Colour.GREEN)
        if self._verdict is None:
            return Light(
                Colour.RED if self.mode is StoreCheck.ENFORCE else Colour.GREEN, "The store was not tried yet."
            )
        if self._verdict.state is State.SOUND:
            return Light(Colour.GREEN)
        refused_at_start = self.mode is StoreCheck.ENFORCE and not self._was_sound
        return Light(Colour.RED if refused_at_start else Colour.AMBER, self._verdict.reason)

    async def admit(self) -> None:
        """Let a lease pass.  Raises StoreRefused, and StoreUnavailable while it is not known how the store is."""
        if self.mode is not StoreCheck.ENFORCE:
            return
        if self._verdict is None:
            await self.try_first()
        verdict = self._verdict
        if verdict is None or verdict.state is State.SOUND or (verdict.state is State.BROKEN and self._was_sound):
            return
        self.counters.refused_leases += 1
        raise StoreRefused(f"No leases are given on this store. {verdict.reason}", remedy=_REMEDY)

    async def try_first(self) -> None:
        """Try the store unless somebody else just did.  Raises StoreUnavailable."""
        async with self._turn:
            if self._verdict is None:
                await self._try()

    async def run(self) -> None:
        """Keep looking, until cancelled."""
        pause = FIRST_PAUSE
        while True:
            try:
                await self._look()
            except Exception:  # noqa: BLE001 - a watch that ends is worse than one that stumbles
                _log.exception("store watch stumbled", store=self.store.settings.name)
            if self._verdict is not None and self._verdict.state is State.SOUND:
                pause = FIRST_PAUSE
                await self.sleep(self.every * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - spreads load
            else:
                await self.sleep(min(pause, self.every))
                pause = min(pause * LONGER, LONGEST_PAUSE)

    async def _look(self) -> None:
        try:
            if self._verdict is None:
                await self.try_first()
            elif self._verdict.state is not State.SOUND:
                await self._try()
            elif await self.database.acquire(self._key("turn"), max(1, int(self.every * (1 - JITTER)))):
                await self._try()
                await self._tell()
            else:
                await self._hear()
        except (StoreUnavailable, StateUnavailable):
            return  # each shows in readiness by itself; nothing was learned

    async def _try(self) -> None:
        self.counters.last_tried_at = self.clock()
        try:
            verdict = await self.check()
        except StoreUnavailable:
            self.counters.away += 1
            raise
        match verdict.state:
            case State.SOUND:
                self.counters.sound += 1
            case State.BROKEN:
                self.counters.broken += 1
            case State.OPEN:
                self.counters.open += 1
        self._take(verdict)

    def _take(self, verdict: QuickVerdict) -> None:
        before, name = self._verdict, self.store.settings.name
        self._verdict = verdict
        self._was_sound |= verdict.state is State.SOUND
        if before is not None and (before.state, before.holes) == (verdict.state, verdict.holes):
            return
        if verdict.state is not State.SOUND:
            loudly = _log.error if self._was_sound or verdict.state is State.OPEN else _log.warning
            loudly("store is not sound", store=name, state=verdict.state.value, reason=verdict.reason)
        elif before is not None and before.state is not State.SOUND:
            _log.info("store is sound again", store=name)
        if verdict.holes:
            _log.warning("store has known holes", store=name, holes=list(verdict.holes), remedy="see 'vendor probe'")

    async def _tell(self) -> None:
        """Tell the other replicas.  Holes are every replica's own business: they were found at start."""
        if self._verdict is not None:
            fields = {"state": self._verdict.state.value, "reason": self._verdict.reason, "at": repr(self.clock())}
            await self.database.put_hash(self._key("found"), fields, expires_at=int(self.clock() + 3 * self.every))

    async def _hear(self) -> None:
        """Take over what another replica found since we last looked."""
        told = await self.database.get_hash(self._key("found"))
        if told and self._verdict is not None and float(told["at"]) > (self.counters.last_tried_at or 0.0):
            self._take(QuickVerdict(State(told["state"]), told["reason"], self._verdict.holes))

    def _key(self, what: str) -> str:
        return f"{self.prefix}:store-check:{self.store.settings.name}:{what}"


@asynccontextmanager
async def watching(watches: Iterable[Watch]) -> AsyncIterator[None]:
    """Watch stores in the background as long as the block lasts."""
    tasks = [asyncio.create_task(watch.run()) for watch in watches if watch.mode is not StoreCheck.OFF]
    try:
        yield
    finally:
        await give_up(tasks)
