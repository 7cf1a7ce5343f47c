"""Vend: from a principal and an ask to the first keys of a lease.

At most two round trips to Redis and one call to the store for a principal that is known.  The order is a promise: the
`vend.issued` event is durable before the keys leave; if it cannot be written the keys go nowhere.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

from vendor.audit.event import Kind
from vendor.audit.trail import Trail
from vendor.errors import InvalidDuration, InvalidRequest, VendError
from vendor.governance.state import Standing
from vendor.identity.principal import Principal
from vendor.leases import facts
from vendor.leases.lease import Issued, LeaseAsk, new_lease_id
from vendor.leases.live import Live
from vendor.leases.making import Making, Wish
from vendor.leases.register import Register
from vendor.leases.token import new_token
from vendor.stewardship.caller import Caller
from vendor.stewardship.users import Users


@dataclass(frozen=True, slots=True)
class Vending:
    """The use case.  `renewable_most` is the longest that a lease can be renewed for, in seconds."""

    making: Making
    users: Users
    trail: Trail
    register: Register
    renewable_most: int

    async def vend(self, caller: Caller, ask: LeaseAsk, reading: Awaitable[Standing] | None = None) -> Issued:
        """Issue one lease.  `reading` is what governance says of the caller, where that is being read already.

        Raises UnknownStore, InvalidDuration, NothingGranted, ScopeNotGranted, PolicyTooLarge, RoleRequired,
        StoreRefused, StoreUnavailable, StateUnavailable, AuditUnavailable.  Every refusal is recorded.
        """
        issued, denied = Kind.VEND_ISSUED, Kind.VEND_DENIED
        if caller.principal.break_glass:
            issued, denied = Kind.BREAK_GLASS_ISSUED, Kind.BREAK_GLASS_DENIED
        event = caller.event(issued, self.making.clock(), **facts.asked(ask))
        try:
            _require_reason(caller.principal, ask)
            wish = self._wish(caller.principal, ask)
            reading = self.users.standing(caller) if reading is None else reading
            standing, slot = await asyncio.gather(reading, self.making.reserve(wish))
            keep = self._keeper(wish)
            return await self.making.make(wish, standing, event, slot=slot, keep=keep, forget=self._forget)
        except VendError as refusal:
            event.refuse(denied, refusal.code, failed=refusal.status >= 500)
            await self.trail.write_refusal(event)
            raise

    def _wish(self, principal: Principal, ask: LeaseAsk) -> Wish:
        lease = new_lease_id()
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
        await self.register.drop(issued.lease.id)


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
