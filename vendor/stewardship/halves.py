"""Tenants by the names of their halves: what older services call group `kbase` and group `kbasero`.

`kbasero` is the read-only half of `kbase` exactly where there is a tenant `kbase` and none of the full name; so `hydro`
is a tenant like any other.  A tenant whose name could be read both ways cannot be created.
"""

from dataclasses import dataclass
from typing import Final

from vendor.errors import Conflict, InvalidName, StaleRevision, UnknownTenant
from vendor.governance import keys
from vendor.names import TenantName, UserName, parse_tenant_name
from vendor.policy.grant import Access
from vendor.stewardship.caller import Caller
from vendor.stewardship.desk import Desk
from vendor.stewardship.members import Members
from vendor.stewardship.tenant import TenantView, read_tenant
from vendor.stewardship.tenants import READ_ONLY_TWIN

TRIES: Final = 50


@dataclass(frozen=True, slots=True)
class Half:
    """One half of a tenant: those who read and write, or those who only read."""

    tenant: TenantName
    access: Access

    @property
    def name(self) -> str:
        """The name of the half."""
        return self.tenant + (READ_ONLY_TWIN if self.access is Access.READ_ONLY else "")


@dataclass(frozen=True, slots=True)
class Halves:
    """The use cases about halves."""

    desk: Desk
    members: Members

    async def find(self, caller: Caller, text: str) -> Half:
        """Return the half of this name.  Raises InvalidName, UnknownTenant."""
        whole = parse_tenant_name(text)
        base = _base(text)
        wanted = [whole] if base is None else [whole, base]
        _, found = await self.desk.look(caller, *(("HGET", keys.tenant(name), "rev") for name in wanted))
        if found[0] is not None:
            return Half(whole, Access.READ_WRITE)
        if base is not None and found[1] is not None:
            return Half(base, Access.READ_ONLY)
        raise UnknownTenant(f"There is no tenant {whole}.")

    async def join(self, caller: Caller, half: Half, user: UserName) -> TenantView:
        """Make a user a member of a half.  Who reads and writes already keeps doing so.

        Raises UnknownTenant, UnknownUser, NotSteward, Conflict.
        """
        for _ in range(TRIES):
            view = await read_tenant(self.desk, caller, half.tenant)
            if half.access is Access.READ_ONLY and view.members.get(user) is Access.READ_WRITE:
                return view
            try:
                return await self.members.set(caller, half.tenant, user, half.access, revision=view.tenant.revision)
            except StaleRevision:
                continue  # somebody changed the tenant in between
        raise Conflict("Too many changes to the same tenant at the same time.")

    async def leave(self, caller: Caller, half: Half, user: UserName) -> TenantView:
        """End a user's membership if it is in this half.  Raises UnknownTenant, NotSteward, Conflict."""
        for _ in range(TRIES):
            view = await read_tenant(self.desk, caller, half.tenant)
            if view.members.get(user) is not half.access:
                return view
            try:
                await self.members.remove(caller, half.tenant, user, revision=view.tenant.revision)
            except StaleRevision:
                continue  # as above
            return await read_tenant(self.desk, caller, half.tenant)
        raise Conflict("Too many changes to the same tenant at the same time.")


def _base(text: str) -> TenantName | None:
    try:
        return parse_tenant_name(text.removesuffix(READ_ONLY_TWIN)) if text.endswith(READ_ONLY_TWIN) else None
    except InvalidName:
        return None
