"""Vend: from a principal and an ask to keys that can do exactly what governance says at that moment.

At most two round trips to Redis and one call to the store.  The order is a promise: the `vend.issued` event is
durable before the keys leave; if it cannot be written the keys go nowhere.  The event is written only while what was
read for it still holds, so a grant that was taken away while the store was busy never ends up in a lease.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from vendor.audit.event import Event, Kind
from vendor.audit.trail import Trail
from vendor.errors import (
    AuditUnavailable,
    Conflict,
    InvalidRequest,
    NothingGranted,
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
from vendor.leases.duration import DurationRules, choose_duration
from vendor.leases.lease import Issued, Lease, LeaseAsk, new_lease_id
from vendor.leases.register import Register
from vendor.policy.access import AccessTable
from vendor.policy.layout import Layout
from vendor.policy.planner import SessionPolicy, plan_session_policy
from vendor.policy.scope import Narrowed, live, narrow
from vendor.policy.within import within
from vendor.stewardship.caller import Caller
from vendor.stewardship.users import Users
from vendor.stores.store import Order, Store
from vendor.times import Clock

TRIES: Final = 3
REFRESH_AT: Final = 0.75  # of a lease's life; the jitter spreads those who began together
REFRESH_JITTER: Final = 0.1

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one lease will be, before any key exists."""

    narrowed: Narrowed
    policy: SessionPolicy
    seconds: int


@dataclass(frozen=True, slots=True)
class Vending:
    """The use case, with everything it needs."""

    governance: Governance
    users: Users
    trail: Trail
    register: Register
    stores: Mapping[str, Store]
    layout: Layout
    access: AccessTable
    durations: DurationRules
    clock: Clock
    random: random.Random

    async def vend(self, caller: Caller, ask: LeaseAsk) -> Issued:
        """Issue one lease.

        Raises UnknownStore, InvalidDuration, NothingGranted, ScopeNotGranted, PolicyTooLarge, RoleRequired,
        StoreRefused, StoreUnavailable, StateUnavailable, AuditUnavailable.  Every refusal is recorded.
        """
        issued, denied = Kind.VEND_ISSUED, Kind.VEND_DENIED
        if caller.principal.break_glass:
            issued, denied = Kind.BREAK_GLASS_ISSUED, Kind.BREAK_GLASS_DENIED
        event = caller.event(issued, self.clock(), **facts.asked(ask))
        try:
            _require_reason(caller.principal, ask)
            return await self._vend(caller, ask, event)
        except VendError as refusal:
            event.refuse(denied, refusal.code, failed=refusal.status >= 500)
            await self._record_refusal(event)
            raise

    async def _vend(self, caller: Caller, ask: LeaseAsk, event: Event) -> Issued:
        principal = caller.principal
        store = self._store(ask.store)
        standing = await self.users.standing(caller)
        for _ in range(TRIES):
            plan = self._plan(principal, standing, ask, store)
            issued = await self._issue(principal, ask, plan, store)
            event.facts |= facts.given(issued, standing)
            changed = await self._register(issued, standing, event)
            if changed is None:
                return issued
            standing = changed
        raise Conflict("What is granted to you keeps changing; no lease could be made that is still true.")

    def _store(self, name: str) -> Store:
        store = self.stores.get(name)
        if store is None:
            raise UnknownStore("There is no such store.", details={"stores": sorted(self.stores)})
        return store

    def _plan(self, principal: Principal, standing: Standing, ask: LeaseAsk, store: Store) -> Plan:
        if standing.user is not None and standing.user.disabled:
            raise RoleRequired("This account is disabled.", remedy="Ask an administrator to enable it again.")
        now = self.clock()
        least = max(self.durations.least, store.durations.least)
        usable = live(grants_of(standing, self.layout, has_home=principal.has_home), now)
        if principal.max_scope is not None:
            usable = within(usable, principal.max_scope)
        if ask.scope is None:  # all of it, apart from what ends before the shortest lease would
            usable = live(usable, now + least)
        narrowed = narrow(usable, ask.scope)
        _require(narrowed, ask)
        ends = [granted.expires_at for granted in narrowed.granted if granted.expires_at is not None]
        seconds = choose_duration(
            ask.duration,
            self.durations,
            store_least=store.durations.least,
            most=principal.max_lease_seconds,
            ends_at=min(ends, default=None),
            now=now,
        )
        return Plan(narrowed, plan_session_policy(narrowed.grants, self.access, store.profile.policy_limit), seconds)

    async def _issue(self, principal: Principal, ask: LeaseAsk, plan: Plan, store: Store) -> Issued:
        lease_id = new_lease_id()
        issued_at = self.clock()
        credentials = await store.issue(Order(lease_id, principal.name, plan.policy.text, plan.seconds))
        life = credentials.expires_at - issued_at
        lease = Lease(
            id=lease_id,
            principal=principal.name,
            store=ask.store,
            issued_at=issued_at,
            expires_at=credentials.expires_at,
            refresh_after=issued_at + life * REFRESH_AT * self.random.uniform(1 - REFRESH_JITTER, 1 + REFRESH_JITTER),
            scope=plan.narrowed.granted,
            not_granted=plan.narrowed.not_granted,
            policy=plan.policy,
            policy_limit=store.profile.policy_limit,
            audit_context=ask.audit_context or {},
        )
        return Issued(lease, credentials, store.settings)

    async def _register(self, issued: Issued, standing: Standing, event: Event) -> Standing | None:
        """Keep the lease, then record its event; None when both are done, else the standing as it is now."""
        try:
            await self.register.put(issued.lease)
            changed = await self.governance.record(standing, event.text())
        except StateUnavailable as failure:
            raise AuditUnavailable("The lease could not be recorded, so its keys were thrown away.") from failure
        if changed is not None:
            await self.register.drop(issued.lease.id)
        return changed

    async def _record_refusal(self, event: Event) -> None:
        try:
            await self.trail.write(event)
        except AuditUnavailable:  # no key went out, so the refusal itself stands
            _log.error("refusal not recorded", audit_event=event.event_id, reason=event.reason)


def _require_reason(principal: Principal, ask: LeaseAsk) -> None:
    if principal.break_glass and not (ask.audit_context or {}).get("reason", "").strip():
        raise InvalidRequest(
            "audit_context.reason: a break-glass login has to say why.",
            remedy='Send "audit_context": {"reason": "…"}; it goes into the audit log.',
        )


def _require(narrowed: Narrowed, ask: LeaseAsk) -> None:
    if narrowed.not_granted and not ask.partial:
        missing = [facts.entry(missing) for missing in narrowed.not_granted]
        raise ScopeNotGranted(
            f"{len(missing)} of {len(ask.scope or ())} paths asked for are not granted to you.",
            details={"not_granted": missing},
        )
    if not narrowed.grants:
        raise NothingGranted()
