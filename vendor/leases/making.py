"""Make one set of keys: plan what they may do, have the store issue them, and register them before anyone sees them.

The first keys of a lease and those of its renewals are made here, the same way.  The event is written only while what
was read for it still holds, so a grant that was taken away while the store was busy never ends up in a lease.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from vendor.audit.event import Event
from vendor.errors import (
    AuditUnavailable,
    Conflict,
    NothingGranted,
    RoleRequired,
    ScopeNotGranted,
    StateUnavailable,
    UnknownStore,
)
from vendor.governance.grants import grants_of
from vendor.governance.state import Governance, Standing
from vendor.identity.principal import Principal
from vendor.leases import facts
from vendor.leases.duration import DurationRules, choose_duration
from vendor.leases.lease import Issued, Lease, LeaseAsk, LeaseId
from vendor.policy.access import AccessTable
from vendor.policy.layout import Layout
from vendor.policy.planner import SessionPolicy, plan_session_policy
from vendor.policy.scope import Narrowed, live, narrow
from vendor.policy.within import within
from vendor.secret import LeaseToken
from vendor.stores.store import Order, Store
from vendor.times import Clock

TRIES: Final = 3
REFRESH_AT: Final = 0.75  # of a lease's life; the jitter spreads those who began together
REFRESH_JITTER: Final = 0.1


@dataclass(frozen=True, slots=True)
class Wish:
    """The keys to be made: whose, for what, and in which lease.  `renewals` is 0 for a lease's first keys."""

    principal: Principal
    ask: LeaseAsk
    lease: LeaseId
    renewable_until: float | None = None
    renewals: int = 0
    token: LeaseToken | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What the keys will be able to do, and for how long, before any exist."""

    narrowed: Narrowed
    policy: SessionPolicy
    seconds: int


@dataclass(frozen=True, slots=True)
class Making:
    """How keys are made, with everything that needs."""

    governance: Governance
    stores: Mapping[str, Store]
    layout: Layout
    access: AccessTable
    durations: DurationRules
    clock: Clock
    random: random.Random

    async def make(
        self,
        wish: Wish,
        standing: Standing,
        event: Event,
        *,
        keep: Callable[[Issued], Awaitable[None]],
        forget: Callable[[Issued], Awaitable[None]],
    ) -> Issued:
        """Make keys.  `keep` registers the lease; `forget` takes that back if its event could not be written.

        Raises UnknownStore, InvalidDuration, NothingGranted, ScopeNotGranted, PolicyTooLarge, RoleRequired,
        StoreRefused, StoreUnavailable, AuditUnavailable, Conflict, and what `keep` raises.
        """
        store = self.store(wish.ask.store)
        for _ in range(TRIES):
            plan = self.plan(wish, standing, store)
            issued = await self._issue(wish, plan, store, standing)
            event.facts |= facts.given(issued, standing)
            try:
                changed = await self._register(issued, standing, event, keep)
                if changed is None:
                    return issued
                await forget(issued)
            except StateUnavailable as failure:
                raise AuditUnavailable("The lease could not be recorded, so its keys were thrown away.") from failure
            standing = changed
        raise Conflict("What is granted to you keeps changing; no lease could be made that is still true.")

    async def _register(
        self, issued: Issued, standing: Standing, event: Event, keep: Callable[[Issued], Awaitable[None]]
    ) -> Standing | None:
        """Keep the lease and record the event; None when both are done, else the standing as it is now.

        A new lease is nobody's before it is answered, so both are done at once.  A renewal changes a lease that may
        have been ended by now, so it is kept first.
        """
        if issued.lease.renewals:
            await keep(issued)
            return await self.governance.record(standing, event.text())
        _, changed = await asyncio.gather(keep(issued), self.governance.record(standing, event.text()))
        return changed

    def store(self, name: str) -> Store:
        """Return a configured store.  Raises UnknownStore."""
        store = self.stores.get(name)
        if store is None:
            raise UnknownStore("There is no such store.", details={"stores": sorted(self.stores)})
        return store

    def plan(self, wish: Wish, standing: Standing, store: Store) -> Plan:
        """Decide what the keys will be.  Raises the refusals of `make` that need no store."""
        now, ask, principal = self.clock(), wish.ask, wish.principal
        narrowed = self.narrow(principal, standing, ask, store)
        ends = [granted.expires_at for granted in narrowed.granted if granted.expires_at is not None]
        seconds = choose_duration(
            ask.duration,
            self.durations,
            store_least=store.durations.least,
            most=principal.max_lease_seconds,
            ends_at=min([*ends, *([wish.renewable_until] if wish.renewable_until else [])], default=None),
            now=now,
        )
        return Plan(narrowed, plan_session_policy(narrowed.grants, self.access, store.profile.policy_limit), seconds)

    def narrow(self, principal: Principal, standing: Standing, ask: LeaseAsk, store: Store) -> Narrowed:
        """Cut what is granted to what is asked.  Raises RoleRequired, ScopeNotGranted, NothingGranted."""
        if standing.user is not None and standing.user.disabled:
            raise RoleRequired("This account is disabled.", remedy="Ask an administrator to enable it again.")
        now = self.clock()
        usable = live(grants_of(standing, self.layout, has_home=principal.has_home), now)
        if principal.max_scope is not None:
            usable = within(usable, principal.max_scope)
        if ask.scope is None:  # all of it, apart from what ends before the shortest lease would
            usable = live(usable, now + max(self.durations.least, store.durations.least))
        narrowed = narrow(usable, ask.scope)
        _require(narrowed, ask)
        return narrowed

    async def _issue(self, wish: Wish, plan: Plan, store: Store, standing: Standing) -> Issued:
        issued_at = self.clock()
        order = Order(wish.lease, wish.principal.name, plan.policy.text, plan.seconds, wish.renewals)
        credentials = await store.issue(order)
        life = credentials.expires_at - issued_at
        jitter = self.random.uniform(1 - REFRESH_JITTER, 1 + REFRESH_JITTER)
        lease = Lease(
            id=wish.lease,
            principal=wish.principal.name,
            store=wish.ask.store,
            issued_at=issued_at,
            expires_at=credentials.expires_at,
            refresh_after=issued_at + life * REFRESH_AT * jitter,
            renewable_until=wish.renewable_until,
            scope=plan.narrowed.granted,
            not_granted=plan.narrowed.not_granted,
            policy=plan.policy,
            policy_limit=store.profile.policy_limit,
            audit_context=wish.ask.audit_context or {},
            renewals=wish.renewals,
        )
        return Issued(lease, credentials, store.settings, wish.token, standing)


def _require(narrowed: Narrowed, ask: LeaseAsk) -> None:
    if narrowed.not_granted and not ask.partial:
        missing = [facts.entry(missing) for missing in narrowed.not_granted]
        raise ScopeNotGranted(
            f"{len(missing)} of {len(ask.scope or ())} paths asked for are not granted to you.",
            details={"not_granted": missing},
        )
    if not narrowed.grants:
        raise NothingGranted()
