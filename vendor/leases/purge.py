"""Delete the objects of a user or a tenant that is gone, because an administrator asked for exactly that.

The gateway holds no key to anybody's data, here as little as elsewhere: it has the store issue it a lease that reaches
the folders in question and nothing else, uses it in memory, and forgets it.  That it was issued, to whom and for what
is on record before the first object goes.  A purge is bounded in objects and in time; what it did not get to, another
one does.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from vendor.audit.event import Event, Kind
from vendor.audit.trail import Trail
from vendor.errors import AuditUnavailable, VendError
from vendor.leases.lease import DEFAULT_STORE, new_lease_id
from vendor.names import TenantName, UserName
from vendor.policy.access import AccessTable
from vendor.policy.grant import Grant, Level
from vendor.policy.layout import SYSTEM, Layout
from vendor.policy.planner import plan_session_policy
from vendor.stewardship.caller import Caller, require_admin, require_unlimited
from vendor.stores.credentials import Credentials
from vendor.stores.objects import Objects
from vendor.stores.store import Order, Store
from vendor.times import Clock

MOST_OBJECTS: Final = 20_000
SECONDS: Final = 20.0
LEASE_SECONDS: Final = 900

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Purged:
    """How many objects were deleted, and whether none is left that was there when the purge came by."""

    removed: int
    complete: bool
    folders: tuple[str, ...]


class _Enough(Exception):
    """The bound on objects is reached, or the store keeps what it says it deleted."""


@dataclass(slots=True)
class _Tally:
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Purging:
    """The use case, with everything it needs."""

    stores: Mapping[str, Store]
    objects: Mapping[str, Objects]
    layout: Layout
    access: AccessTable
    trail: Trail
    clock: Clock

    async def of_user(self, caller: Caller, user: UserName) -> Purged:
        """Delete what lies in a user's homes and in system folders of their own.

        Raises RoleRequired, StoreRefused, StoreUnavailable, AuditUnavailable.
        """
        own = (folder for folder in self.layout.system.values() if folder.placeholder is not None)
        system = (folder.grant(user, Level.WRITE, SYSTEM) for folder in own)
        return await self._purge(caller, (*self.layout.home_grants(user), *system))

    async def of_tenant(self, caller: Caller, tenant: TenantName) -> Purged:
        """Delete what lies in a tenant's folders.  Raises what `of_user` raises."""
        return await self._purge(caller, self.layout.tenant_grants(tenant, Level.WRITE))

    async def _purge(self, caller: Caller, folders: Sequence[Grant], store: str = DEFAULT_STORE) -> Purged:
        require_admin(caller, "delete a user's or a tenant's objects")
        require_unlimited(caller)
        paths = tuple(f"s3://{folder.bucket}/{folder.prefix}" for folder in folders)
        keys, lease = await self._lease(caller, folders, store)
        facts: dict[str, object] = {"store": store, "paths": list(paths), "lease": lease}
        await self.trail.write(self._event(caller, Kind.PURGE_BEGUN, access_key_id=keys.access_key_id, **facts))
        tally, complete, problem = _Tally(), True, None
        try:
            async with asyncio.timeout(SECONDS):
                for folder in folders:
                    await self._empty(keys, folder, self.objects[store], tally)
        except (TimeoutError, _Enough):
            complete = False
        except VendError as refusal:
            complete, problem = False, refusal
        done = self._event(caller, Kind.PURGED, removed=tally.removed, complete=complete, **facts)
        if problem is not None:
            done.refuse(Kind.PURGED, problem.code, failed=True)
        await self._record_end(done)
        if problem is not None:
            raise problem
        return Purged(tally.removed, complete, paths)

    async def _lease(self, caller: Caller, folders: Sequence[Grant], name: str) -> tuple[Credentials, str]:
        store = self.stores[name]
        policy = plan_session_policy(folders, self.access, store.profile.policy_limit)
        lease = new_lease_id()
        seconds = max(LEASE_SECONDS, store.durations.least)
        return await store.issue(Order(lease, caller.name, policy.text, seconds)), lease

    async def _empty(self, keys: Credentials, folder: Grant, objects: Objects, tally: _Tally) -> None:
        """Delete page by page, each time the first one, until there is none: what was deleted is no longer on it.

        Stores that keep folders as such show one once its last object is gone.
        """
        seen: tuple[str, ...] = ()
        while True:
            page = await objects.page(keys, folder.bucket, folder.prefix, None)
            if not page.keys:
                return
            if page.keys == seen or tally.removed >= MOST_OBJECTS:
                raise _Enough
            await objects.delete(keys, folder.bucket, page.keys)
            tally.removed += len(page.keys)
            seen = page.keys

    def _event(self, caller: Caller, kind: Kind, **facts: object) -> Event:
        return caller.event(kind, self.clock(), **facts, as_admin=True)

    async def _record_end(self, event: Event) -> None:
        try:
            await self.trail.write(event)
        except AuditUnavailable:  # that it began is on record, and what is gone is gone
            _log.error("end of purge not recorded", audit_event=event.event_id)
