"""`/v1/tenants`: tenants, and what is said of them."""

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
from vendor.doors.parse import Page, etag, if_match, tenant_in_path
from vendor.doors.render import JSON
from vendor.errors import AlreadyExists, Conflict, NotSteward, UnknownTenant
from vendor.governance.records import Tenant
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
    following = page.following([tenant.name for tenant in tenants])
    shown: TenantPage = {"tenants": [_said(tenant) for tenant in tenants], "cursor": following}
    return JSON(shown, headers=etag(revision))


async def get_tenant(request: Request) -> Response:
    """Show a tenant to those whom it concerns."""
    who = await caller(request)
    return answer(await gateway(request).tenants.view(who, tenant_in_path(request)))


async def put_tenant(request: Request) -> Response:
    """Create a tenant (201), or replace what is said about it (200)."""
    who, name = await caller(request), tenant_in_path(request)
    body = await read(request, TenantBody)
    metadata = Metadata(body.display_name, body.description, body.website, body.organization)
    view, created = await gateway(request).tenants.put(who, name, metadata, revision=if_match(request))
    return answer(view, 201 if created else 200)


async def patch_tenant(request: Request) -> Response:
    """Replace the members of the metadata that are sent; null clears one."""
    who, name = await caller(request), tenant_in_path(request)
    body = await read(request, TenantBody)
    said = body.model_dump(include=body.model_fields_set)
    return answer(await gateway(request).tenants.patch(who, name, said, revision=if_match(request)))


async def delete_tenant(request: Request) -> Response:
    """Delete a tenant, its members, stewards and shares; never an object."""
    who, name = await caller(request), tenant_in_path(request)
    await gateway(request).removal.of_tenant(who, name, revision=if_match(request))
    return Response(status_code=204)


def answer(view: TenantView, status: int = 200) -> JSON:
    """Show a tenant with the people in it."""
    shown: TenantDetail = {
        **_said(view.tenant),
        "members": [{"user": user, "access": access.value} for user, access in sorted(view.members.items())],
        "stewards": [
            {"user": user, "assigned_at": named["assigned_at"], "assigned_by": named["assigned_by"]}
            for user, named in sorted(view.stewards.items())
        ],
    }
    return JSON(shown, status, etag(view.tenant.revision))


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


TENANT: Final = "/v1/tenants/{tenant}"
_HERE: Final = {"tenant": "kbase"}
SHOWN: Final = Reply(TenantDetail, headers=("ETag",))
_MADE: Final = Reply(
    TenantDetail,
    headers=("ETag",),
    links=(Link("getTenant", {"tenant": "/name"}), Link("deleteTenant", {"tenant": "/name"})),
)
CHANGING: Final = (NotSteward, UnknownTenant, Conflict)
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
        "getTenant", "GET", TENANT, get_tenant, {200: SHOWN}, refuses=(UnknownTenant,), example=Example(path=_HERE)
    ),
    Operation(
        "putTenant",
        "PUT",
        TENANT,
        put_tenant,
        {200: _MADE, 201: _MADE},
        body=TenantBody,
        if_match=True,
        refuses=(*CHANGING, AlreadyExists),
        example=Example("carol", path={"tenant": "hydro"}, body=_SAID),
    ),
    Operation(
        "patchTenant",
        "PATCH",
        TENANT,
        patch_tenant,
        {200: SHOWN},
        body=TenantBody,
        if_match=True,
        refuses=CHANGING,
        example=Example(path=_HERE, body={"description": "Models of metabolism."}),
    ),
    Operation(
        "deleteTenant",
        "DELETE",
        TENANT,
        delete_tenant,
        {204: Reply()},
        if_match=True,
        refuses=CHANGING,
    ),
]
