"""`/v1/whoami` and `/v1/layout`: what the gateway makes of the caller, and where things are."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vendor.doors.context import caller, gateway
from vendor.doors.render import JSON
from vendor.times import rfc3339


async def whoami(request: Request) -> Response:
    """Say who the token stands for, and what that principal belongs to."""
    who = await caller(request)
    standing = await gateway(request).users.standing(who)
    me = who.principal
    return JSON(
        {
            "principal": me.name,
            "kind": str(me.kind),
            "issuer": me.issuer,
            "subject": me.subject,
            "roles": sorted(me.roles),
            "groups": sorted(me.groups),
            "admin": me.admin,
            "disabled": standing.user is not None and standing.user.disabled,
            "tenants": {tenant: str(access) for tenant, access in sorted(standing.tenants.items())},
            "token_expires_at": rfc3339(me.expires_at),
        }
    )


async def layout(request: Request) -> Response:
    """Show the bucket and the prefix templates in force."""
    await caller(request)
    return JSON(gateway(request).layout.describe())


ROUTES: Final = [Route("/v1/whoami", whoami), Route("/v1/layout", layout)]
