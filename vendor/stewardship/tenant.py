"""A tenant as the use cases read it, and the rules for who may do what with it."""

import json
from dataclasses import dataclass

from vendor.errors import NotSteward, RoleRequired, UnknownTenant
from vendor.governance.records import Tenant, membership
from vendor.governance.state import Change, Governance
from vendor.names import TenantName
from vendor.policy.grant import Access
from vendor.stewardship.caller import Caller


@dataclass(frozen=True, slots=True)
class TenantView:
    """A tenant with the people in it.  `stewards` is user → when and by whom they were named."""

    tenant: Tenant
    members: dict[str, Access]
    stewards: dict[str, dict[str, str]]

    def concerns(self, caller: Caller) -> bool:
        """Say whether the caller may know of this tenant."""
        me = caller.principal
        return me.admin or me.name in self.members or me.name in self.stewards


async def read_tenant(governance: Governance, caller: Caller, name: TenantName) -> TenantView:
    """Read a tenant for its members, its stewards and administrators.  To others it is an UnknownTenant."""
    tenant, members, stewards = await governance.tenant_with_people(name)
    if tenant is not None:
        view = TenantView(
            tenant,
            {user: membership(name, access)[1] for user, access in members.items()},
            {user: json.loads(named) for user, named in stewards.items()},
        )
        if view.concerns(caller):
            return view
    raise UnknownTenant("There is no such tenant.")


def change_of(governance: Governance, tenant: Tenant) -> Change:
    """Begin a change that happens only to the tenant as it was read; every such change counts its revision up."""
    change = Change()
    key = governance.keys.tenant(tenant.name)
    change.require(key, "rev", str(tenant.revision))
    change.put(key, {"rev": "@rev"})
    return change


def require_steward(caller: Caller, view: TenantView) -> None:
    """Raise NotSteward unless the caller is a steward of the tenant, or an administrator."""
    me = caller.principal
    if not me.admin and me.name not in view.stewards:
        raise NotSteward("Only a steward of this tenant or an administrator can do this.")


def require_admin(caller: Caller, action: str) -> None:
    """Raise RoleRequired unless the caller is an administrator."""
    if not caller.principal.admin:
        raise RoleRequired(f"Only an administrator can {action}.", remedy="Ask an administrator.")
