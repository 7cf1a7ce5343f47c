"""`/v1/tenants`: tenants and the people in them."""

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from vendor.doors import shapes
from vendor.doors.body import Body, read, read_query
from vendor.doors.context import caller, gateway
from vendor.doors.operation import Example, Link, Operation, Reply
from vendor.doors.parse import Flag, Page, Query, cursor, etag, if_match, tenant_in_path, user_in_path
from vendor.doors.render import JSON
from vendor.errors import AlreadyExists, Conflict, LastSteward, NotSteward, UnknownTenant, UnknownUser
from vendor.governance.records import Tenant
from vendor.policy.grant import Access
from vendor.stewardship.tenant import TenantView
from vendor.stewardship.tenants import Metadata

Line = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Text = Annotated[str, Field(max_length=4000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
_Link = Annotated[str, Field(max_length=2048, pattern=r"^https?://[^\s\x00-\x1f\x7f]+$")]


class TenantBody(Body):
    """A tenant's metadata."""

    display_name: Line | None = None
    description: _Text | None = None
    website: _Link | None = None
    organization: Line | None = None


class MemberBody(Body):
    """A member's access."""

    access: shapes.Membership


class StewardBody(Body):
    """Nothing is said of a steward."""


class ForceQuery(Query):
    """Whether to take away what usually has to stay."""

    force: Annotated[Flag, Field(description="Even the last steward.")] = False


class TenantShown(TypedDict):
    """What is said of a tenant."""

    name: str
    display_name: str | None
    description: str | None
    website: str | None
    organization: str | None
    created_at: shapes.Time
    created_by: str
    updated_at: shapes.Time
    updated_by: str
    revision: shapes.Revision


class MemberShown(TypedDict):
    """Somebody in a tenant."""

    user: str
    access: shapes.Membership


class StewardShown(TypedDict):
    """Somebody who looks after a tenant."""

    user: str
    assigned_at: shapes.Time
    assigned_by: str


class TenantDetail(TenantShown):
    """A tenant with the people in it."""

    members: list[MemberShown]
    stewards: list[StewardShown]


class TenantPage(TypedDict):
    """A page of tenants, in the order of their names."""

    tenants: list[TenantShown]
    cursor: shapes.NextCursor


async def list_tenants(request: Request) -> Response:
    """List the tenants that concern the caller; all of them for administrators."""
    who = await caller(request)
    page = read_query(request, Page)
    revision, tenants = await gateway(request).tenants.listed(who, page.after(), page.limit)
    following = tenants[-1].name if len(tenants) == page.limit else None
    answer: TenantPage = {"tenants": [_said(tenant) for tenant in tenants], "cursor": cursor(following)}
    return JSON(answer, headers=etag(revision))


async def get_tenant(request: Request) -> Response:
    """Show a tenant to those whom it concerns."""
    who = await caller(request)
    return _tenant(await gateway(request).tenants.view(who, tenant_in_path(request)))


async def put_tenant(request: Request) -> Response:
    """Create a tenant (201), or replace what is said about it (200)."""
    who, name = await caller(request), tenant_in_path(request)
    body = await read(request, TenantBody)
    metadata = Metadata(body.display_name, body.description, body.website, body.organization)
    view, created = await gateway(request).tenants.put(who, name, metadata, revision=if_match(request))
    return _tenant(view, 201 if created else 200)


async def patch_tenant(request: Request) -> Response:
    """Replace the members of the metadata that are sent; null clears one."""
    who, name = await caller(request), tenant_in_path(request)
    body = await read(request, TenantBody)
    said = body.model_dump(include=body.model_fields_set)
    return _tenant(await gateway(request).tenants.patch(who, name, said, revision=if_match(request)))


async def delete_tenant(request: Request) -> Response:
    """Delete a tenant, its members, stewards and shares; never an object."""
    who, name = await caller(request), tenant_in_path(request)
    await gateway(request).removal.of_tenant(who, name, revision=if_match(request))
    return Response(status_code=204)


async def put_member(request: Request) -> Response:
    """Add a member, or change their access."""
    who, name, user = await caller(request), tenant_in_path(request), user_in_path(request)
    access = Access((await read(request, MemberBody)).access)
    return _tenant(await gateway(request).members.set(who, name, user, access, revision=if_match(request)))


async def delete_member(request: Request) -> Response:
    """Remove a member."""
    who, name, user = await caller(request), tenant_in_path(request), user_in_path(request)
    await gateway(request).members.remove(who, name, user, revision=if_match(request))
    return Response(status_code=204)


async def put_steward(request: Request) -> Response:
    """Name a steward."""
    who, name, user = await caller(request), tenant_in_path(request), user_in_path(request)
    await read(request, StewardBody)
    return _tenant(await gateway(request).members.add_steward(who, name, user, revision=if_match(request)))


async def delete_steward(request: Request) -> Response:
    """Take a steward's office away; the last one's only with `?force=true`."""
    who, name, user = await caller(request), tenant_in_path(request), user_in_path(request)
    force = read_query(request, ForceQuery).force
    revision = if_match(request)
    await gateway(request).members.remove_steward(who, name, user, force=force, revision=revision)
    return Response(status_code=204)


def _tenant(view: TenantView, status: int = 200) -> JSON:
    answer: TenantDetail = {
        **_said(view.tenant),
        "members": [{"user": user, "access": access.value} for user, access in sorted(view.members.items())],
        "stewards": [
            {"user": user, "assigned_at": named["assigned_at"], "assigned_by": named["assigned_by"]}
            for user, named in sorted(view.stewards.items())
        ],
    }
    return JSON(answer, status, etag(view.tenant.revision))


def _said(tenant: Tenant) -> TenantShown:
    return {
        "name": tenant.name,
        "display_name": tenant.display_name,
        "description": tenant.description,
        "website": tenant.website,
        "organization": tenant.organization,
        "created_at": tenant.created_at,
        "created_by": tenant.created_by,
        "updated_at": tenant.updated_at,
        "updated_by": tenant.updated_by,
        "revision": tenant.revision,
    }


_TENANT: Final = "/v1/tenants/{tenant}"
_MEMBER: Final = f"{_TENANT}/members/{{user}}"
_STEWARD: Final = f"{_TENANT}/stewards/{{user}}"
_HERE: Final = {"tenant": "kbase"}
_BOB: Final = {"tenant": "kbase", "user": "bob"}
_SHOWN: Final = Reply(TenantDetail, headers=("ETag",))
_MADE: Final = Reply(
    TenantDetail,
    headers=("ETag",),
    links=(Link("getTenant", {"tenant": "/name"}), Link("deleteTenant", {"tenant": "/name"})),
)
_OURS: Final = (NotSteward, UnknownTenant, Conflict)
_SAID: Final = {"display_name": "Hydrology", "website": "https://hydro.example.org/"}
OPERATIONS: Final[Sequence[Operation]] = [
    Operation(
        "listTenants",
        "GET",
        "/v1/tenants",
        list_tenants,
        {200: Reply(TenantPage, headers=("ETag",))},
        query=Page,
        example=Example(query={"limit": "50"}),
    ),
    Operation(
        "getTenant", "GET", _TENANT, get_tenant, {200: _SHOWN}, refuses=(UnknownTenant,), example=Example(path=_HERE)
    ),
    Operation(
        "putTenant",
        "PUT",
        _TENANT,
        put_tenant,
        {200: _MADE, 201: _MADE},
        body=TenantBody,
        if_match=True,
        refuses=(*_OURS, AlreadyExists),
        example=Example("carol", path={"tenant": "hydro"}, body=_SAID),
    ),
    Operation(
        "patchTenant",
        "PATCH",
        _TENANT,
        patch_tenant,
        {200: _SHOWN},
        body=TenantBody,
        if_match=True,
        refuses=_OURS,
        example=Example(path=_HERE, body={"description": "Models of metabolism."}),
    ),
    Operation(
        "deleteTenant",
        "DELETE",
        _TENANT,
        delete_tenant,
        {204: Reply()},
        if_match=True,
        refuses=_OURS,
    ),
    Operation(
        "putMember",
        "PUT",
        _MEMBER,
        put_member,
        {200: _SHOWN},
        body=MemberBody,
        if_match=True,
        refuses=(*_OURS, UnknownUser),
        example=Example(path=_BOB, body={"access": "read_only"}),
    ),
    Operation(
        "deleteMember",
        "DELETE",
        _MEMBER,
        delete_member,
        {204: Reply()},
        if_match=True,
        refuses=(*_OURS, UnknownUser),
    ),
    Operation(
        "putSteward",
        "PUT",
        _STEWARD,
        put_steward,
        {200: _SHOWN},
        body=StewardBody,
        if_match=True,
        refuses=(*_OURS, UnknownUser),
        example=Example("carol", path=_BOB, body={}),
    ),
    Operation(
        "deleteSteward",
        "DELETE",
        _STEWARD,
        delete_steward,
        {204: Reply()},
        query=ForceQuery,
        if_match=True,
        refuses=(*_OURS, UnknownUser, LastSteward),
        example=Example("carol", path=_BOB),
    ),
]
