"""Who belongs to a tenant, and who looks after it."""

import json
from dataclasses import dataclass

from vendor.audit.event import Kind
from vendor.errors import LastSteward, NotSteward, UnknownUser
from vendor.governance.state import Change, Governance
from vendor.names import TenantName, UserName
from vendor.policy.grant import Access
from vendor.stewardship.caller import Caller
from vendor.stewardship.commit import Decided, commit, require_revision
from vendor.stewardship.tenant import TenantView, change_of, read_tenant, require_admin, require_steward
from vendor.times import Clock, rfc3339


@dataclass(frozen=True, slots=True)
class Members:
    """The use cases about the people of a tenant.

    All of them raise UnknownTenant, StaleRevision (when `revision` is not the tenant's) and Conflict.
    """

    governance: Governance
    clock: Clock

    async def set(
        self, caller: Caller, name: TenantName, user: UserName, access: Access, *, revision: int | None
    ) -> TenantView:
        """Add a member, or change a member's access.  For stewards, who cannot raise themselves, and administrators.

        Raises NotSteward, UnknownUser.
        """

        async def decide() -> Decided[None]:
            view = await read_tenant(self.governance, caller, name)
            require_revision(revision, view.tenant.revision)
            require_steward(caller, view)
            before = view.members.get(user)
            _refuse_raising_oneself(caller, user, before, access)
            change = change_of(self.governance, view.tenant)
            await self._require_user(change, user)
            change.do("HSET", self.governance.keys.members(name), user, str(access))
            change.do("HSET", self.governance.keys.memberships(user), name, str(access))
            facts = {"tenant": name, "user": user, "access": str(access), "before": _text(before)}
            return change, caller.event(Kind.MEMBER_SET, self.clock(), **facts), None

        await commit(self.governance, decide)
        return await read_tenant(self.governance, caller, name)

    async def remove(self, caller: Caller, name: TenantName, user: UserName, *, revision: int | None) -> None:
        """Remove a member.  For stewards, administrators, and members themselves.  Removing nobody changes nothing.

        Raises NotSteward.
        """

        async def decide() -> Decided[None]:
            view = await read_tenant(self.governance, caller, name)
            require_revision(revision, view.tenant.revision)
            if user != caller.principal.name:
                require_steward(caller, view)
            change = change_of(self.governance, view.tenant)
            change.do("HDEL", self.governance.keys.members(name), user)
            change.do("HDEL", self.governance.keys.memberships(user), name)
            facts = {"tenant": name, "user": user, "before": _text(view.members.get(user))}
            return change, caller.event(Kind.MEMBER_REMOVED, self.clock(), **facts), None

        await commit(self.governance, decide)

    async def add_steward(
        self, caller: Caller, name: TenantName, user: UserName, *, revision: int | None
    ) -> TenantView:
        """Name a steward; naming one again changes nothing.  For administrators.  Raises RoleRequired, UnknownUser."""

        async def decide() -> Decided[None]:
            view = await read_tenant(self.governance, caller, name)
            require_admin(caller, "name a steward")
            require_revision(revision, view.tenant.revision)
            change = change_of(self.governance, view.tenant)
            await self._require_user(change, user)
            now = self.clock()
            named = view.stewards.get(user) or {"assigned_at": rfc3339(now), "assigned_by": caller.principal.name}
            change.do("HSET", self.governance.keys.stewards(name), user, json.dumps(named))
            return change, caller.event(Kind.STEWARD_ADDED, now, tenant=name, user=user), None

        await commit(self.governance, decide)
        return await read_tenant(self.governance, caller, name)

    async def remove_steward(
        self, caller: Caller, name: TenantName, user: UserName, *, force: bool, revision: int | None
    ) -> None:
        """Take a steward's office away, the last one's only with `force`.  For administrators.

        Raises RoleRequired, LastSteward.  Removing nobody changes nothing.
        """

        async def decide() -> Decided[None]:
            view = await read_tenant(self.governance, caller, name)
            require_admin(caller, "take a steward's office away")
            require_revision(revision, view.tenant.revision)
            if set(view.stewards) == {user} and not force:
                raise LastSteward("This is the tenant's last steward.")
            change = change_of(self.governance, view.tenant)
            change.do("HDEL", self.governance.keys.stewards(name), user)
            return change, caller.event(Kind.STEWARD_REMOVED, self.clock(), tenant=name, user=user, forced=force), None

        await commit(self.governance, decide)

    async def _require_user(self, change: Change, user: UserName) -> None:
        if await self.governance.user(user) is None:
            raise UnknownUser(f"There is no user {user}.", remedy="People become known at their first sign-in.")
        change.require(self.governance.keys.user(user), "rev", expected=True)


def _refuse_raising_oneself(caller: Caller, user: UserName, before: Access | None, access: Access) -> None:
    me = caller.principal
    lowers = before is Access.READ_WRITE or before is access
    if user == me.name and not me.admin and not lowers:
        raise NotSteward("A steward cannot raise their own access.", remedy="Ask another steward or an administrator.")


def _text(access: Access | None) -> str | None:
    return None if access is None else str(access)
