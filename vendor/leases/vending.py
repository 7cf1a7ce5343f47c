"""Vend: from a principal and an ask to the first keys of a lease.

At most two round trips to Redis and one call to the store for a principal that is known.  The order is a promise: the
`vend.issued` event is durable before the keys leave; if it cannot be written the keys go nowhere.
"""

import asyncio
from dataclasses import dataclass

from vendor.audit.event import Kind
from vendor.audit.trail import Trail
from vendor.errors import InvalidDuration, InvalidRequest, VendError
from vendor.governance.state import Standing
from vendor.identity.principal import Principal
from vendor.leases import facts
from vendor.leases.ceilings.slots import Slot
from vendor.leases.lease import Issued, LeaseAsk, LeaseId, new_lease_id
from vendor.leases.live import Live
from vendor.leases.making import Making, Wish
from vendor.leases.register import Register
from vendor.leases.token import new_token
from vendor.stewardship.caller import Caller
from vendor.stewardship.users import Users


@dataclass(frozen=True, slots=True)
class Begun:
    """A lease whose reading is under way: what governance says of the caller, and its place in the store."""

    lease: LeaseId
    standing: "asyncio.Future[Standing]"
    slot: "asyncio.Future[Slot | None]"
    making: Making

    async def give_up(self) -> None:
        """Let the reads end that nobody needs any more, and give the place back."""
        _, slot = await asyncio.gather(self.standing, self.slot, return_exceptions=True)
        if isinstance(slot, Slot):
            await self.making.give_back(slot, self.lease)


@dataclass(frozen=True, slots=True)
class Vending:
    """The use case.  `renewable_most` is the longest that a lease can be renewed for, in seconds."""

    making: Making
    users: Users
    trail: Trail
    register: Register
    renewable_most: int

    def begin(self, caller: Caller, ask: LeaseAsk) -> Begun:
        """Have everything read that a lease needs, all at the same time; whoever begins vends, or gives up."""
        lease = new_lease_id()
        standing = asyncio.ensure_future(self.users.standing(caller))
        slot = asyncio.ensure_future(self.making.reserve(caller.principal, ask.store, lease))
        return Begun(lease, standing, slot, self.making)

    async def vend(self, caller: Caller, ask: LeaseAsk, begun: Begun | None = None) -> Issued:
        """Issue one lease.  `begun` is what `begin` returned, where that is being read already.

        Raises UnknownStore, InvalidDuration, NothingGranted, ScopeNotGranted, PolicyTooLarge, RoleRequired,
        StoreRefused, StoreUnavailable, StateUnavailable, AuditUnavailable.  Every refusal is recorded.
        """
        issued, denied = Kind.VEND_ISSUED, Kind.VEND_DENIED
        if caller.principal.break_glass:
            issued, denied = Kind.BREAK_GLASS_ISSUED, Kind.BREAK_GLASS_DENIED
        event = caller.event(issued, self.making.clock(), **facts.asked(ask))
        begun = self.begin(caller, ask) if begun is None else begun
        try:
            ask.require_bounded()
            _require_reason(caller.principal, ask)
            wish = self._wish(caller.principal, ask, begun.lease)
            standing, slot = await asyncio.gather(begun.standing, begun.slot)
            keep = self._keeper(wish)
            return await self.making.make(wish, standing, event, slot=slot, keep=keep, forget=self._forget)
        except VendError as refusal:
            event.refuse(denied, refusal.code, failed=refusal.status >= 500)
            self.making.refused(event, refusal, ask.store)
            await asyncio.gather(self.trail.write_refusal(event), begun.give_up())
            raise

    def _wish(self, principal: Principal, ask: LeaseAsk, lease: LeaseId) -> Wish:
        if ask.renewable_for is None:
            return Wish(principal, ask, lease)
        if not 1 <= ask.renewable_for <= self.renewable_most:
            raise InvalidDuration(
                f"A lease can be renewed for at most {self.renewable_most} seconds.",
                remedy=f"Ask for a renewable_for of 1 to {self.renewable_most}.",
                details={"minimum": 1, "maximum": self.renewable_most},
            )
        seconds = min(ask.renewable_for, principal.max_lease_seconds or ask.renewable_for)
        return Wish(principal, ask, lease, self.making.clock() + seconds, token=new_token(lease))

    def _keeper(self, wish: Wish) -> "Keeper":
        return Keeper(self.register, wish)

    async def _forget(self, issued: Issued) -> None:
        await self.register.drop(issued.lease)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Registers a new lease together with what renewing it will need, and what giving its keys again will."""

    register: Register
    wish: Wish

    async def __call__(self, issued: Issued) -> None:
        """Keep it.  Raises StateUnavailable."""
        put = self.register.put(issued.lease, self.wish.principal, self.wish.ask, issued.token)
        if issued.token is None:
            await put
        else:
            await asyncio.gather(put, self.register.sealed.put(Live.of(issued, self.wish.ask), issued.token))


def _require_reason(principal: Principal, ask: LeaseAsk) -> None:
    if principal.break_glass and not (ask.audit_context or {}).get("reason", "").strip():
        raise InvalidRequest(
            "audit_context.reason: a break-glass login has to say why.",
            remedy='Send "audit_context": {"reason": "…"}; it goes into the audit log.',
        )
