"""Make one set of keys: plan what they may do, have the store issue them, and register them before anyone sees them.

The first keys of a lease and those of its renewals are made here, the same way.  The event is written only while what
was read for it still holds, so a grant that was taken away while the store was busy never ends up in a lease.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from vendor.audit.event import Event
from vendor.errors import (
    AuditUnavailable,
    Conflict,
    NothingGranted,
    PolicyTooLarge,
    RoleRequired,
    ScopeNotGranted,
    StateUnavailable,
    UnknownStore,
    VendError,
)
from vendor.governance.grants import grants_of
from vendor.governance.state import Governance, Standing
from vendor.identity.principal import Principal
from vendor.leases import facts
from vendor.leases.ceilings.ceilings import Ceiling, Ceilings
from vendor.leases.ceilings.slots import Slot
from vendor.leases.duration import DurationRules, choose_duration
from vendor.leases.lease import Issued, Lease, LeaseAsk, LeaseId, PolicyForm
from vendor.policy.access import AccessTable
from vendor.policy.carve import intersect
from vendor.policy.layout import Layout
from vendor.policy.planner import CEILING_LIMIT, SessionPolicy, plan_session_policy
from vendor.policy.scope import Narrowed, live, narrow
from vendor.policy.within import within
from vendor.secret import LeaseToken
from vendor.spans import traced
from vendor.stores.store import Order, Store
from vendor.tally import OTHER, Leases
from vendor.times import Clock

TRIES: Final = 3
REFRESH_AT: Final = 0.75  # of a lease's life; the jitter spreads those who began together
REFRESH_JITTER: Final = 0.1


@dataclass(frozen=True, slots=True)
class Wish:
    """The keys to be made: whose, for what, and in which lease.

    `renewals` is 0 for a lease's first keys; with `part` they are for less than the lease.
    """

    principal: Principal
    ask: LeaseAsk
    lease: LeaseId
    renewable_until: float | None = None
    renewals: int = 0
    token: LeaseToken | None = None
    part: bool = False

    @property
    def needs_session(self) -> bool:
        """Say whether only a session policy will do: what the store keeps is for the whole lease, and at its levels."""
        return self.part or self.ask.policy is not None or self.ask.at_most is not None


@dataclass(frozen=True, slots=True)
class Plan:
    """What the keys will be able to do, and for how long, before any exist.

    Without a session policy they can do what their slot's documents allow.
    """

    narrowed: Narrowed
    policy: SessionPolicy | None
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
    ceilings: Ceilings | None = None
    tally: Leases = field(default_factory=Leases)

    async def reserve(
        self, principal: Principal, store: str, lease: LeaseId, *, renewed_until: float = 0.0
    ) -> Slot | None:
        """Take a place among what the store keeps for this user; it needs nothing read, so read meanwhile.

        Raises StateUnavailable, TooManyRequests, LeaseEnded.
        """
        if self.ceilings is None:
            return None
        return await self.ceilings.reserve(principal, store, lease, renewed_until=renewed_until)

    async def give_back(self, slot: Slot, lease: LeaseId) -> None:
        """Give a place back that a new lease took, and of which no keys came."""
        if self.ceilings is not None:
            await self.ceilings.give_back(slot, lease)

    async def make(
        self,
        wish: Wish,
        standing: Standing,
        event: Event,
        *,
        slot: Slot | None,
        keep: Callable[[Issued], Awaitable[None]],
        forget: Callable[[Issued], Awaitable[None]],
    ) -> Issued:
        """Make keys.  `keep` registers the lease; `forget` takes that back if its event could not be written.

        `slot` is what `reserve` returned; if no keys come of it, the caller gives it back.  Raises UnknownStore,
        InvalidDuration, NothingGranted, ScopeNotGranted, PolicyTooLarge, RoleRequired, StoreRefused, StoreUnavailable,
        StateUnavailable, AuditUnavailable, Conflict, and what `keep` raises.
        """
        store = self.store(wish.ask.store)
        for _ in range(TRIES):
            plan = self.plan(wish, standing, store, slot)
            ceiling = await self._ceiling(wish, plan, standing, slot)
            issued = await self._issue(wish, plan, store, standing, ceiling)
            event.facts |= facts.given(issued, standing)
            try:
                changed = await self._register(issued, standing, event, slot, keep)
                if changed is None:
                    outcome = "renewed" if issued.lease.renewals else "issued"
                    self.tally.add(event.origin.door, outcome, issued.lease.store)
                    return issued
                await forget(issued)
            except Conflict:
                await forget(issued)
                raise
            except StateUnavailable as failure:
                raise AuditUnavailable("The lease could not be recorded, so its keys were thrown away.") from failure
            standing = changed
        raise Conflict("What is granted to you keeps changing; no lease could be made that is still true.")

    async def _ceiling(self, wish: Wish, plan: Plan, standing: Standing, slot: Slot | None) -> Ceiling | None:
        """Return what the store keeps for this lease, once it does.  It never limits less than the plan."""
        if self.ceilings is None or slot is None:
            return None
        whole = wish.ask.scope is None and wish.principal.max_scope is None
        narrowed = plan.policy is None and not whole
        return await self.ceilings.ready(slot, standing, wish.principal, wish.ask, narrowed=narrowed)

    async def _register(
        self,
        issued: Issued,
        standing: Standing,
        event: Event,
        slot: Slot | None,
        keep: Callable[[Issued], Awaitable[None]],
    ) -> Standing | None:
        """Keep the lease and record the event; None when both are done, else the standing as it is now.

        A new lease is nobody's before it is answered, so all is done at once, and all of it is over before any of it
        fails: what is kept late would stay.  A renewal changes a lease that may have been ended by now, so it is kept
        first.
        """
        if issued.lease.renewals:
            await keep(issued)
            await self._confirm(issued, slot)
            return await self.governance.record(standing, event.text())
        kept, confirmed, changed = await asyncio.gather(
            keep(issued),
            self._confirm(issued, slot),
            self.governance.record(standing, event.text()),
            return_exceptions=True,
        )
        for done in (kept, confirmed, changed):
            if isinstance(done, BaseException):
                raise done
        return changed if isinstance(changed, Standing) else None

    async def _confirm(self, issued: Issued, slot: Slot | None) -> None:
        if self.ceilings is not None and slot is not None:
            await self.ceilings.confirm(slot, issued.lease.id, issued.lease.expires_at)

    def refused(self, event: Event, refusal: VendError, store: str) -> None:
        """Count a refusal.  What is no store of ours is some caller's invention, and is not told."""
        known = store if store in self.stores else OTHER
        self.tally.refused(event.origin.door, known, failed=refusal.status >= 500)

    def store(self, name: str) -> Store:
        """Return a configured store.  Raises UnknownStore."""
        store = self.stores.get(name)
        if store is None:
            raise UnknownStore("There is no such store.", details={"stores": sorted(self.stores)})
        return store

    @traced("plan")
    def plan(self, wish: Wish, standing: Standing, store: Store, slot: Slot | None = None) -> Plan:
        """Decide what the keys will be.  Raises the refusals of `make` that need no store.

        A scope that fits no session policy is said by the documents of a slot instead, where there is one that no
        other lease is in, or where it is everything that its user has.
        """
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
        limit = store.profile.policy_limit
        if ask.policy is not None:
            carved = intersect(narrowed.grants, ask.policy, self.access, limit)
            left = narrow(carved.grants, None)
            return Plan(Narrowed(left.granted, narrowed.not_granted, left.grants), carved.policy, seconds)
        try:
            policy = plan_session_policy(narrowed.grants, self.access, limit)
        except PolicyTooLarge:
            whole = ask.scope is None and principal.max_scope is None
            if wish.needs_session or slot is None or (slot.shared and not whole):
                raise
            policy = None
        return Plan(narrowed, policy, seconds)

    def narrow(self, principal: Principal, standing: Standing, ask: LeaseAsk, store: Store) -> Narrowed:
        """Cut what is granted to what is asked.  Raises RoleRequired, ScopeNotGranted, NothingGranted."""
        if standing.user is not None and standing.user.disabled:
            raise RoleRequired("This account is disabled.", remedy="Ask an administrator to enable it again.")
        now = self.clock()
        usable = live(grants_of(standing, self.layout, has_home=principal.has_home), now)
        if principal.max_scope is not None:
            usable = within(usable, principal.max_scope)
        if ask.at_most is not None:
            usable = tuple(replace(grant, level=grant.level.at_most(ask.at_most)) for grant in usable)
        if ask.scope is None:  # all of it, apart from what ends before the shortest lease would
            usable = live(usable, now + max(self.durations.least, store.durations.least))
        narrowed = narrow(usable, ask.scope)
        _require(narrowed, ask)
        return narrowed

    async def _issue(self, wish: Wish, plan: Plan, store: Store, standing: Standing, ceiling: Ceiling | None) -> Issued:
        issued_at = self.clock()
        text = None if plan.policy is None else plan.policy.text
        names = () if ceiling is None else ceiling.names
        order = Order(wish.lease, wish.principal.name, text, plan.seconds, wish.renewals, names)
        credentials = await store.issue(order)
        policy, limit, form = _limits(plan, store, ceiling)
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
            policy=policy,
            policy_limit=limit,
            audit_context=wish.ask.audit_context or {},
            renewals=wish.renewals,
            form=form,
            ceiling=names,
        )
        return Issued(lease, credentials, store.settings, wish.token, standing)


def _limits(plan: Plan, store: Store, ceiling: Ceiling | None) -> tuple[SessionPolicy, int, PolicyForm]:
    """Return what limits the keys most closely, how much that could be, and in which form it is."""
    if plan.policy is not None:
        form = PolicyForm.SESSION if ceiling is None else PolicyForm.BOTH
        return plan.policy, store.profile.policy_limit, form
    assert ceiling is not None  # noqa: S101 - the plan had no session policy because there is one
    kept = SessionPolicy("", ceiling.bytes, ceiling.sha256)
    return kept, CEILING_LIMIT * len(ceiling.names), PolicyForm.CEILING


def _require(narrowed: Narrowed, ask: LeaseAsk) -> None:
    if narrowed.not_granted and not ask.partial:
        missing = [facts.entry(missing) for missing in narrowed.not_granted]
        raise ScopeNotGranted(
            f"{len(missing)} of {len(ask.scope or ())} paths asked for are not granted to you.",
            details={"not_granted": missing},
        )
    if not narrowed.grants:
        raise NothingGranted()
