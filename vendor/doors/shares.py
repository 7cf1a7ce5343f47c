"""`/v1/shares`: let somebody else reach a path of yours."""

from typing import Annotated, Final, Literal

from annotated_types import MaxLen
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vendor.doors.body import Body, read
from vendor.doors.context import caller, gateway
from vendor.doors.parse import one_of_query, page
from vendor.doors.render import JSON
from vendor.errors import InvalidRequest, UnknownShare
from vendor.governance.records import Share, Target, TargetKind
from vendor.names import parse_s3_path, parse_tenant_name, parse_user_name
from vendor.policy.grant import Level
from vendor.stewardship.shares import Offer
from vendor.times import parse_rfc3339, rfc3339

_Names = Annotated[list[str], MaxLen(100)]


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
    shares = await gateway(request).shares.create(who, offer)
    return JSON({"shares": [_share(share) for share in shares]}, 201)


async def given(request: Request) -> Response:
    """List the shares of the caller's own paths, or with `?tenant=` of a tenant's."""
    who = await caller(request)
    query = one_of_query(request, "tenant", "limit", "cursor")
    after, limit = page(query)
    owner = Target(TargetKind.TENANT, parse_tenant_name(query["tenant"])) if "tenant" in query else None
    shares = await gateway(request).shares.given(who, owner, after, limit)
    following = shares[-1].id if len(shares) == limit else None
    return JSON({"shares": [_share(share) for share in shares], "cursor": following})


async def remove(request: Request) -> Response:
    """Take a share back: 204."""
    who = await caller(request)
    share_id = str(request.path_params["share"])
    if not share_id.isascii() or not share_id.replace("_", "").isalnum() or len(share_id) > 64:
        raise UnknownShare("There is no such share.")
    await gateway(request).shares.remove(who, share_id)
    return Response(status_code=204)


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
    }


ROUTES: Final = [
    Route("/v1/shares", create, methods=["POST"]),
    Route("/v1/shares", given),
    Route("/v1/shares/{share}", remove, methods=["DELETE"]),
]
