"""What anyone may read: the gateway's own issuer, how to sign in, and whether it is well."""

from collections.abc import Sequence
from typing import Final, Literal, NotRequired, cast

from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from vendor.doors import shapes
from vendor.doors.context import gateway
from vendor.doors.operation import Example, Operation, Reply, Token
from vendor.doors.render import JSON
from vendor.leases.ceilings.ceilings import Ceilings
from vendor.leases.ceilings.claims import REMEDY
from vendor.leases.lease import DEFAULT_STORE
from vendor.stores.probe.watch import Colour, Light

_CACHED: Final = {"cache-control": "public, max-age=60"}


class Discovery(TypedDict):
    """OpenID Connect Discovery 1.0, as much of it as an issuer without a sign-in has."""

    issuer: shapes.Url
    jwks_uri: shapes.Url
    response_types_supported: list[str]
    subject_types_supported: list[str]
    id_token_signing_alg_values_supported: list[str]


class KeySet(TypedDict):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, object]]


class SignInHint(TypedDict):
    """Where one identity provider signs people in, and which of its tokens to send."""

    issuer: shapes.Url
    client_id: str
    scopes: list[str]
    token: Literal["id_token", "access_token"] | None


class SignIn(TypedDict):
    """How people can sign in here."""

    issuers: list[SignInHint]
    kbase: bool


class Alive(TypedDict):
    """Always the same."""

    status: Literal["alive"]


class StoreLight(TypedDict):
    """What trying a store has shown."""

    state: Literal["green", "amber", "red"]
    reason: NotRequired[str]


class Checks(TypedDict):
    """Which parts answer."""

    redis: bool
    identity: dict[str, bool]
    stores: dict[str, bool]
    store_checks: dict[str, StoreLight]


class Readiness(TypedDict):
    """Whether leases can be given, and what stands in the way."""

    status: Literal["ready", "degraded", "not_ready"]
    checks: Checks


async def discovery(request: Request) -> Response:
    """OpenID Connect Discovery 1.0 of the gateway's own issuer.  Comes from memory alone: stores wait for it."""
    issuer = gateway(request).issuer
    if issuer is None:
        return Response(status_code=404)
    return JSON(cast("Discovery", issuer.discovery()), headers=_CACHED)


async def jwks(request: Request) -> Response:
    """The public keys that stores check the gateway's tokens with."""
    issuer = gateway(request).issuer
    return Response(status_code=404) if issuer is None else JSON(cast("KeySet", issuer.jwks()), headers=_CACHED)


async def sign_in(request: Request) -> Response:
    """Where a client can sign its user in."""
    return JSON(cast("SignIn", gateway(request).sign_in), headers=_CACHED)


async def livez(_request: Request) -> Response:
    """The process serves."""
    alive: Alive = {"status": "alive"}
    return JSON(alive)


async def readyz(request: Request) -> Response:
    """Each part that vending depends on: 200 when all of them answer, else 503.

    `degraded`, with 200, is a store that was found sound at the start and no longer is (see `stores.probe.watch`), or a
    store beside the default one that cannot be used: leases for the others go on.  A store in which another gateway's
    state has claimed our prefix cannot be used.  The parts are asked at most once a second, however many ask here.
    """
    parts = gateway(request)
    found = await parts.wellness.get()
    lights = {name: _light(parts.background.ceilings, name, watch.light) for name, watch in parts.watches.items()}
    checks: Checks = {
        "redis": found.redis,
        "identity": found.identity,
        "stores": found.stores,
        "store_checks": {name: _shown(light) for name, light in lights.items()},
    }
    colours = {name: light.colour for name, light in lights.items()}
    usable = {name: answers and colours[name] is not Colour.RED for name, answers in found.stores.items()}
    ready = found.redis and usable[DEFAULT_STORE] and all(found.identity.values())
    sound = all(usable.values()) and Colour.AMBER not in colours.values()
    answer: Readiness = {"status": _status(ready=ready, degraded=not sound), "checks": checks}
    return JSON(answer, 200 if ready else 503)


def _status(*, ready: bool, degraded: bool) -> Literal["ready", "degraded", "not_ready"]:
    if not ready:
        return "not_ready"
    return "degraded" if degraded else "ready"


def _light(ceilings: Ceilings | None, store: str, light: Light) -> Light:
    """Return the light of a store; red where another gateway's documents are in our place."""
    problem = "" if ceilings is None else ceilings.problem(store)
    return Light(Colour.RED, f"{problem} {REMEDY}") if problem else light


def _shown(light: Light) -> StoreLight:
    shown: StoreLight = {"state": light.colour.value}
    if light.reason:
        shown["reason"] = light.reason
    return shown


_NO_ISSUER: Final = Reply(what="This gateway signs no tokens of its own.")
_OPEN: Final = Token.NONE
OPERATIONS: Final[Sequence[Operation]] = [
    Operation(
        "getDiscovery",
        "GET",
        "/.well-known/openid-configuration",
        discovery,
        {200: Reply(Discovery), 404: _NO_ISSUER},
        token=_OPEN,
        example=Example(),
    ),
    Operation(
        "getKeys",
        "GET",
        "/.well-known/jwks.json",
        jwks,
        {200: Reply(KeySet), 404: _NO_ISSUER},
        token=_OPEN,
        example=Example(),
    ),
    Operation("getSignIn", "GET", "/v1/sign-in", sign_in, {200: Reply(SignIn)}, token=_OPEN, example=Example()),
    Operation("getLiveness", "GET", "/livez", livez, {200: Reply(Alive)}, token=_OPEN, example=Example()),
    Operation(
        "getReadiness",
        "GET",
        "/readyz",
        readyz,
        {200: Reply(Readiness), 503: Reply(Readiness, "Something that leases need is away.")},
        token=_OPEN,
        example=Example(),
    ),
]
