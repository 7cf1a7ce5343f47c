"""Create tenants, change what is said about them, list them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vendor.audit.event import Kind
from vendor.errors import AlreadyExists
from vendor.governance import edits, keys
from vendor.governance.change import Change
from vendor.governance.records import Tenant
from vendor.governance.texts import checked
from vendor.names import TenantName
from vendor.stewardship.caller import Caller, require_admin, require_unlimited
from vendor.stewardship.desk import Decided, Desk, require_revision
from vendor.stewardship.tenant import TenantView, read_tenant, require_steward, stand_before
from vendor.times import rfc3339

READ_ONLY_TWIN = "ro"  # clients of older services read `<tenant>ro` as the read-only half of `<tenant>`


@dataclass(frozen=True, slots=True)
class Metadata:
    """What people say about a tenant."""

    display_name: str | None = None
    description: str | None = None
    website: str | None = None
    organization: str | None = None

    def fields(self) -> dict[str, str]:
        """The stored form; an absent text is an empty one.  Raises InvalidRequest for one that cannot be stored."""
        return {
            "display_name": checked("display_name", self.display_name),
            "description": checked("description", self.description),
            "website": checked("website", self.website),
            "organization": checked("organization", self.organization),
        }


def said_of(tenant: Tenant) -> dict[str, str]:
    """Return everything that is said of a tenant, in the stored form."""
    metadata = Metadata(tenant.display_name, tenant.description, tenant.website, tenant.organization)
    return metadata.fields() | {
        "created_at": tenant.created_at,
        "created_by": tenant.created_by,
        "updated_at": tenant.updated_at,
        "updated_by": tenant.updated_by,
    }


FIELDS = frozenset(Metadata().fields())


@dataclass(frozen=True, slots=True)
class Tenants:
    """The use cases about tenants themselves."""

    desk: Desk

    async def view(self, caller: Caller, name: TenantName) -> TenantView:
        """Return a tenant to its members, its stewards and administrators; to others it is an UnknownTenant."""
        return await read_tenant(self.desk, caller, name)

    async def listed(self, caller: Caller, after: str, count: int) -> tuple[int, list[Tenant]]:
        """List up to `count` tenants after the name `after`: all of them to administrators, to others their own.

        Returns the revision of all governance with them.
        """
        if caller.admin:
            start = f"({after}" if after else "-"
            page = ("EACH", "tenant:", "ZRANGEBYLEX", keys.TENANTS, start, "+", "LIMIT", 0, count)
            revision, (found,) = await self.desk.look(caller, page)
            return revision, _tenants(found)
        revision, (memberships, offices) = await self.desk.look(
            caller,
            ("HGETALL", keys.memberships(caller.name)),
            ("ZRANGE", keys.stewardships(caller.name), 0, -1),
        )
        names = [name for name in sorted({*memberships, *offices}) if name > after][:count]
        _, hashes = await self.desk.look(caller, *(("HGETALL", keys.tenant(TenantName(name))) for name in names))
        return revision, _tenants(list(zip(names, hashes, strict=True)))

    async def put(
        self, caller: Caller, name: TenantName, metadata: Metadata, *, revision: int | None
    ) -> tuple[TenantView, bool]:
        """Create a tenant, or replace the metadata of an existing one; True if it was created.

        For administrators.  Nobody becomes a member.  Raises RoleRequired, AlreadyExists, StaleRevision, Conflict.
        """
        require_admin(caller, "create or replace a tenant")
        require_unlimited(caller)
        said = metadata.fields()

        async def decide() -> Decided[bool]:
            _, (stored, *taken_twins) = await self.desk.look(
                caller, *(("HGETALL", keys.tenant(one)) for one in (name, *twins(name)))
            )
            found = Tenant.read(name, stored)
            require_revision(revision, found.revision if found else 0)
            change = Change()
            if found is not None:
                return self._replacement(caller, change, found, said, revision)
            for twin, taken in zip(twins(name), taken_twins, strict=True):
                if taken:
                    raise AlreadyExists(
                        f"A tenant {twin} exists, and one of the two names would be read as the other's read-only half."
                    )
                change.require(keys.tenant(twin), "rev", expected=False)
            now = self.desk.clock()
            moment, by = rfc3339(now), caller.name
            made = {"created_at": moment, "created_by": by, "updated_at": moment, "updated_by": by}
            edits.add_tenant(change, name, said | made)
            facts = {"tenant": name, "metadata": said, "as_admin": True}
            return Decided(True, change, [caller.event(Kind.TENANT_CREATED, now, **facts)])

        created = await self.desk.commit(caller, decide)
        return await self.view(caller, name), created

    async def patch(
        self, caller: Caller, name: TenantName, said: Mapping[str, str | None], *, revision: int | None
    ) -> TenantView:
        """Replace some of the metadata (members of `FIELDS`; None clears).  For stewards and administrators.

        Raises UnknownTenant, NotSteward, StaleRevision, Conflict.
        """
        require_unlimited(caller)
        fields = {field: checked(field, said[field]) for field in FIELDS & said.keys()}

        async def decide() -> Decided[bool]:
            step = await stand_before(self.desk, caller, name)
            change = Change()
            require_steward(change, caller, step)
            require_revision(revision, step.tenant.revision)
            return self._replacement(caller, change, step.tenant, fields, revision, as_admin=step.as_admin(caller))

        await self.desk.commit(caller, decide)
        return await self.view(caller, name)

    def _replacement(
        self,
        caller: Caller,
        change: Change,
        found: Tenant,
        fields: dict[str, str],
        revision: int | None,
        *,
        as_admin: bool = True,
    ) -> Decided[bool]:
        changed = {field: text for field, text in fields.items() if text != (getattr(found, field) or "")}
        if not changed:
            return Decided(False)
        if revision is not None:
            change.require(keys.tenant(found.name), "rev", str(found.revision))
        now = self.desk.clock()
        edits.change_tenant(change, found.name, {**changed, "updated_at": rfc3339(now), "updated_by": caller.name})
        facts: dict[str, Any] = {"tenant": found.name, "metadata": changed, "as_admin": as_admin}
        return Decided(False, change, [caller.event(Kind.TENANT_CHANGED, now, **facts)])


def twins(name: TenantName) -> list[TenantName]:
    """The names that a tenant of this name cannot stand beside."""
    twins = [TenantName(name + READ_ONLY_TWIN)]
    if name.endswith(READ_ONLY_TWIN) and len(name) > len(READ_ONLY_TWIN):
        twins.append(TenantName(name.removesuffix(READ_ONLY_TWIN)))
    return twins


def _tenants(found: list[tuple[str, dict[str, str]]]) -> list[Tenant]:
    tenants = (Tenant.read(TenantName(name), fields) for name, fields in found)
    return [tenant for tenant in tenants if tenant is not None]
