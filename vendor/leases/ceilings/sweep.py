"""Look now and then at everybody with live leases, and remove documents that belong to nobody any more."""

from dataclasses import dataclass
from typing import Final

import structlog

from vendor.database import Database
from vendor.errors import VendError
from vendor.leases.ceilings.effects import Concerned, Effects
from vendor.leases.ceilings.slots import field_of
from vendor.names import UserName

AT_ONCE: Final = 50
"""Documents removed in one sweep."""
EVERY: Final = 240
UNUSED: Final = 3600.0
"""Seconds for which a slot has not been used before its documents are removed."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sweep:
    """The round; one replica makes it at a time."""

    database: Database
    prefix: str
    effects: Effects

    async def run(self) -> None:
        """Make the round, unless another replica did lately.  Raises StateUnavailable."""
        claims = self.effects.writer.claims
        if not await self.database.acquire(f"{self.prefix}:ceilings:sweep", EVERY):
            if claims is not None:
                await claims.hear()
            return
        await self.effects.of(Concerned(set(), set(), everybody=True))
        for name, kept in self.effects.writer.stores.items():
            try:
                names = await kept.keeper.names()
                if (claims is None or await claims.look(name, names)) and kept.removes:
                    await self._remove(name, names)
            except VendError as failure:
                _log.warning(
                    "documents in a store were not swept", store=name, reason=failure.code, problem=failure.message
                )

    async def _remove(self, store: str, names: list[str]) -> None:
        """Remove some of the documents of slots that nobody has used for long, or that nobody knows."""
        by_user: dict[UserName, list[str]] = {}
        for name in names:
            place = self.effects.writer.names.parse(name)
            if place is not None:
                by_user.setdefault(place.user, []).append(name)
        removed = 0
        for user, documents in by_user.items():
            removed += await self._remove_of(store, user, documents, AT_ONCE - removed)
            if removed >= AT_ONCE:
                return

    async def _remove_of(self, store: str, user: UserName, documents: list[str], most: int) -> int:
        """Have the user's turn meanwhile, so that nobody writes what is being removed."""
        slots = self.effects.writer.slots
        used = {slot.field for slot in await slots.taken(user, since=UNUSED)}
        if all(self._field(store, name) in used for name in documents):
            return 0
        async with self.effects.writer.turns.take(user):
            used = {slot.field for slot in await slots.taken(user, since=UNUSED)}
            unused = [name for name in documents if self._field(store, name) not in used][:most]
            await slots.forget(user, {self._field(store, name) for name in unused})
            for name in unused:
                await self.effects.writer.stores[store].keeper.remove(name)
        return len(unused)

    def _field(self, store: str, name: str) -> str:
        place = self.effects.writer.names.parse(name)
        return "" if place is None else field_of(store, place.variant, place.slot)
