"""`/v1/tenants`: tenants and the people in them."""

from typing import Annotated, Final, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vendor.doors.body import Body, read
from vendor.doors.context import caller, gateway
from vendor.doors.parse import cursor, etag, flag, if_match, one_of_query, page, tenant_in_path, user_in_path
from vendor.doors.render import JSON
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

    access: Literal["read_only", "read_write"]


class StewardBody(Body):
    """Nothing is said of a steward."""


async def list_tenants(request: Request) -> Response:
    """List the tenants that concern the caller; all of them for administrators."""
    who = await caller(request)
    after, limit = page(one_of_query(request, "limit", "cursor"))
    revision, tenants = await gateway(request).tenants.listed(who, after, limit)
    following = tenants[-1].name if len(tenants) == limit else None
    answer = {"tenants": [_said(tenant) for tenant in tenants], "cursor": cursor(following)}
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
    force = flag(one_of_query(request, "force"), "force")
    revision = if_match(request)
    await gateway(request).members.remove_steward(who, name, user, force=force, revision=revision)
    return Response(status_code=204)


def _tenant(view: TenantView, status: int = 200) -> JSON:
    people = {
        "members": [{"user": user, "access": str(access)} for user, access in sorted(view.members.items())],
        "stewards": [{"user": user, **named} for user, named in sorted(view.stewards.items())],
    }
    return JSON(_said(view.tenant) | people, status, etag(view.tenant.revision))


def _said(tenant: Tenant) -> dict[str, object]:
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


ROUTES: Final = [
    Route("/v1/tenants", list_tenants),
    Route("/v1/tenants/{tenant}", get_tenant),
    Route("/v1/tenants/{tenant}", put_tenant, methods=["PUT"]),
    Route("/v1/tenants/{tenant}", patch_tenant, methods=["PATCH"]),
    Route("/v1/tenants/{tenant}", delete_tenant, methods=["DELETE"]),
    Route("/v1/tenants/{tenant}/members/{user}", put_member, methods=["PUT"]),
    Route("/v1/tenants/{tenant}/members/{user}", delete_member, methods=["DELETE"]),
    Route("/v1/tenants/{tenant}/stewards/{user}", put_steward, methods=["PUT"]),
    Route("/v1/tenants/{tenant}/stewards/{user}", delete_steward, methods=["DELETE"]),
]
