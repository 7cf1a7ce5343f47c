"""All rights of one user, sorted by where they come from: the home, the system folders, and each tenant.

Computed from the present state at every look; nothing of it is kept anywhere, so nothing can be lost or go stale.
"""

import asyncio
from dataclasses import dataclass, field

from vendor.governance.grants import grants_of
from vendor.governance.state import Standing, Subject
from vendor.names import TenantName, UserName
from vendor.policy.grant import Access, Grant
from vendor.policy.layout import Layout
from vendor.policy.scope import live
from vendor.policy.within import within
from vendor.stewardship.caller import Caller, require_admin
from vendor.stewardship.desk import Desk
from vendor.stewardship.users import Users


@dataclass(frozen=True, slots=True)
class Rights:
    """What one user may touch.  `home` includes what was shared with the user or with everyone."""

    user: UserName
    has_home: bool
    home: tuple[Grant, ...]
    system: tuple[Grant, ...]
    tenants: dict[TenantName, tuple[Access, tuple[Grant, ...]]]
    everything: tuple[Grant, ...]


@dataclass(slots=True)
class TenantRights:
    """Remembers what the members of tenants have, while several users are looked at."""

    found: dict[tuple[TenantName, Access], tuple[Grant, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RightsReader:
    """The use cases of looking at rights."""

    desk: Desk
    users: Users
    layout: Layout

    async def mine(self, caller: Caller) -> Rights:
        """Return the caller's rights, as a lease of everything would have them."""
        me = caller.principal
        standing = await self.users.standing(caller)
        rights = await self._of(standing, TenantRights(), has_home=me.has_home and me.acts_for is None)
        most = me.max_scope
        if most is None:
            return rights
        return Rights(
            me.name,
            rights.has_home,
            within(rights.home, most),
            within(rights.system, most),
            {tenant: (access, within(grants, most)) for tenant, (access, grants) in rights.tenants.items()},
            within(rights.everything, most),
        )

    async def of_user(self, caller: Caller, user: UserName, seen: TenantRights) -> Rights:
        """Return a user's rights, for administrators; nothing of one who is unknown.  Raises RoleRequired."""
        require_admin(caller, "look at another user's rights")
        return await self._of(await self.desk.governance.standing(Subject(user)), seen, has_home=True)

    async def of_tenant(self, caller: Caller, tenant: TenantName, access: Access) -> tuple[Grant, ...]:
        """Return what the members of one half of a tenant have, to those members and to administrators.

        Raises RoleRequired.
        """
        standing = await self.users.standing(caller)
        if standing.tenants.get(tenant) is not access:
            require_admin(caller, "look at the rights of a tenant's members")
        return await self._tenant(tenant, access, TenantRights())

    async def _of(self, standing: Standing, seen: TenantRights, *, has_home: bool) -> Rights:
        user, now = standing.subject.name, self.desk.clock()
        tenants = sorted(standing.tenants.items())
        through = await asyncio.gather(*(self._tenant(tenant, access, seen) for tenant, access in tenants))
        elsewhere = {grant.source for grants in through for grant in grants}
        shared = (share for share in standing.shares if share.source not in elsewhere)
        everything = grants_of(standing, self.layout, has_home=has_home)
        return Rights(
            user,
            has_home,
            live((*(self.layout.home_grants(user) if has_home else ()), *shared), now),
            self.layout.system_grants(user) if has_home else (),
            {tenant: (access, grants) for (tenant, access), grants in zip(tenants, through, strict=True)},
            live(everything, now),
        )

    async def _tenant(self, tenant: TenantName, access: Access, seen: TenantRights) -> tuple[Grant, ...]:
        half = (tenant, access)
        if half not in seen.found:
            # Whoever acts for a tenant has its members' rights and no others, so this subject needs no user.
            standing = await self.desk.governance.standing(Subject(UserName(""), tenant, access))
            seen.found[half] = live(grants_of(standing, self.layout, has_home=False), self.desk.clock())
        return seen.found[half]
