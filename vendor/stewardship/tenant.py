"""A tenant as the use cases read it, and the rules for who may do what with it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vendor.errors import NotSteward, StateUnavailable, UnknownTenant
from vendor.governance import keys
from vendor.governance.change import Change
from vendor.governance.records import Tenant, membership
from vendor.names import TenantName
from vendor.policy.grant import Access
from vendor.stewardship.caller import Caller
from vendor.stewardship.desk import Desk


@dataclass(frozen=True, slots=True)
class TenantView:
    """A tenant with the people in it.  `stewards` is user → when and by whom they were named."""

    tenant: Tenant
    members: dict[str, Access]
    stewards: dict[str, dict[str, str]]

    def concerns(self, caller: Caller) -> bool:
        """Say whether the caller may know of this tenant."""
        return caller.admin or caller.name in self.members or caller.name in self.stewards


@dataclass(frozen=True, slots=True)
class Doorstep:
    """What decides whether a caller may do something with a tenant, without reading all the people in it."""

    tenant: Tenant
    access: Access | None
    steward: bool
    answers: list[Any]

    def as_admin(self, caller: Caller) -> bool:
        """Say whether only being an administrator lets the caller act as a steward."""
        return caller.admin and not self.steward


async def read_tenant(desk: Desk, caller: Caller, name: TenantName) -> TenantView:
    """Read a tenant for its members, its stewards and administrators.  To others it is an UnknownTenant."""
    _, (tenant, members, stewards) = await desk.look(
        caller, ("HGETALL", keys.tenant(name)), ("HGETALL", keys.members(name)), ("HGETALL", keys.stewards(name))
    )
    found = Tenant.read(name, tenant)
    if found is not None:
        view = TenantView(found, read_members(name, members), read_stewards(stewards))
        if view.concerns(caller):
            return view
    raise UnknownTenant("There is no such tenant.")


async def stand_before(desk: Desk, caller: Caller, name: TenantName, *reads: tuple[str, ...]) -> Doorstep:
    """Read what lets the caller act on a tenant, and `reads` with it.  To those it does not concern, UnknownTenant."""
    _, (tenant, access, named, *answers) = await desk.look(
        caller,
        ("HGETALL", keys.tenant(name)),
        ("HGET", keys.members(name), caller.name),
        ("HGET", keys.stewards(name), caller.name),
        *reads,
    )
    found = Tenant.read(name, tenant)
    if found is None or not (caller.admin or access or named):
        raise UnknownTenant("There is no such tenant.")
    return Doorstep(found, membership(name, access)[1] if access else None, bool(named), answers)


def require_steward(change: Change, caller: Caller, step: Doorstep) -> None:
    """Raise NotSteward unless the caller is a steward of the tenant, and stays one until the change is made.

    Administrators may do it, too.
    """
    if caller.admin:
        return
    if not step.steward:
        raise NotSteward("Only a steward of this tenant or an administrator can do this.")
    change.require(keys.stewards(step.tenant.name), caller.name, expected=True)


def read_members(tenant: TenantName, stored: Mapping[str, str]) -> dict[str, Access]:
    """Parse the stored members.  Raises StateUnavailable."""
    return {user: membership(tenant, access)[1] for user, access in stored.items()}


def read_stewards(stored: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Parse the stored stewards.  Raises StateUnavailable."""
    try:
        return {
            user: {"assigned_at": str(named["assigned_at"]), "assigned_by": str(named["assigned_by"])}
            for user, named in ((user, json.loads(text)) for user, text in stored.items())
        }
    except (ValueError, TypeError, KeyError) as problem:
        raise StateUnavailable("A stored steward cannot be read.") from problem
