"""Who belongs to a tenant, and who looks after it."""

import json
from dataclasses import dataclass

from vendor.audit.event import Kind
from vendor.errors import LastSteward, NotSteward, UnknownUser
from vendor.governance import edits, keys
from vendor.governance.change import Change
from vendor.governance.records import membership
from vendor.names import TenantName, UserName
from vendor.policy.grant import Access
from vendor.stewardship.caller import Caller, require_admin, require_unlimited
from vendor.stewardship.desk import Decided, Desk, require_revision
from vendor.stewardship.tenant import (
    Doorstep,
    TenantView,
    read_stewards,
    read_tenant,
    require_steward,
    stand_before,
)
from vendor.times import rfc3339


@dataclass(frozen=True, slots=True)
class Members:
    """The use cases about the people of a tenant.

    All of them raise UnknownTenant, StaleRevision (when `revision` is not the tenant's) and Conflict.  What is so
    already changes nothing, and is not recorded.
    """

    desk: Desk

    async def set(
        self, caller: Caller, name: TenantName, user: UserName, access: Access, *, revision: int | None
    ) -> TenantView:
        """Add a member, or change a member's access.  For stewards, who cannot raise themselves, and administrators.

        Raises NotSteward, UnknownUser.
        """
        require_unlimited(caller)

        async def decide() -> Decided[None]:
            step = await self._step(caller, name, user)
            before = _access(name, step.answers[1])
            change = _change(step, revision)
            require_steward(change, caller, step)
            _refuse_raising_oneself(caller, user, before, access)
            _require_user(step, user)
            if before is access:
                return Decided(None)
            change.require(keys.members(name), user, _text(before) or False)
            edits.set_member(change, name, user, access)
            facts = {"tenant": name, "user": user, "access": str(access), "before": _text(before)}
            event = caller.event(Kind.MEMBER_SET, self.desk.clock(), **facts, as_admin=step.as_admin(caller))
            return Decided(None, change, [event])

        await self.desk.commit(caller, decide)
        return await read_tenant(self.desk, caller, name)

    async def remove(self, caller: Caller, name: TenantName, user: UserName, *, revision: int | None) -> None:
        """Remove a member.  For stewards, administrators, and members themselves.  Stewards keep their office.

        Raises NotSteward.
        """
        require_unlimited(caller)

        async def decide() -> Decided[None]:
            step = await self._step(caller, name, user)
            before = _access(name, step.answers[1])
            change = _change(step, revision)
            if user != caller.name:
                require_steward(change, caller, step)
            if before is None:
                return Decided(None)
            change.require(keys.members(name), user, str(before))
            edits.drop_member(change, name, user)
            facts = {"tenant": name, "user": user, "before": _text(before)}
            as_admin = step.as_admin(caller) and user != caller.name
            event = caller.event(Kind.MEMBER_REMOVED, self.desk.clock(), **facts, as_admin=as_admin)
            return Decided(None, change, [event])

        await self.desk.commit(caller, decide)

    async def add_steward(
        self, caller: Caller, name: TenantName, user: UserName, *, revision: int | None
    ) -> TenantView:
        """Name a steward; naming one again changes nothing.  For administrators.  Raises RoleRequired, UnknownUser."""
        require_unlimited(caller)

        async def decide() -> Decided[None]:
            step = await self._step(caller, name, user)
            require_admin(caller, "name a steward")
            change = _change(step, revision)
            _require_user(step, user)
            if user in step.answers[2]:
                return Decided(None)
            change.require(keys.stewards(name), user, expected=False)
            now = self.desk.clock()
            named = {"assigned_at": rfc3339(now), "assigned_by": caller.name}
            edits.set_steward(change, name, user, json.dumps(named))
            event = caller.event(Kind.STEWARD_ADDED, now, tenant=name, user=user, as_admin=True)
            return Decided(None, change, [event])

        await self.desk.commit(caller, decide)
        return await read_tenant(self.desk, caller, name)

    async def remove_steward(
        self, caller: Caller, name: TenantName, user: UserName, *, force: bool, revision: int | None
    ) -> bool:
        """Take a steward's office away, the last one's only with `force`; False for one who was none.

        For administrators.  Raises RoleRequired, LastSteward.
        """
        require_unlimited(caller)

        async def decide() -> Decided[bool]:
            step = await self._step(caller, name, user)
            require_admin(caller, "take a steward's office away")
            change = _change(step, revision)
            stewards = read_stewards(step.answers[2])
            if user not in stewards:
                return Decided(False)
            if len(stewards) == 1 and not force:
                raise LastSteward("This is the tenant's last steward.")
            change.require(keys.tenant(name), "stewards_rev", step.tenant.stewards_revision)
            edits.drop_steward(change, name, user)
            facts = {"tenant": name, "user": user, "forced": force, "as_admin": True}
            return Decided(True, change, [caller.event(Kind.STEWARD_REMOVED, self.desk.clock(), **facts)])

        return await self.desk.commit(caller, decide)

    async def _step(self, caller: Caller, name: TenantName, user: UserName) -> Doorstep:
        """Read what every case needs: whether the user is known, their access, and all stewards."""
        return await stand_before(
            self.desk,
            caller,
            name,
            ("HGET", keys.user(user), "rev"),
            ("HGET", keys.members(name), user),
            ("HGETALL", keys.stewards(name)),
        )


def _change(step: Doorstep, revision: int | None) -> Change:
    require_revision(revision, step.tenant.revision)
    change = Change()
    if revision is not None:
        change.require(keys.tenant(step.tenant.name), "rev", str(step.tenant.revision))
    return change


def _require_user(step: Doorstep, user: UserName) -> None:
    if step.answers[0] is None:
        raise UnknownUser(f"There is no user {user}.", remedy="People become known at their first sign-in.")


def _refuse_raising_oneself(caller: Caller, user: UserName, before: Access | None, access: Access) -> None:
    lowers = before is Access.READ_WRITE or before is access
    if user == caller.name and not caller.admin and not lowers:
        raise NotSteward("A steward cannot raise their own access.", remedy="Ask another steward or an administrator.")


def _access(tenant: TenantName, stored: str | None) -> Access | None:
    return None if stored is None else membership(tenant, stored)[1]


def _text(access: Access | None) -> str | None:
    return None if access is None else str(access)
