"""`/tenants`: what tenants say of themselves, who belongs to them, who looks after them."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from vendor.doors.mms import models, places
from vendor.doors.mms.errors import Area, MmsError, ServiceError
from vendor.doors.mms.operation import Call, Register
from vendor.doors.mms.reading import read_body, read_query
from vendor.errors import UnknownTenant, VendError
from vendor.governance.records import Tenant
from vendor.names import UserName, parse_tenant_name, parse_user_name
from vendor.policy.grant import Access
from vendor.stewardship.directory import Entry, Person
from vendor.stewardship.tenant import TenantView

_FIELDS: Final = ("display_name", "description", "website", "organization")


class MemberQuery(models.Lenient):
    """How somebody becomes a member."""

    permission: Literal["read_write", "read_only"] = "read_write"


class StewardQuery(models.Lenient):
    """`force` is ours: it takes the last steward away, too."""

    force: bool = False


async def listed(call: Call) -> list[models.TenantSummaryResponse]:
    """List every tenant."""
    return [
        models.TenantSummaryResponse(
            tenant_name=entry.tenant.name,
            display_name=entry.tenant.display_name or entry.tenant.name,
            description=entry.tenant.description,
            website=entry.tenant.website,
            organization=entry.tenant.organization,
            member_count=entry.member_count,
            is_member=entry.access is not None,
            is_steward=entry.steward,
        )
        async for entry in call.gateway.mms.directory.entries(call.who)
    ]


async def detail(call: Call) -> models.TenantDetailResponse:
    """Show a tenant: its members, and how to write to its stewards, only to those whom it concerns."""
    entry, stewards = await _entry(call)
    name = entry.tenant.name
    members: list[models.TenantMemberResponse] = []
    if _concerns(call, entry):
        view = await call.gateway.tenants.view(call.who, name)
        people = await _people(call, view)
        members = _members(view, people)
    else:
        people = _named(call, stewards, await call.gateway.mms.directory.display_names(call.who, stewards))
    folders = call.gateway.layout.tenants
    return models.TenantDetailResponse(
        metadata=_metadata(entry.tenant),
        stewards=[_steward(user, stewards[user], people) for user in sorted(stewards)],
        members=members,
        member_count=entry.member_count,
        storage_paths=models.TenantStoragePaths(
            general_warehouse=places.folder_of(folders, places.GENERAL, name),
            sql_warehouse=places.folder_of(folders, places.SQL, name),
            namespace_prefix=places.tenant_namespace(name),
        ),
    )


async def create(call: Call) -> models.TenantMetadataResponse:
    """Say something of a tenant of which nothing is said yet; what is said already stays."""
    body = await read_body(call.request, models.TenantMetadataUpdate, optional=True)
    entry, _ = await _entry(call)
    if any(getattr(entry.tenant, field) for field in _FIELDS):
        return _metadata(entry.tenant)
    view = await call.gateway.tenants.patch(call.who, entry.tenant.name, _said(body), revision=None)
    return _metadata(view.tenant)


async def update(call: Call) -> models.TenantMetadataResponse:
    """Change what is said of a tenant."""
    body = await read_body(call.request, models.TenantMetadataUpdate)
    name = (await _for_stewards(call)).tenant.name
    view = await call.gateway.tenants.patch(call.who, name, _said(body), revision=None)
    return _metadata(view.tenant)


async def delete(call: Call) -> None:
    """Take away what is said of a tenant, and its stewards; the tenant and its members stay."""
    entry, stewards = await _entry(call)
    for user in stewards:
        await call.gateway.members.remove_steward(
            call.who, entry.tenant.name, UserName(user), force=True, revision=None
        )
    await call.gateway.tenants.patch(call.who, entry.tenant.name, dict.fromkeys(_FIELDS), revision=None)


async def members(call: Call) -> list[models.TenantMemberResponse]:
    """List the members to those whom the tenant concerns."""
    view = await _for_members(call)
    return _members(view, await _people(call, view))


async def add_member(call: Call) -> models.TenantMemberResponse:
    """Make somebody a member, or change their access: one step, so they are never outside in between."""
    access = Access(read_query(call.request, MemberQuery).permission)
    name, user = (await _for_stewards(call)).tenant.name, parse_user_name(call.path("username"))
    view = await call.gateway.members.set(call.who, name, user, access, revision=None)
    people = await _people(call, view)
    return _member(user, view, people)


async def remove_member(call: Call) -> None:
    """End a membership.  Stewards go only by an administrator, and with their office."""
    entry = await _for_stewards(call)
    name, user = entry.tenant.name, parse_user_name(call.path("username"))
    _, stewards = await call.gateway.mms.directory.entry(call.who, name)
    if user in stewards:
        if user == call.name:
            raise ServiceError(400, 40010, "Stewards cannot remove themselves")
        if not call.who.admin:
            raise ServiceError(403, 40020, "Stewards cannot remove other stewards")
        await call.gateway.members.remove_steward(call.who, name, user, force=False, revision=None)
    await call.gateway.members.remove(call.who, name, user, revision=None)


async def stewards(call: Call) -> list[models.TenantStewardResponse]:
    """List the stewards to those whom the tenant concerns."""
    view = await _for_members(call)
    people = await _people(call, view)
    return [_steward(user, named, people) for user, named in sorted(view.stewards.items())]


async def add_steward(call: Call) -> models.TenantStewardResponse:
    """Name a steward, who reads and writes from then on."""
    name, user = (await _entry(call))[0].tenant.name, parse_user_name(call.path("username"))
    await call.gateway.members.set(call.who, name, user, Access.READ_WRITE, revision=None)
    view = await call.gateway.members.add_steward(call.who, name, user, revision=None)
    return _steward(user, view.stewards[user], await _people(call, view))


async def remove_steward(call: Call) -> None:
    """Take a steward's office away; they stay a member."""
    force = read_query(call.request, StewardQuery).force
    name, user = (await _entry(call))[0].tenant.name, parse_user_name(call.path("username"))
    if not await call.gateway.members.remove_steward(call.who, name, user, force=force, revision=None):
        raise ServiceError(404, 40030, f"User {user} is not a steward of tenant {name}")


