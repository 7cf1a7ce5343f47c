"""Whose the documents under our prefix in a store are: this state's, or those of another gateway's state.

Two gateways with different state and the same prefix on one store would overwrite each other's documents, and so give
the users of one the rights of the other's.  So each state has a random id, kept in Redis, and leaves a marker in every
store: a document that allows nothing, whose name holds the prefix and the id.  Whoever finds another's marker writes
nothing there, removes nothing and has no keys issued, until the operator has said whose the prefix is.

A lease costs no look: what was found is remembered, and looked at again by the sweep, whose replica tells the others.
"""

import asyncio
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from vendor.database import Database, Script
from vendor.errors import StoreRefused, VendError
from vendor.stores.ceilings.keeper import Keeper
from vendor.stores.ceilings.names import Names

AGAIN: Final = 5.0  # seconds after which a store that is not known to be ours is looked at again
_TELL_SECONDS: Final = 4  # for which one replica's look is enough
REMEDY: Final = (
    "Give one of the two gateways another VENDOR_REDIS_PREFIX. If the other state is lost, because its Redis was built "
    "anew, stop what still runs on it and use 'vendor bootstrap --take-over', or remove those policies from the store."
)

_log = structlog.get_logger(__name__)
# KEYS: the state's id.  ARGV: a random one, for a state that has none.
_STATE: Final = Script("""
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
""")
# KEYS: what was found.  ARGV: store, others' markers.
_TELL: Final = Script("return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])")


@dataclass(slots=True)
class Claims:
    """The claims of one gateway's state on its stores.  `texts` is what a marker holds, by store."""

    database: Database
    names: Names
    keepers: Mapping[str, Keeper]
    texts: Mapping[str, str]
    _others: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _looking: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _next: float = 0.0

    async def require(self, store: str) -> None:
        """Raise StoreRefused where another state's marker is; what `look` raises where that is not known yet."""
        if store not in self._others:
            await self._look_once(store)
        if problem := self.problem(store):
            raise StoreRefused(problem, remedy=REMEDY)

    async def _look_once(self, store: str) -> None:
        """Look once for all who ask meanwhile."""
        task = self._looking.get(store)
        if task is None:
            task = self._looking[store] = asyncio.create_task(self._look(store), name="whose a store is")
            task.add_done_callback(lambda done: self._looked(store, done))
        await asyncio.shield(task)

    async def _look(self, store: str) -> None:
        await self.look(store, await self.keepers[store].names())

    def _looked(self, store: str, task: asyncio.Task[None]) -> None:
        del self._looking[store]
        if not task.cancelled():
            task.exception()  # seen, also if everybody who waited is gone

    def problem(self, store: str) -> str:
        """Return what is wrong with a store, nothing if it is ours or was not looked at yet."""
        others = self._others.get(store)
        if not others:
            return ""
        return f"Another gateway's state keeps documents under our prefix in this store: it has {', '.join(others)}."

    async def look(self, store: str, names: Iterable[str]) -> bool:
        """Say whether a store with policies of these names is ours, and claim it where nobody has.

        Raises StoreUnavailable, StoreRefused, StateUnavailable.
        """
        state = str(await self.database.run(_STATE, [self._key("state")], [secrets.token_hex(8)], repeatable=True))
        mine = self.names.marker(state)
        found = self.names.markers(names)
        if not found:
            await self.keepers[store].put(mine, self.texts[store])
            found = self.names.markers(await self.keepers[store].names())  # also of one who came at the same time
        others = tuple(sorted(found - {mine}))
        self._take(store, others)
        await self.database.run(_TELL, [self._key("claims")], [store, ",".join(others)], repeatable=True)
        return not others

    async def hear(self) -> None:
        """Take over what another replica found.  Raises StateUnavailable."""
        for store, others in (await self.database.get_hash(self._key("claims"))).items():
            if store in self._others:
                self._take(store, tuple(filter(None, others.split(","))))

    async def try_again(self) -> None:
        """Look at stores that are not known to be ours, now and then.  Raises StateUnavailable."""
        open_questions = [store for store in self.keepers if self._others.get(store) != ()]
        if not open_questions or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + AGAIN
        first = any(store not in self._others for store in open_questions)
        if not first and not await self.database.acquire(self._key("looking"), _TELL_SECONDS):
            await self.hear()
            return
        for store in open_questions:
            try:
                await self._look_once(store)
            except VendError as failure:
                _log.info("not known whose a store is", store=store, reason=failure.code, problem=failure.message)

    def _take(self, store: str, others: tuple[str, ...]) -> None:
        before = self._others.get(store)
        self._others[store] = others
        if others and others != before:
            _log.error("two gateways with different state share one prefix", store=store, others=others, remedy=REMEDY)
        elif before and not others:
            _log.info("the prefix is ours alone", store=store)

    def _key(self, what: str) -> str:
        return f"{self.names.prefix}:ceilings:{what}"
