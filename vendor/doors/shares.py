"""`/v1/shares`: let somebody else reach a path of yours."""

import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal

from annotated_types import MaxLen
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from vendor.doors import shapes
from vendor.doors.body import Body, read, read_query
from vendor.doors.context import caller, gateway
from vendor.doors.operation import Example, Link, Operation, Reply
from vendor.doors.parse import SHARE_ID, Page, cursor, etag, if_match, share_in_path
from vendor.doors.render import JSON
from vendor.errors import (
    Conflict,
    InvalidName,
    InvalidPath,
    InvalidRequest,
    NotOwner,
    NotSteward,
    ScopeNotGranted,
    TooManyRequests,
    UnknownTenant,
    UnknownUser,
)
from vendor.governance.records import Share, Target, TargetKind
from vendor.names import parse_s3_path, parse_tenant_name, parse_user_name
from vendor.policy.grant import Level
from vendor.stewardship.caller import Caller
from vendor.stewardship.shares import Offer
from vendor.times import parse_rfc3339, rfc3339

_Names = Annotated[list[str], MaxLen(100)]
_PLACE: Final = re.compile(r"[a-z0-9-]{3,63}/[^\t\n]{1,1025}\ts_[a-z2-7]{20}")


class With(Body):
    """Whom a path is shared with."""

    users: _Names = Field(default_factory=list)
    tenants: _Names = Field(default_factory=list)
    everyone: bool = False

    def targets(self) -> tuple[Target, ...]:
        """Return the targets.  Raises InvalidName, and InvalidRequest if there are none."""
        users = [Target(TargetKind.USER, parse_user_name(name)) for name in self.users]
        tenants = [Target(TargetKind.TENANT, parse_tenant_name(name)) for name in self.tenants]
        everyone = [Target(TargetKind.EVERYONE)] if self.everyone else []
        if not users + tenants + everyone:
            raise InvalidRequest("with: names nobody.")
        return (*users, *tenants, *everyone)


class ShareBody(Body):
    """The body of `POST /v1/shares`."""

    path: shapes.AskedPath
    with_: Annotated[With, Field(alias="with")]
    access: Literal["read", "write"]
    expires_at: Annotated[str, Field(max_length=40)] | None = None

    def offer(self) -> Offer:
        """Return what is offered.  Raises InvalidPath, InvalidName, InvalidRequest."""
        expires_at = None
        if self.expires_at is not None:
            try:
                expires_at = parse_rfc3339(self.expires_at)
            except ValueError:
                raise InvalidRequest("expires_at: not an RFC 3339 time with an offset.") from None
        return Offer(parse_s3_path(self.path), self.with_.targets(), Level(self.access), expires_at)


_Target = Annotated[str, Field(max_length=80, description="me, user:<name> or tenant:<name>.")]


class SharesQuery(Page):
    """Which shares: of one's own paths, or one of these."""

    tenant: Annotated[str, Field(max_length=64, description="Of this tenant's paths.")] | None = None
    owner: _Target | None = None
    path: shapes.AskedPath | None = None
    with_: _Target | None = Field(None, alias="with", description="Also everyone.")


class WithShown(TypedDict):
    """Whom a path is shared with: one of the three."""

    users: list[str]
    tenants: list[str]
    everyone: bool


ShareShown = TypedDict(
    "ShareShown",
    {
        "id": Annotated[str, Field(pattern="^s_[a-z2-7]{20}$")],
        "path": shapes.Path,
        "with": WithShown,
        "access": shapes.Level,
        "expires_at": shapes.Time | None,
        "created_by": str,
        "created_at": shapes.Time,
        "revision": shapes.Revision,
    },
)


class CreatedShares(TypedDict):
    """One share for each target."""

    shares: list[ShareShown]


class SharePage(CreatedShares):
    """A page of shares."""

    cursor: shapes.NextCursor


async def create(request: Request) -> Response:
    """Share a path: 201 with one share per target."""
    who = await caller(request)
    offer = (await read(request, ShareBody)).offer()
    await gateway(request).vending.limits.sharing(who, len(offer.targets))
    shares = await gateway(request).shares.create(who, offer, revision=if_match(request))
    answer: CreatedShares = {"shares": [_share(share) for share in shares]}
    return JSON(answer, 201)