async def _entry(call: Call) -> tuple[Entry, dict[str, dict[str, str]]]:
    """Read the tenant of the path.  The read-only half of a tenant is none."""
    text = call.path("tenant_name")
    try:
        return await call.gateway.mms.directory.entry(call.who, parse_tenant_name(text))
    except UnknownTenant as unknown:
        try:
            half = await call.gateway.mms.halves.find(call.who, text)
        except UnknownTenant:
            raise unknown from None
        raise ServiceError(400, 40010, f"{text} is the read-only half of tenant {half.tenant}") from None


async def _for_stewards(call: Call) -> Entry:
    """Read the tenant for its stewards and administrators; others learn nothing about it, not even its absence."""
    refusal = MmsError(403, f"Requires admin or steward role for tenant '{call.path('tenant_name')[:64]}'")
    if call.who.admin:
        return (await _entry(call))[0]
    try:
        entry, _ = await _entry(call)
    except (VendError, ServiceError):
        raise refusal from None
    if not entry.steward:
        raise refusal
    return entry


async def _for_members(call: Call) -> TenantView:
    entry, _ = await _entry(call)
    if not _concerns(call, entry):
        raise ServiceError(403, 40020, f"Only members and stewards of tenant {entry.tenant.name} can see this")
    return await call.gateway.tenants.view(call.who, entry.tenant.name)


def _concerns(call: Call, entry: Entry) -> bool:
    return call.who.admin or entry.access is not None or entry.steward


async def _people(call: Call, view: TenantView) -> dict[str, Person]:
    people = await call.gateway.mms.directory.people(call.who, view)
    return _named(call, {*view.members, *view.stewards}, people)


def _named(call: Call, users: Iterable[str], people: Mapping[str, Person]) -> dict[str, Person]:
    """Add the display names that KBase knows to those the gateway knows."""
    nameless = [UserName(user) for user in users if people.get(user, Person()).display_name is None]
    found = call.gateway.mms.profiles.names(nameless, call.token)
    return {**people, **{user: Person(name, people.get(user, Person()).email) for user, name in found.items()}}


def _members(view: TenantView, people: Mapping[str, Person]) -> list[models.TenantMemberResponse]:
    """Those who read and write first, then those who only read."""
    ordered = sorted(view.members, key=lambda user: (view.members[user] is Access.READ_ONLY, user))
    return [_member(user, view, people) for user in ordered]


def _member(user: str, view: TenantView, people: Mapping[str, Person]) -> models.TenantMemberResponse:
    person = people.get(user, Person())
    level: models.AccessLevel = "read_write" if view.members[user] is Access.READ_WRITE else "read_only"
    return models.TenantMemberResponse(
        username=user,
        display_name=person.display_name,
        email=person.email,
        access_level=level,
        is_steward=user in view.stewards,
    )


def _steward(user: str, named: Mapping[str, str], people: Mapping[str, Person]) -> models.TenantStewardResponse:
    person = people.get(user, Person())
    return models.TenantStewardResponse(
        username=user,
        display_name=person.display_name,
        email=person.email,
        assigned_by=named["assigned_by"],
        assigned_at=named["assigned_at"],
    )


def _metadata(tenant: Tenant) -> models.TenantMetadataResponse:
    return models.TenantMetadataResponse(
        tenant_name=tenant.name,
        display_name=tenant.display_name or tenant.name,
        description=tenant.description,
        website=tenant.website,
        organization=tenant.organization,
        created_by=tenant.created_by or None,
        created_at=tenant.created_at or None,
        updated_at=tenant.updated_at or None,
        updated_by=tenant.updated_by or None,
    )


def _said(body: models.TenantMetadataUpdate) -> dict[str, str | None]:
    """Return what is to change: null says nothing, an empty text clears."""
    sent = {field: getattr(body, field) for field in _FIELDS}
    return {field: text or None for field, text in sent.items() if text is not None}


_TENANT: Final = "/tenants/{tenant_name}"
_MEMBER: Final = f"{_TENANT}/members/{{username}}"
_STEWARD: Final = f"{_TENANT}/stewards/{{username}}"
_on = Register(Area.TENANTS)
_METADATA: Final = {200: models.TenantMetadataResponse}
_GONE: Final = {204: None}
_UPDATE: Final = models.TenantMetadataUpdate
OPERATIONS: Final = [
    _on("GET", "/tenants", listed, {200: list[models.TenantSummaryResponse]}),
    _on("GET", _TENANT, detail, {200: models.TenantDetailResponse}),
    _on("POST", _TENANT, create, _METADATA, admin=True, body=_UPDATE, body_required=False),
    _on("PATCH", _TENANT, update, _METADATA, body=_UPDATE),
    _on("DELETE", _TENANT, delete, _GONE, admin=True),
    _on("GET", f"{_TENANT}/members", members, {200: list[models.TenantMemberResponse]}),
    _on("POST", _MEMBER, add_member, {200: models.TenantMemberResponse}, query=MemberQuery),
    _on("DELETE", _MEMBER, remove_member, _GONE),
    _on("GET", f"{_TENANT}/stewards", stewards, {200: list[models.TenantStewardResponse]}),
    _on("POST", _STEWARD, add_steward, {200: models.TenantStewardResponse}, admin=True),
    _on("DELETE", _STEWARD, remove_steward, _GONE, admin=True, query=StewardQuery),
]
