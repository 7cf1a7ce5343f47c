"""Create tenants and change what is said about them."""

from dataclasses import dataclass

from vendor.audit.event import Kind
from vendor.errors import AlreadyExists
from vendor.governance.state import Change, Governance
from vendor.names import TenantName
from vendor.stewardship.caller import Caller
from vendor.stewardship.commit import Decided, commit, require_revision
from vendor.stewardship.tenant import TenantView, change_of, read_tenant, require_admin
from vendor.times import Clock, rfc3339

READ_ONLY_TWIN = "ro"  # clients of older services read `<tenant>ro` as the read-only half of `<tenant>`


@dataclass(frozen=True, slots=True)
class Metadata:
    """What people say about a tenant."""

    display_name: str | None = None
    description: str | None = None
    website: str | None = None
    organization: str | None = None

    def fields(self) -> dict[str, str]:
        """The stored form; an absent text is an empty one."""
        return {
            "display_name": self.display_name or "",
            "description": self.description or "",
            "website": self.website or "",
            "organization": self.organization or "",
        }


@dataclass(frozen=True, slots=True)
class Tenants:
    """The use cases about tenants themselves."""

    governance: Governance
    clock: Clock

    async def view(self, caller: Caller, name: TenantName) -> TenantView:
        """Return a tenant to its members, its stewards and administrators; to others it is an UnknownTenant."""
        return await read_tenant(self.governance, caller, name)

    async def put(
        self, caller: Caller, name: TenantName, metadata: Metadata, *, revision: int | None
    ) -> tuple[TenantView, bool]:
        """Create a tenant, or replace the metadata of an existing one; True if it was created.

        For administrators.  Nobody becomes a member.  Raises RoleRequired, AlreadyExists, StaleRevision, Conflict.
        """
        require_admin(caller, "create or replace a tenant")

        async def decide() -> Decided[bool]:
            found = await self.governance.tenant(name)
            require_revision(revision, found.revision if found else 0)
            now = self.clock()
            fields = metadata.fields() | {"updated_at": rfc3339(now), "updated_by": caller.principal.name}
            if found is None:
                change = await self._creation(name)
                fields |= {"created_at": rfc3339(now), "created_by": caller.principal.name, "rev": "@rev"}
            else:
                change = change_of(self.governance, found)
            change.put(self.governance.keys.tenant(name), fields)
            kind = Kind.TENANT_CREATED if found is None else Kind.TENANT_CHANGED
            return change, caller.event(kind, now, tenant=name, metadata=metadata.fields()), found is None

        created, _ = await commit(self.governance, decide)
        return await self.view(caller, name), created

    async def _creation(self, name: TenantName) -> Change:
        change = Change()
        keys = self.governance.keys
        change.require(keys.tenant(name), "rev", expected=False)
        twins = [TenantName(name + READ_ONLY_TWIN)]
        if name.endswith(READ_ONLY_TWIN) and len(name) > len(READ_ONLY_TWIN):
            twins.append(TenantName(name.removesuffix(READ_ONLY_TWIN)))
        for twin in twins:
            if await self.governance.tenant(twin) is not None:
                raise AlreadyExists(
                    f"A tenant {twin} exists, and one of the two names would be read as the other's read-only half."
                )
            change.require(keys.tenant(twin), "rev", expected=False)
        change.do("ZADD", keys.tenants, 0, name)
        return change
