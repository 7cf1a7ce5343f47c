"""`/v1/shares`: let somebody else reach a path of yours."""

import re
from typing import Annotated, Final, Literal

from annotated_types import MaxLen
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vendor.doors.body import Body, read
from vendor.doors.context import caller, gateway
from vendor.doors.parse import cursor, etag, if_match, one_of_query, page
from vendor.doors.render import JSON
from vendor.errors import InvalidRequest, UnknownShare
from vendor.governance.records import Share, Target, TargetKind
from vendor.names import parse_s3_path, parse_tenant_name, parse_user_name
from vendor.policy.grant import Level
from vendor.stewardship.caller import Caller
from vendor.stewardship.shares import Offer
from vendor.times import parse_rfc3339, rfc3339

_Names = Annotated[list[str], MaxLen(100)]
_SHARE_ID: Final = re.compile(r"s_[a-z2-7]{20}", re.ASCII)
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

    path: Annotated[str, Field(max_length=2048)]
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


async def create(request: Request) -> Response:
    """Share a path: 201 with one share per target."""
    who = await caller(request)
    offer = (await read(request, ShareBody)).offer()
    shares = await gateway(request).shares.create(who, offer, revision=if_match(request))
    return JSON({"shares": [_share(share) for share in shares]}, 201)


async def listed(request: Request) -> Response:
    """List shares: of the caller's home, of another owner's paths (`owner`), of a path, or with a target (`with`)."""
    who = await caller(request)
    query = one_of_query(request, "tenant", "owner", "path", "with", "limit", "cursor")
    if len(query.keys() & {"tenant", "owner", "path", "with"}) > 1:
        raise InvalidRequest("tenant, owner, path and with exclude each other.")
    reach = gateway(request).reach
    if "with" in query:
        after, limit = page(query, _SHARE_ID)
        found = await reach.received(who, _target(who, query["with"], "with"), after, limit)
    elif "path" in query:
        after, limit = page(query, _PLACE)
        found = await reach.at(who, parse_s3_path(query["path"]), after, limit)
    else:
        after, limit = page(query, _PLACE)
        owner = f"tenant:{query['tenant']}" if "tenant" in query else query.get("owner")
        found = await reach.given(who, _target(who, owner, "owner") if owner else None, after, limit)
    answer = {"shares": [_share(share) for share in found.shares], "cursor": cursor(found.following)}
    return JSON(answer, headers=etag(found.revision))


async def one(request: Request) -> Response:
    """Show a share to its owner and to those it is with."""
    who = await caller(request)
    share = await gateway(request).reach.one(who, _id_in_path(request))
    return JSON(_share(share), headers=etag(share.revision))


async def remove(request: Request) -> Response:
    """Take a share back: 204."""
    who = await caller(request)
    await gateway(request).shares.remove(who, _id_in_path(request), revision=if_match(request))
    return Response(status_code=204)


def _id_in_path(request: Request) -> str:
    share_id = str(request.path_params["share"])
    if not _SHARE_ID.fullmatch(share_id):
        raise UnknownShare("There is no such share.")
    return share_id


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


def _share(share: Share) -> dict[str, object]:
    return {
        "id": share.id,
        "path": share.path.text,
        "with": {
            "users": [share.target.name] if share.target.kind is TargetKind.USER else [],
            "tenants": [share.target.name] if share.target.kind is TargetKind.TENANT else [],
            "everyone": share.target.kind is TargetKind.EVERYONE,
        },
        "access": str(share.level),
        "expires_at": None if share.expires_at is None else rfc3339(share.expires_at),
        "created_by": share.created_by,
        "created_at": share.created_at,
        "revision": share.revision,
    }


ROUTES: Final = [
    Route("/v1/shares", create, methods=["POST"]),
    Route("/v1/shares", listed),
    Route("/v1/shares/{share}", one),
    Route("/v1/shares/{share}", remove, methods=["DELETE"]),
]
