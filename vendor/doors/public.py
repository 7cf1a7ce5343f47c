"""What anyone may read: the gateway's own issuer, how to sign in, and whether it is well."""

import asyncio
from collections.abc import Awaitable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vendor.doors.context import gateway
from vendor.doors.render import JSON
from vendor.errors import VendError
from vendor.identity.authenticator import Authenticator
from vendor.leases.lease import DEFAULT_STORE
from vendor.stores.probe.watch import Colour, Light

PROBE_SECONDS: Final = 3.0
_CACHED: Final = {"cache-control": "public, max-age=60"}


async def discovery(request: Request) -> Response:
    """OpenID Connect Discovery 1.0 of the gateway's own issuer.  Comes from memory alone: stores wait for it."""
    issuer = gateway(request).issuer
    return Response(status_code=404) if issuer is None else JSON(issuer.discovery(), headers=_CACHED)


async def jwks(request: Request) -> Response:
    """The public keys that stores check the gateway's tokens with."""
    issuer = gateway(request).issuer
    return Response(status_code=404) if issuer is None else JSON(issuer.jwks(), headers=_CACHED)


async def sign_in(request: Request) -> Response:
    """Where a client can sign its user in."""
    return JSON(gateway(request).sign_in, headers=_CACHED)


async def livez(_request: Request) -> Response:
    """The process serves."""
    return JSON({"status": "alive"})


async def readyz(request: Request) -> Response:
    """Each part that vending depends on: 200 when all of them answer, else 503.

    `degraded`, with 200, is a store that was found sound at the start and no longer is (see `stores.probe.watch`), or a
    store beside the default one that cannot be used: leases for the others go on.
    """
    parts = gateway(request)
    redis, identity, stores = await asyncio.gather(
        _well(parts.database.ping()),
        _identity(parts.authenticator),
        asyncio.gather(*(store.answers() for store in parts.stores.values())),
    )
    checks: dict[str, object] = {
        "redis": redis,
        "identity": identity,
        "stores": dict(zip(parts.stores, stores, strict=True)),
        "store_checks": {name: _shown(watch.light) for name, watch in parts.watches.items()},
    }
    colours = {name: watch.light.colour for name, watch in parts.watches.items()}
    usable = {
        name: answers and colours[name] is not Colour.RED for name, answers in zip(parts.stores, stores, strict=True)
    }
    ready = redis and usable[DEFAULT_STORE] and all(identity.values())
    sound = all(usable.values()) and Colour.AMBER not in colours.values()
    status = ("ready" if sound else "degraded") if ready else "not_ready"
    return JSON({"status": status, "checks": checks}, 200 if ready else 503)


def _shown(light: Light) -> dict[str, str]:
    return {"state": light.colour.value, **({"reason": light.reason} if light.reason else {})}


async def _well(check: Awaitable[None]) -> bool:
    try:
        await asyncio.wait_for(check, PROBE_SECONDS)
    except (VendError, TimeoutError):
        return False
    return True


async def _identity(authenticator: Authenticator) -> dict[str, bool]:
    try:
        return dict(await asyncio.wait_for(authenticator.ready(), PROBE_SECONDS))
    except TimeoutError:
        return {"answers": False}


ROUTES: Final = [
    Route("/.well-known/openid-configuration", discovery),
    Route("/.well-known/jwks.json", jwks),
    Route("/v1/sign-in", sign_in),
    Route("/livez", livez),
    Route("/readyz", readyz),
]
