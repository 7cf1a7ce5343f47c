"""Whose a path is, and who may decide about it.

A home belongs to its user, a tenant's folders to its stewards; administrators may decide about both.  Anything else
belongs to nobody.
"""

from dataclasses import dataclass

from vendor.errors import NotOwner, ScopeNotGranted, UnknownTenant, UnknownUser
from vendor.governance import keys
from vendor.governance.change import Change
from vendor.governance.records import Target, TargetKind
from vendor.names import S3Path, TenantName, UserName
from vendor.policy.grant import Access, Level
from vendor.policy.layout import Layout
from vendor.stewardship.caller import Caller
from vendor.stewardship.desk import Desk


@dataclass(frozen=True, slots=True)
class Control:
    """What lets a caller decide about an owner's paths.

    `access` is the caller's own in the tenant whose paths these are; None for a home, and for one who is no member.
    """

    owner: Target
    steward: bool
    access: Access | None
    as_admin: bool

    def keep(self, change: Change, caller: Caller) -> None:
        """Let the change happen only while the caller still controls the paths."""
        if self.steward:
            change.require(keys.stewards(TenantName(self.owner.name)), caller.name, expected=True)


def owner_of(path: S3Path, layout: Layout) -> Target:
    """Return whose path this is.  Raises NotOwner if it is nobody's."""
    user = layout.home_owner(path.bucket, path.prefix)
    if user is not None:
        return Target(TargetKind.USER, user)
    tenant = layout.tenant_of(path.bucket, path.prefix)
    if tenant is not None:
        return Target(TargetKind.TENANT, tenant)
    raise NotOwner("This path lies in nobody's home and in no tenant, so it is nobody's to share or to look into.")


async def control(desk: Desk, caller: Caller, owner: Target) -> Control:
    """Find out why the caller may decide about an owner's paths.

    Nothing is read for their own home: whether they are disabled shows when they look for what they decide about.

    Raises NotOwner; and, for administrators, UnknownUser or UnknownTenant for an owner that does not exist.
    """
    if owner.kind is TargetKind.TENANT:
        return await _of_tenant(desk, caller, owner)
    if owner == caller.home:
        return Control(owner, steward=False, access=None, as_admin=False)
    _, (known,) = await desk.look(caller, ("HGET", keys.user(UserName(owner.name)), "rev"))
    if not caller.admin:
        raise _not_owner()
    if known is None:
        raise UnknownUser(f"There is no user {owner.name}.", remedy="People become known at their first sign-in.")
    return Control(owner, steward=False, access=None, as_admin=True)


async def _of_tenant(desk: Desk, caller: Caller, owner: Target) -> Control:
    name = TenantName(owner.name)
    _, (known, named, access) = await desk.look(
        caller,
        ("HGET", keys.tenant(name), "rev"),
        ("HGET", keys.stewards(name), caller.name),
        ("HGET", keys.members(name), caller.name),
    )
    steward = bool(named) and caller.principal.acts_for is None
    if not steward and not caller.admin:
        raise _not_owner()
    if known is None:
        raise UnknownTenant(f"There is no tenant {name}.")
    return Control(owner, steward, Access(access) if access else None, as_admin=not steward)


def require_in_scope(caller: Caller, path: S3Path, level: Level) -> None:
    """Raise ScopeNotGranted for one who may not go to a path at all, whatever is theirs: they cannot pass it on."""
    most = caller.principal.max_scope
    if most is not None and not any(
        limit.path.bucket == path.bucket and path.prefix.startswith(limit.path.prefix) and limit.level.covers(level)
        for limit in most
    ):
        raise ScopeNotGranted("This identity is limited to other paths, so it cannot share this one.")


def _not_owner() -> NotOwner:
    return NotOwner("Only the owner of this path can share it, or see who reaches it.")
