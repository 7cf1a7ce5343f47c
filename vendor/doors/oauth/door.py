"""`POST /oauth/token` and `POST /oauth/revoke`: from an identity token to a lease token, and back.

A lease token outlives the identity token that it was got for, and opens nothing but the keys of its lease: it is what a
hub, or a job of many hours, holds.  Clients are not told apart, so none authenticates itself: the tokens do that.
"""

from collections.abc import Sequence
from typing import Final, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from vendor.doors import parameters, shapes
from vendor.doors.context import gateway, origin
from vendor.doors.making import MAKING_OR_RENEWING
from vendor.doors.oauth.asking import check_audience, parse_ask
from vendor.doors.oauth.callers import ACCESS_TOKEN, DOOR, authenticated
from vendor.doors.oauth.form import FORM, InvalidScope, InvalidTarget, UnsupportedGrantType, UnsupportedTokenType
from vendor.doors.operation import Example, Operation, Reply, Token
from vendor.doors.render import JSON
from vendor.errors import (
    AuditUnavailable,
    InvalidRequest,
    InvalidToken,
    LeaseEnded,
    StateUnavailable,
    StoreRefused,
    UnknownLease,
)
from vendor.identity.bearer import checked_token
from vendor.leases.lease import Issued
from vendor.leases.token import is_lease_token
from vendor.policy.grant import Level
from vendor.secret import RawToken
from vendor.stewardship.caller import Caller

TOKEN, REVOKE = "/oauth/token", "/oauth/revoke"
METADATA: Final = "/.well-known/oauth-authorization-server"
GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
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
    check_audience(sent, request)
    ask = parse_ask(sent, gateway(request).vending.renewable_most)
    async with gateway(request).lanes.place(RawToken(sent.required("subject_token"))):
        issued = await gateway(request).vending.vend(await authenticated(request, sent), ask)
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
    *MAKING_OR_RENEWING,
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
