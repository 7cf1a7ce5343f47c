"""Explain access: what is granted and why, why something is not, and who reaches a path now, leases included."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from vendor.errors import NotSteward, UnknownUser
from vendor.governance.grants import grants_of
from vendor.governance.records import Target, TargetKind
from vendor.governance.state import Standing, Subject
from vendor.leases.making import Making
from vendor.leases.register import Register
from vendor.names import S3Path, TenantName, UserName
from vendor.policy.explain import Explanation, Weighed, explain, parse_action, weigh
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.scope import live
from vendor.policy.within import within
from vendor.stewardship.caller import Caller
from vendor.stewardship.reach import PathReach, Reach
from vendor.stewardship.tenants import Tenants
from vendor.stewardship.users import Users

MOST_BELOW: Final = 100
MOST_COUNTED: Final = 200
"""Users whose leases are counted for one answer."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything a principal may touch.  `bytes` is what one policy over it would weigh, of the store's `limit`."""

    grants: tuple[Weighed, ...]
    bytes: int
    limit: int


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who reaches a path at a level because of `source`; `whole` False for one who reaches only parts.

    `live_leases` counts leases that reach it now.  None where they were not counted: for tenants, for everyone, of
    more users than so many, and of one whose leases are for very many places that the path overlaps.
    """

    target: Target
    source: Source
    level: Level
    path: str
    whole: bool
    expires_at: float | None
    live_leases: int | None = None


@dataclass(frozen=True, slots=True)
class Insight:
    """The use cases."""

    making: Making
    users: Users
    tenants: Tenants
    reach: Reach
    register: Register

    async def overview(self, caller: Caller) -> Overview:
        """Return every grant of the caller with what it weighs.  Raises StateUnavailable."""
        grants = self._grants(caller, await self.users.standing(caller))
        total, weighed = weigh(grants, self.making.access)
        limit = min(store.profile.policy_limit for store in self.making.stores.values())
        return Overview(weighed, total, limit)

    async def explain(self, caller: Caller, path: S3Path, action: str, other: UserName | None) -> Explanation:
        """Explain an action on a path for the caller, or for an `other` user.

        Others are for administrators, and for stewards on their tenant's paths.  Raises InvalidRequest for an unknown
        action, NotSteward, UnknownUser, StateUnavailable.
        """
        level = parse_action(action, self.making.access)
        if other is None or other == caller.name:
            grants = self._grants(caller, await self.users.standing(caller))
            return explain(grants, path, level, self.making.layout)
        tenant = await self._require_insight(caller, path)
        standing = await self.users.desk.governance.standing(Subject(other))
        if standing.user is None:
            raise UnknownUser(f"There is no user {other}.")
        grants = live(grants_of(standing, self.making.layout, has_home=True), self.making.clock())
        if tenant is not None:  # what else the user has, and where else they belong, is not the steward's to know
            layout = self.making.layout
            grants = tuple(one for one in grants if layout.tenant_of(one.bucket, one.prefix) == tenant)
        return explain(grants, path, level, self.making.layout)

    async def who_can(self, caller: Caller, path: S3Path, level: Level) -> list[Holder]:
        """Say who reaches a path at a level, those who reach all of it first.

        For the path's owner, its tenant's stewards, and administrators.  Raises NotOwner, StateUnavailable.
        """
        reached = await self.reach.of(caller, path, below=MOST_BELOW)
        owners = await self._owners(caller, reached, path, level)
        shares = [(share, True) for share in reached.shares] + [(share, False) for share in reached.below]
        sharers = [
            Holder(share.target, Source(f"share:{share.id}"), share.level, share.path.text, whole, share.expires_at)
            for share, whole in shares
            if share.level.covers(level)
        ]
        counts = await self._live_leases([*sharers, *owners], path)
        return [replace(holder, live_leases=counts.get(holder.target)) for holder in [*owners, *sharers]]

    def _grants(self, caller: Caller, standing: Standing) -> tuple[Grant, ...]:
        principal = caller.principal
        grants = grants_of(standing, self.making.layout, has_home=principal.has_home)
        if principal.max_scope is not None:
            grants = within(grants, principal.max_scope)
        return live(grants, self.making.clock())

    async def _require_insight(self, caller: Caller, path: S3Path) -> TenantName | None:
        """Return the tenant that the caller's insight into others ends with; None for administrators."""
        if caller.admin:
            return None
        tenant = self.making.layout.tenant_of(path.bucket, path.prefix)
        if tenant is not None:
            view = await self.tenants.view(caller, tenant)
            if caller.name in view.stewards:
                return tenant
        raise NotSteward("Only administrators, and stewards on their tenant's paths, can ask for somebody else.")

    async def _owners(self, caller: Caller, reached: PathReach, path: S3Path, level: Level) -> list[Holder]:
        owner, text = reached.owner, path.text
        if owner.kind is TargetKind.USER:
            return [Holder(owner, Source("home"), Level.WRITE, text, True, None)]
        view = await self.tenants.view(caller, TenantName(owner.name))
        able = sorted(user for user, access in view.members.items() if access.level.covers(level))
        source = Source(f"tenant:{owner.name}")
        return [
            Holder(Target(TargetKind.USER, user), source, view.members[user].level, text, True, None) for user in able
        ]

    async def _live_leases(self, holders: Iterable[Holder], path: S3Path) -> dict[Target, int | None]:
        """Count the leases of the first users among the holders, all at the same time."""
        users = dict.fromkeys(holder.target for holder in holders if holder.target.kind is TargetKind.USER)
        counted, now = list(users)[:MOST_COUNTED], self.making.clock()
        found = await asyncio.gather(*(self.register.count(UserName(one.name), path, now=now) for one in counted))
        return dict(zip(counted, found, strict=True))
