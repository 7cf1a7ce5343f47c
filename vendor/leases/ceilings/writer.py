"""Bring the documents of a user's slots in line with governance: one writer at a time, until nothing is left to do.

What should be there follows from governance and the slots as they are, never from what changed; so it does not matter
how often, in which order, or by which replica this is done.  Before a document is written it is noted that what it
holds is not known, and that somebody has to look again; that note goes when a look finds everything in place.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vendor.errors import StoreUnavailable, VendError
from vendor.governance.state import Governance, Standing
from vendor.leases.ceilings.claims import Claims
from vendor.leases.ceilings.contents import Content, Contents
from vendor.leases.ceilings.marks import Marks
from vendor.leases.ceilings.slots import Slot, Slots, Who
from vendor.leases.ceilings.turns import Turn, Turns
from vendor.names import UserName
from vendor.stores.ceilings.keeper import Keeper
from vendor.stores.ceilings.names import Names
from vendor.times import Clock

WRITE_SECONDS: Final = 12.0  # less than a turn lasts
AT_ONCE: Final = 8  # documents written at a time
ROUNDS: Final = 10
GRACE: Final = 30.0  # seconds after which somebody else looks whether a writer came to its end
AGAIN: Final = 3.0  # seconds after which a failed write is tried again
COOLING: Final = 2.0  # seconds for which nobody writes after a write of which it is not known whether it is over
DOUBT: Final = 30.0  # seconds after which everything is written once more: a store that was stuck may do old work late


@dataclass(frozen=True, slots=True)
class Kept:
    """A store that keeps documents, whether it takes denials in them, and whether unused ones are removed from it."""

    keeper: Keeper
    denials: bool
    removes: bool = True


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes documents.  Without `claims` nobody else writes to these stores."""

    governance: Governance
    slots: Slots
    contents: Contents
    stores: Mapping[str, Kept]
    names: Names
    turns: Turns
    unsettled: Marks
    ending: Marks
    doubted: Marks
    clock: Clock
    claims: Claims | None = None

    async def settle(self, user: UserName) -> dict[str, Content]:
        """Return what every slot of a user holds, by its field, once that is what it should hold.

        Raises StoreUnavailable, StoreRefused, StateUnavailable, PolicyTooLarge; then it is tried again later.
        """
        async with self.turns.take(user) as turn:
            mark: float | None = None
            for _ in range(ROUNDS):
                wanted = await self._look(user)
                todo = {slot: content for slot, content in wanted.items() if slot.written != content.digests}
                if not todo:
                    await self._settled(user, mark, wanted.values())
                    return {slot.field: content for slot, content in wanted.items()}
                mark = self.clock() + GRACE
                await asyncio.gather(self.unsettled.put(user, mark), self.slots.writing(user, list(todo)))
                await turn.extend()
                await self._write(user, todo, turn)
            raise StoreUnavailable("What leases are limited by keeps changing.")

    async def in_place(self, user: UserName) -> bool:
        """Say whether every document holds what it should, and nobody is writing: then `settle` has nothing to do.

        The turn is looked at first: who takes it later reads governance later, and writes nothing that is older than
        what was seen here.  False, too, for what has an end, which `settle` notes.  Raises StateUnavailable,
        PolicyTooLarge.
        """
        if await self.turns.taken(user):
            return False
        wanted = await self._look(user)
        return all(slot.written == content.digests and content.ends is None for slot, content in wanted.items())

    async def forget(self, user: UserName) -> None:
        """Take nothing for granted that was written for a user, so that `settle` writes all of it.

        Raises StateUnavailable.
        """
        slots = await self.slots.taken(user)
        if slots:
            await self.slots.writing(user, slots)

    async def require_ours(self, store: str) -> None:
        """Raise StoreRefused where another gateway's state keeps its documents under our prefix."""
        if self.claims is not None:
            await self.claims.require(store)

    def documents(self, slot: Slot, count: int) -> tuple[str, ...]:
        """Return the names of a slot's documents."""
        return tuple(self.names.of(slot.who.user, slot.who.variant, slot.number, part) for part in range(count))

    def content(self, slot: Slot, standing: Standing) -> Content:
        """Return what a slot should hold.  Raises PolicyTooLarge."""
        return self.contents.of(slot, standing, denials=self.stores[slot.store].denials)

    async def _look(self, user: UserName) -> dict[Slot, Content]:
        taken = [slot for slot in await self.slots.taken(user) if slot.store in self.stores]
        whose = list({slot.who for slot in taken})
        read = await asyncio.gather(*(self.governance.standing(who.subject) for who in whose))
        standings: dict[Who, Standing] = dict(zip(whose, read, strict=True))
        return {slot: self.content(slot, standings[slot.who]) for slot in taken}

    async def _settled(self, user: UserName, mark: float | None, found: Iterable[Content]) -> None:
        await (self.unsettled.drop(user) if mark is None else self.unsettled.take_back(user, mark))
        ends = min((content.ends for content in found if content.ends is not None), default=None)
        if ends is not None:
            await self.ending.put(user, ends)

    async def _write(self, user: UserName, todo: Mapping[Slot, Content], turn: Turn) -> None:
        places = asyncio.Semaphore(AT_ONCE)
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                done = await asyncio.gather(
                    *(self._write_slot(slot, content, places) for slot, content in todo.items()),
                    return_exceptions=True,
                )
        except BaseException as failure:
            await self._failed(user, turn)
            if isinstance(failure, TimeoutError):
                raise StoreUnavailable("The store takes too long to keep what limits leases.") from None
            raise
        written = {
            slot.field: content.digests
            for (slot, content), problem in zip(todo.items(), done, strict=True)
            if problem is None
        }
        if written:
            await self.slots.written(user, written)
        problems = [problem for problem in done if problem is not None]
        if problems:
            await self._failed(user, turn)
            raise _worst(problems)

    async def _failed(self, user: UserName, turn: Turn) -> None:
        turn.cooling = COOLING
        now = self.clock()
        await asyncio.gather(self.unsettled.put(user, now + AGAIN), self.doubted.put(user, now + DOUBT))

    async def _write_slot(self, slot: Slot, content: Content, places: asyncio.Semaphore) -> None:
        """Write what differs; what grows comes before what shrinks, in case something moves from one to the other."""
        await self.require_ours(slot.store)
        keeper = self.stores[slot.store].keeper
        before = dict(enumerate(slot.written))
        names = self.documents(slot, len(content.texts))
        changed = [part for part, digest in enumerate(content.digests) if before.get(part) != digest]
        growing = [part for part in changed if len(content.texts[part]) >= _size(before.get(part))]
        for batch in (growing, [part for part in changed if part not in growing]):
            await asyncio.gather(*(_put(keeper, names[part], content.texts[part], places) for part in batch))


async def _put(keeper: Keeper, name: str, text: str, places: asyncio.Semaphore) -> None:
    async with places:
        await keeper.put(name, text)


def _size(digest: str | None) -> int:
    return int(digest.rpartition(":")[2]) if digest else 0


def _worst(problems: Sequence[BaseException]) -> BaseException:
    """A failure that is not one of ours is a fault of the program, and must not be hidden by one that is."""
    return next((problem for problem in problems if not isinstance(problem, VendError)), problems[0])