async def listed(request: Request) -> Response:
    """List shares: of the caller's home, of another owner's paths (`owner`), of a path, or with a target (`with`)."""
    who = await caller(request)
    query = read_query(request, SharesQuery)
    if sum(one is not None for one in (query.tenant, query.owner, query.path, query.with_)) > 1:
        raise InvalidRequest("tenant, owner, path and with exclude each other.")
    reach = gateway(request).reach
    if query.with_ is not None:
        found = await reach.received(who, _target(who, query.with_, "with"), query.after(SHARE_ID), query.limit)
    elif query.path is not None:
        found = await reach.at(who, parse_s3_path(query.path), query.after(_PLACE), query.limit)
    else:
        owner = f"tenant:{query.tenant}" if query.tenant is not None else query.owner
        target = _target(who, owner, "owner") if owner else None
        found = await reach.given(who, target, query.after(_PLACE), query.limit)
    answer: SharePage = {"shares": [_share(share) for share in found.shares], "cursor": cursor(found.following)}
    return JSON(answer, headers=etag(found.revision))


async def one(request: Request) -> Response:
    """Show a share to its owner and to those it is with."""
    who = await caller(request)
    share = await gateway(request).reach.one(who, share_in_path(request))
    return JSON(_share(share), headers=etag(share.revision))


async def remove(request: Request) -> Response:
    """Take a share back: 204."""
    who = await caller(request)
    await gateway(request).shares.remove(who, share_in_path(request), revision=if_match(request))
    return Response(status_code=204)


def _target(who: Caller, text: str, member: str) -> Target:
    """Parse `me`, `everyone`, `user:<name>` or `tenant:<name>`.  Raises InvalidName, InvalidRequest."""
    kind, colon, name = text.partition(":")
    if text == "me":
        return Target(TargetKind.USER, who.name)
    if text == "everyone" and member == "with":
        return Target(TargetKind.EVERYONE)
    if kind == "user" and colon:
        return Target(TargetKind.USER, parse_user_name(name))
    if kind == "tenant" and colon:
        return Target(TargetKind.TENANT, parse_tenant_name(name))
    raise InvalidRequest(f"{member}: neither me, user:<name> nor tenant:<name>.")


def _share(share: Share) -> ShareShown:
    return {
        "id": share.id,
        "path": share.path.text,
        "with": {
            "users": [share.target.name] if share.target.kind is TargetKind.USER else [],
            "tenants": [share.target.name] if share.target.kind is TargetKind.TENANT else [],
            "everyone": share.target.kind is TargetKind.EVERYONE,
        },
        "access": share.level.value,
        "expires_at": None if share.expires_at is None else rfc3339(share.expires_at),
        "created_by": share.created_by,
        "created_at": share.created_at,
        "revision": share.revision,
    }


_OWNING: Final = (InvalidPath, InvalidName, NotOwner, NotSteward, ScopeNotGranted, UnknownTenant, UnknownUser)
_OFFER: Final = {
    "path": "s3a://cdm-lake/users-general-warehouse/alice/for-bob/",
    "with": {"users": ["bob"]},
    "access": "read",
    "expires_at": "2199-01-01T00:00:00Z",
}
_LINKS: Final = (Link("getShare", {"share": "/shares/0/id"}), Link("deleteShare", {"share": "/shares/0/id"}))
OPERATIONS: Final[Sequence[Operation]] = [
    Operation(
        "createShares",
        "POST",
        "/v1/shares",
        create,
        {201: Reply(CreatedShares, links=_LINKS)},
        body=ShareBody,
        if_match=True,
        refuses=(*_OWNING, Conflict, TooManyRequests),
        example=Example(body=_OFFER),
    ),
    Operation(
        "listShares",
        "GET",
        "/v1/shares",
        listed,
        {200: Reply(SharePage, headers=("ETag",))},
        query=SharesQuery,
        refuses=_OWNING,
        example=Example(query={"with": "me"}),
    ),
    Operation("getShare", "GET", "/v1/shares/{share}", one, {200: Reply(ShareShown, headers=("ETag",))}),
    Operation(
        "deleteShare",
        "DELETE",
        "/v1/shares/{share}",
        remove,
        {204: Reply()},
        if_match=True,
        refuses=(NotOwner, NotSteward, ScopeNotGranted, Conflict),
    ),
]
