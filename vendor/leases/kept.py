"""Give the same lease again while it is good: for clients that ask for their keys at every turn.

Live keys are kept in this process's memory and nowhere else, for a bounded number of principals.  Before they are
given again, governance is read: if anything that decides the principal's rights has changed, the old lease is
forgotten and another is vended.  So an answer from here is never staler than one from `Vending`.  The register is
read at the same time: a lease that was ended is given to nobody any more.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from vendor.governance.state import Standing
from vendor.identity.principal import Principal
from vendor.leases.homes import Homes
from vendor.leases.lease import Issued, LeaseAsk
from vendor.leases.vending import Vending
from vendor.stewardship.caller import Caller

EVERYTHING: Final = LeaseAsk(audit_context={"given": "again"})
"""What is asked for.  The remark is how such leases are told from those that somebody asked for themself."""
MOST: Final = 4096  # principals whose keys are kept at a time; some 5 KiB each
GIVEN_UNTIL: Final = 0.5  # of a lease's life


@dataclass(frozen=True, slots=True)
class _Kept:
    issued: Issued
    digest: str

    def serves(self, standing: Standing, now: float) -> bool:
        lease = self.issued.lease
        half = lease.issued_at + (lease.expires_at - lease.issued_at) * GIVEN_UNTIL
        return self.digest == standing.digest and now < half


class KeptLeases:
    """One lease of everything, per principal, given until half of its life is over."""

    def __init__(self, vending: Vending, homes: Homes) -> None:
        self._vending = vending
        self._homes = homes
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._turns: dict[Hashable, tuple[asyncio.Lock, int]] = {}

    async def current(self, caller: Caller) -> Issued:
        """Return the caller's lease, vended now if there is none that still serves.

        Two reads side by side if there is one.  Raises what `Vending.vend` raises.
        """
        key = _key(caller.principal)
        kept = await self._serving(key, caller)
        if kept is not None:
            return kept
        async with self._turn(key):
            kept = await self._serving(key, caller)
            return kept if kept is not None else await self._vend(key, caller)

    async def _serving(self, key: Hashable, caller: Caller) -> Issued | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        standing, registered = await asyncio.gather(
            self._vending.users.standing(caller), self._vending.register.get(kept.issued.lease.id)
        )
        ended = registered is None or registered.ended is not None
        if ended or not kept.serves(standing, self._vending.making.clock()):
            return None
        if key in self._kept:
            self._kept.move_to_end(key)
        return kept.issued

    async def _vend(self, key: Hashable, caller: Caller) -> Issued:
        self._kept.pop(key, None)
        # Read before the lease is made: a change in between makes this digest the older one, never the newer.
        standing = await self._vending.users.standing(caller)
        issued = await self._vending.vend(caller, EVERYTHING)
        self._kept[key] = _Kept(issued, standing.digest)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        await self._homes.prepare(issued)
        return issued

    @asynccontextmanager
    async def _turn(self, key: Hashable) -> AsyncIterator[None]:
        """One at a time per principal, so that parallel first asks make one lease."""
        lock, users = self._turns.get(key, (asyncio.Lock(), 0))
        self._turns[key] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._turns[key]
            if users == 1:
                del self._turns[key]
            else:
                self._turns[key] = (lock, users - 1)


def is_given_again(ask: LeaseAsk) -> bool:
    """Say whether a lease is one of those that are given again."""
    return ask.audit_context == EVERYTHING.audit_context and ask.scope is None and ask.renewable_for is None


def _key(principal: Principal) -> Hashable:
    """What decides a lease apart from governance: any token that says the same of its holder may have the same one."""
    return (
        principal.name,
        principal.kind,
        principal.has_home,
        principal.acts_for,
        principal.max_scope,
        principal.max_lease_seconds,
        principal.break_glass,
    )
