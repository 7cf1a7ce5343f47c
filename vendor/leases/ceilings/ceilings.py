"""Ceilings as the making and ending of leases see them."""

import asyncio
import hashlib
from dataclasses import dataclass, replace
from typing import Final

import structlog

from vendor.errors import Conflict, LeaseEnded, StateUnavailable, TooManyRequests
from vendor.governance.state import Standing
from vendor.identity.principal import Principal
from vendor.leases.ceilings.contents import wish_text
from vendor.leases.ceilings.proof import Proof
from vendor.leases.ceilings.slots import Slot, Who
from vendor.leases.ceilings.writer import Writer
from vendor.leases.lease import LeaseAsk, LeaseId
from vendor.names import Bucket, Prefix, UserName
from vendor.policy.ceilings import Texts

RETRY_AFTER: Final = 60

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The documents that limit some keys: their names, and what they hold."""

    names: tuple[str, ...]
    texts: Texts

    @property
    def bytes(self) -> int:
        """How much is in them."""
        return sum(len(text) for text in self.texts)

    @property
    def sha256(self) -> str:
        """Of all of them, one after the other."""
        return hashlib.sha256("".join(self.texts).encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Everything about ceilings.  Every method raises StateUnavailable; those that write, what the store raises."""

    writer: Writer
    proof: Proof

    async def close(self) -> None:
        """Close all connections."""
        await self.proof.close()
        for kept in self.writer.stores.values():
            await kept.keeper.close()

    def on(self, store: str) -> bool:
        """Say whether leases on a store have ceilings."""
        return store in self.writer.stores

    def problem(self, store: str) -> str:
        """Return why no leases are given on a store, for readiness; nothing if that is not known."""
        claims = self.writer.claims
        return "" if claims is None else claims.problem(store)

    async def reserve(self, principal: Principal, store: str, lease: LeaseId, *, renewed_until: float) -> Slot | None:
        """Take a slot for a lease; None on a store without ceilings.

        Raises TooManyRequests when all are taken, LeaseEnded for a lease that was ended.
        """
        if not self.on(store):
            return None
        who, slots = Who.of(principal), self.writer.slots
        slot, _ = await asyncio.gather(
            slots.reserve(who, store, lease, renewed_until=renewed_until), slots.mark_live(who)
        )
        if slot is None:
            raise TooManyRequests(
                "Too many leases of this user were ended while their keys are still good.", retry_after=RETRY_AFTER
            )
        if slot.ended:
            raise LeaseEnded("This lease was ended.")
        return slot

    async def ready(
        self, slot: Slot, standing: Standing, principal: Principal, ask: LeaseAsk, *, narrowed: bool
    ) -> Ceiling:
        """Return the documents of a slot once the store has them; with `narrowed` they hold no more than the ask.

        Without, they stay as narrow as they are: older keys of the lease may have no other limit.
        """
        await self.writer.require_ours(slot.store)
        wish = wish_text(principal, ask) if narrowed else slot.wish
        if wish != slot.wish:
            if not await self.writer.slots.describe(slot, wish):
                raise Conflict("The lease was ended while it was made.")
            slot = replace(slot, wish=wish)
        content = self.writer.content(slot, standing)
        if slot.written != content.digests:
            found = (await self.writer.settle(slot.who.user)).get(slot.field)
            if found is None:
                raise Conflict("The lease was ended while it was made.")
            content = found
        return Ceiling(self.writer.documents(slot, len(content.texts)), content.texts)

    async def give_back(self, slot: Slot, lease: LeaseId) -> None:
        """Give back a slot that a new lease took and no keys came of; if that cannot be said now, it lapses."""
        try:
            await self.writer.slots.release(slot, lease)
        except StateUnavailable:
            _log.info("slot not given back; it lapses", slot=slot.field)

    async def confirm(self, slot: Slot, lease: LeaseId, until: float) -> None:
        """Keep the slot until the keys end.  Raises Conflict if it was ended, or given to others, meanwhile."""
        if not await self.writer.slots.confirm(slot, lease, until):
            raise Conflict("The lease was ended while it was made.")

    async def end(self, user: UserName, lease: LeaseId | None, place: tuple[Bucket, Prefix]) -> bool:
        """End what one lease can do, or all of a user's; True once that is seen, False if its keys last.

        `place` is something the lease was for.
        """
        ended = await self.writer.slots.end(user, lease)
        if not ended:
            return False
        await self.writer.settle(user)
        loose = any(slot.loose_until > self.writer.clock() for slot in ended) and lease is not None
        return not loose and await self._proven(user, ended, place)

    async def _proven(self, user: UserName, ended: list[Slot], place: tuple[Bucket, Prefix]) -> bool:
        fields = {slot.field for slot in ended}
        for slot in await self.writer.slots.taken(user):
            if slot.field in fields:
                names = self.writer.documents(slot, slot.parts)
                if not await self.proof.denied(slot.store, names, place):
                    return False
        return True
