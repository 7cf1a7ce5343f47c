"""A scope that does not fit one policy, as a set of leases that each fit and together cover it.

All of the set or nothing: if one lease of it cannot be made, those already made are ended again, and the caller is
told why.
"""

from dataclasses import dataclass, replace
from typing import Final

from vendor.audit.event import Kind
from vendor.errors import InvalidRequest, PolicyTooLarge, VendError
from vendor.leases import facts
from vendor.leases.ending import Ending
from vendor.leases.lease import Issued, LeaseAsk
from vendor.leases.making import Making
from vendor.leases.shield.shield import Shield
from vendor.policy.planner import plan_lease_set
from vendor.policy.scope import ask_for
from vendor.stewardship.caller import Caller

MOST_PARTS: Final = 64
"""Each is a call to the store; some 800 paths fit."""


@dataclass(frozen=True, slots=True)
class Splitting:
    """The use case."""

    making: Making
    vending: Shield
    ending: Ending

    async def vend(self, caller: Caller, ask: LeaseAsk) -> list[Issued]:
        """Issue as many leases as the scope needs.  Raises what `Vending.vend` raises."""
        made: list[Issued] = []
        parts = await self._parts(caller, ask)
        if len(parts) > 1 and self.making.ceilings is not None and self.making.ceilings.on(ask.store):
            try:  # what the store keeps for a lease holds more than a session policy does, where there is room for it
                return [await self.vending.vend(caller, ask)]
            except PolicyTooLarge:
                pass
        if len(parts) > MOST_PARTS:
            raise await self._too_many(caller, ask, len(parts))
        try:
            for part in parts:
                made.append(await self.vending.vend(caller, part))  # noqa: PERF401 - known even when one fails
        except VendError:
            for issued in made:
                if not issued.given_again:  # those are somebody's already
                    await self.ending.end(caller, issued.lease.id)
            raise
        return made

    async def _parts(self, caller: Caller, ask: LeaseAsk) -> list[LeaseAsk]:
        """Return the asks of the set; the ask itself where one lease is enough, or where it will be refused anyway."""
        try:
            ask.require_bounded()
            store = self.making.store(ask.store)
            standing = await self.vending.users.standing(caller)
            narrowed = self.making.narrow(caller.principal, standing, ask, store)
            parts = plan_lease_set(narrowed.grants, self.making.access, store.profile.policy_limit)
        except VendError:  # refused and recorded by vending, which comes to the same verdict
            return [ask]
        if len(parts) == 1:
            return [ask]
        return [replace(ask, scope=tuple(ask_for(grant) for grant in part.grants)) for part in parts]

    async def _too_many(self, caller: Caller, ask: LeaseAsk, parts: int) -> InvalidRequest:
        event = caller.event(Kind.VEND_DENIED, self.making.clock(), **facts.asked(ask))
        event.refuse(Kind.VEND_DENIED, InvalidRequest.code)
        await self.vending.trail.write_refusal(event)
        return InvalidRequest(
            f"This scope takes {parts} leases; at most {MOST_PARTS} are made for one request.",
            remedy="Ask for a part of the scope at a time, or for parents of several of its paths.",
            details={"leases": parts, "limit": MOST_PARTS},
        )
