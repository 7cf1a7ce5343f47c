"""`POST /oauth/token` and `POST /oauth/revoke`: from an identity token to a lease token, and back.

A lease token outlives the identity token that it was got for, and opens nothing but the keys of its lease: it is what a
hub, or a job of many hours, holds.  Clients are not told apart, so none authenticates itself: the tokens do that.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from vendor.doors import parameters, shapes
from vendor.doors.container import MAKING
from vendor.doors.context import gateway, origin
from vendor.doors.oauth.form import FORM, InvalidScope, InvalidTarget, UnsupportedGrantType, UnsupportedTokenType
from vendor.doors.operation import Example, Operation, Reply, Token
from vendor.doors.parameters import Parameters
from vendor.doors.render import JSON
from vendor.errors import (
    AuditUnavailable,
    InvalidPath,
    InvalidRequest,
    InvalidToken,
    LeaseEnded,
    RoleRequired,
    StateUnavailable,
    StoreRefused,
    UnknownLease,
)
from vendor.identity.acting import on_behalf
from vendor.identity.bearer import checked_token
from vendor.identity.principal import Principal
from vendor.leases.lease import Issued, LeaseAsk
from vendor.leases.token import is_lease_token
from vendor.names import S3Path, parse_s3_path
from vendor.policy.grant import Ask, Level
from vendor.secret import RawToken
from vendor.stewardship.caller import Caller

TOKEN, REVOKE = "/oauth/token", "/oauth/revoke"
METADATA: Final = "/.well-known/oauth-authorization-server"
DOOR: Final = "oauth"
GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_TYPE: Final = "urn:ietf:params:oauth:token-type:"
ACCESS_TOKEN: Final = f"{_TYPE}access_token"
_IDENTITY_TYPES: Final = frozenset({ACCESS_TOKEN, f"{_TYPE}id_token", f"{_TYPE}jwt"})
_JWT_TYPES: Final = _IDENTITY_TYPES - {ACCESS_TOKEN}
_MOST_RESOURCES: Final = 200
_USUAL_SECONDS: Final = 86_400
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_REPEATABLE: Final = ("resource", "audience")


class TokenAnswer(TypedDict):
    """A lease token (RFC 8693, section 2.2.1)."""

    access_token: str
    issued_token_type: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str
    lease_id: str


class RevokeAnswer(TypedDict, total=False):
    """What ending the lease came to; nothing of it for a token that opened nothing."""

    revoked: bool
    effective: Literal["now", "at_expiry"]
    at_latest: shapes.Time
    how: str


class Metadata(TypedDict):
    """Authorization server metadata (RFC 8414)."""

    issuer: str
    token_endpoint: str
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str]
    grant_types_supported: list[str]
    response_types_supported: list[str]
    scopes_supported: list[str]


async def token(request: Request) -> Response:
    """Exchange an identity token for a lease token (RFC 8693)."""
    sent = await parameters.read(request, query=False, repeatable=_REPEATABLE)
    if sent.required("grant_type") != GRANT:
        raise UnsupportedGrantType("grant_type: token exchange is the only one here.")
    if sent.get("requested_token_type") not in {None, ACCESS_TOKEN}:
        raise InvalidRequest("requested_token_type: an access token is the only one given here.")
    _check_audience(sent, request)
    ask = _ask(sent, gateway(request).vending.renewable_most)
    async with gateway(request).lanes.place(RawToken(sent.required("subject_token"))):
        issued = await gateway(request).vending.vend(await _caller(request, sent), ask)
    return JSON(_answer(issued, gateway(request).vending.making.clock()), headers={"pragma": "no-cache"})


async def revoke(request: Request) -> Response:
    """End the lease of a lease token (RFC 7009); a token that opens nothing is as good as revoked."""
    sent = await parameters.read(request, query=False)
    found = checked_token(sent.required("token"))
    if not is_lease_token(found):
        raise UnsupportedTokenType("token: lease tokens are revoked here; others by whoever issued them.")
    parts = gateway(request)
    try:
        kept = await parts.renewing.open(found)
    except (InvalidToken, LeaseEnded):
        return JSON({})
    ended = await parts.ending.end_kept(Caller(kept.holder, origin(request, DOOR)), kept)
    return JSON(ended.answer())


async def metadata(request: Request) -> Response:
    """Authorization server metadata (RFC 8414)."""
    issuer = gateway(request).public_url
    answer: Metadata = {
        "issuer": issuer,
        "token_endpoint": f"{issuer}{TOKEN}",
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint": f"{issuer}{REVOKE}",
        "revocation_endpoint_auth_methods_supported": ["none"],
        "grant_types_supported": [GRANT],
        "response_types_supported": [],
        "scopes_supported": [str(level) for level in Level],
    }
    return JSON(answer, headers={"cache-control": "public, max-age=60"})


async def _caller(request: Request, sent: Parameters) -> Caller:
    """Authenticate the subject, and the actor if one is named.  Raises as `_principal` does."""
    subject = await _principal(request, sent, "subject")
    if sent.get("actor_token") is not None:
        actor = await _principal(request, sent, "actor")
        subject = on_behalf(subject, actor)
        await _require_enabled(request, actor)
    elif sent.get("actor_token_type") is not None:
        raise InvalidRequest("actor_token_type: there is no actor_token.")
    return Caller(subject, origin(request, DOOR))


async def _require_enabled(request: Request, actor: Principal) -> None:
    """Raise RoleRequired for an actor whose account is disabled, and StateUnavailable.

    It becomes known here, so that there is an account to disable, or to delete.  The subject's is looked at where the
    lease is made.
    """
    user = (await gateway(request).users.standing(Caller(actor, origin(request, DOOR)))).user
    if user is not None and user.disabled:
        raise RoleRequired("The actor's account is disabled.", remedy="Ask an administrator to enable it again.")


async def _principal(request: Request, sent: Parameters, whose: str) -> Principal:
    """Authenticate the subject or the actor.  Raises InvalidRequest and what `Authenticator.authenticate` raises."""
    kind = sent.required(f"{whose}_token_type")
    if kind not in _IDENTITY_TYPES:
        raise InvalidRequest(f"{whose}_token_type: access tokens, ID tokens and JWTs are taken.")
    shown = checked_token(sent.required(f"{whose}_token"))
    if is_lease_token(shown):
        raise InvalidToken(f"{whose}_token: a lease token is no proof of identity.")
    if kind in _JWT_TYPES and "." not in shown.reveal():
        raise InvalidToken(f"{whose}_token: this is no JWT.")
    return await gateway(request).authenticator.authenticate(shown)


def _check_audience(sent: Parameters, request: Request) -> None:
    """Lease tokens are for this gateway; whoever names an audience has to mean it."""
    ours = {"vendor", gateway(request).public_url}
    if any(audience not in ours for audience in sent.all("audience")):
        raise InvalidTarget("audience: lease tokens are for this gateway only.")


def _ask(sent: Parameters, renewable_most: int) -> LeaseAsk:
    level = _level(sent)
    resources = sent.all("resource")
    if len(resources) > _MOST_RESOURCES:
        raise InvalidTarget(f"resource: more than {_MOST_RESOURCES}.")
    scope = None
    if resources:
        scope = tuple(Ask(_path(resource), level or Level.READ) for resource in resources)
    return LeaseAsk(
        scope=scope,
        duration=_seconds(sent, "duration"),
        renewable_for=_seconds(sent, "renewable_for") or min(_USUAL_SECONDS, renewable_most),
        at_most=level if scope is None else None,
    )


def _level(sent: Parameters) -> Level | None:
    """Return what the scope asks for, None without one."""
    text = sent.get("scope")
    if text is None:
        return None
    named = text.split(" ")
    if not set(named) <= {str(level) for level in Level}:
        raise InvalidScope("scope: read and write are known here.")
    return Level.WRITE if Level.WRITE in named else Level.READ


def _path(resource: str) -> S3Path:
    try:
        return parse_s3_path(resource)
    except InvalidPath as refusal:
        raise InvalidTarget(f"resource: {refusal.message}") from None


def _seconds(sent: Parameters, name: str) -> int | None:
    text = sent.get(name)
    if text is None:
        return None
    if not _SECONDS.fullmatch(text) or int(text) == 0:
        raise InvalidRequest(f"{name}: not a number of seconds.")
    return int(text)


def _answer(issued: Issued, now: float) -> TokenAnswer:
    lease = issued.lease
    if issued.token is None or lease.renewable_until is None:
        raise StoreRefused("The lease came without a token.")
    levels = {granted.ask.level for granted in lease.scope}
    return {
        "access_token": issued.token.reveal(),
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": int(lease.renewable_until - now),
        "scope": " ".join(str(level) for level in Level if level in levels or Level.WRITE in levels),
        "lease_id": lease.id,
    }


class TokenParameters(BaseModel):
    """A token exchange.  `resource` and `audience` may come several times."""

    grant_type: Literal["urn:ietf:params:oauth:grant-type:token-exchange"]
    subject_token: str
    subject_token_type: str = Field(description="`urn:ietf:params:oauth:token-type:…`: access_token, id_token, jwt.")
    actor_token: str | None = Field(None, description="Of whoever acts for the subject, if a trust rule lets them.")
    actor_token_type: str | None = None
    requested_token_type: str | None = None
    resource: list[str] | None = Field(None, description="s3://bucket/folder/")
    audience: list[str] | None = None
    scope: str | None = Field(None, description="read, write, or both. Default with a resource: read.")
    duration: str | None = Field(None, description="Seconds that each set of keys lasts.")
    renewable_for: str | None = Field(None, description="Seconds that the lease token lasts. Default: a day.")


class RevokeParameters(BaseModel):
    """A revocation."""

    token: str
    token_type_hint: str | None = None


_EXCHANGING: Final = (
    *Token.IDENTITY.refuses,
    *MAKING,
    UnsupportedGrantType,
    InvalidScope,
    InvalidTarget,
    InvalidRequest,
)
_EXCHANGE: Final = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token": "$TOKEN",
    "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "resource": ["s3://cdm-lake/tenant-general-warehouse/kbase/"],
    "scope": "read",
}
OPERATIONS: Final[Sequence[Operation]] = [
    Operation(
        "exchangeToken",
        "POST",
        TOKEN,
        token,
        {200: Reply(TokenAnswer)},
        token=Token.NONE,
        body=TokenParameters,
        body_media=parameters.FORM,
        refuses=_EXCHANGING,
        form=FORM,
        example=Example(body=_EXCHANGE),
        door=DOOR,
    ),
    Operation(
        "revokeToken",
        "POST",
        REVOKE,
        revoke,
        {200: Reply(RevokeAnswer)},
        token=Token.NONE,
        body=RevokeParameters,
        body_media=parameters.FORM,
        refuses=(UnsupportedTokenType, UnknownLease, StateUnavailable, AuditUnavailable),
        form=FORM,
        example=Example(body={"token": "$LEASE_TOKEN"}),
        door=DOOR,
    ),
    Operation(
        "getAuthorizationServerMetadata",
        "GET",
        METADATA,
        metadata,
        {200: Reply(Metadata)},
        token=Token.NONE,
        example=Example(),
        door=DOOR,
    ),
]
