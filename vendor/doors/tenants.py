"""`/v1/tenants` and `/v1/users`: tenants, the people in them, and users."""

from typing import Annotated, Final, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vendor.doors.body import Body, read
from vendor.doors.context import caller, gateway
from vendor.doors.parse import etag, if_match, one_of_query, tenant_in_path, user_in_path
from vendor.doors.render import JSON
from vendor.errors import InvalidRequest
from vendor.governance.records import User
from vendor.policy.grant import Access
from vendor.stewardship.tenant import TenantView
from vendor.stewardship.tenants import Metadata

_Line = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Text = Annotated[str, Field(max_length=4000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
_Link = Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s\x00-\x1f\x7f]+$")]


class TenantBody(Body):
    """A tenant's metadata."""

    display_name: _Line | None = None
    description: _Text | None = None
    website: _Link | None = None
    organization: _Line | None = None


class MemberBody(Body):
    """A member's access."""

    access: Literal["read_only", "read_write"]


class StewardBody(Body):
    """Nothing is said of a steward."""


class UserBody(Body):
    """What is known of a user before their first sign-in."""

    display_name: _Line | None = None
    email: Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")] | None = None


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
    force = one_of_query(request, "force").get("force", "false")
    if force not in {"true", "false"}:
        raise InvalidRequest("force: neither true nor false.")
    revision = if_match(request)
    await gateway(request).members.remove_steward(who, name, user, force=force == "true", revision=revision)
    return Response(status_code=204)


async def put_user(request: Request) -> Response:
    """Make a user known before their first sign-in: 201."""
    who, user = await caller(request), user_in_path(request)
    body = await read(request, UserBody)
    return _user(await gateway(request).users.create(who, user, body.display_name, body.email))


def _tenant(view: TenantView, status: int = 200) -> JSON:
    tenant = view.tenant
    content = {
        "name": tenant.name,
        "display_name": tenant.display_name,
        "description": tenant.description,
        "website": tenant.website,
        "organization": tenant.organization,
        "members": [{"user": user, "access": str(access)} for user, access in sorted(view.members.items())],
        "stewards": [{"user": user, **named} for user, named in sorted(view.stewards.items())],
        "created_at": tenant.created_at,
        "created_by": tenant.created_by,
        "updated_at": tenant.updated_at,
        "updated_by": tenant.updated_by,
        "revision": tenant.revision,
    }
    return JSON(content, status, etag(tenant.revision))


def _user(user: User) -> JSON:
    content = {
        "name": user.name,
        "display_name": user.display_name,
        "email": user.email,
        "disabled": user.disabled,
        "first_seen": user.first_seen,
        "revision": user.revision,
    }
    return JSON(content, 201, etag(user.revision))


ROUTES: Final = [
    Route("/v1/tenants/{tenant}", get_tenant),
    Route("/v1/tenants/{tenant}", put_tenant, methods=["PUT"]),
    Route("/v1/tenants/{tenant}/members/{user}", put_member, methods=["PUT"]),
    Route("/v1/tenants/{tenant}/members/{user}", delete_member, methods=["DELETE"]),
    Route("/v1/tenants/{tenant}/stewards/{user}", put_steward, methods=["PUT"]),
    Route("/v1/tenants/{tenant}/stewards/{user}", delete_steward, methods=["DELETE"]),
    Route("/v1/users/{user}", put_user, methods=["PUT"]),
]
