"""`/v1/access`, `/v1/explain`, `/v1/who-can`: what is granted, why, and to whom."""

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from vendor.doors import shapes
from vendor.doors.body import Body, read, read_query
from vendor.doors.context import caller, gateway
from vendor.doors.operation import Example, Operation, Reply
from vendor.doors.parse import Query
from vendor.doors.render import JSON
from vendor.errors import InvalidName, InvalidPath, NotOwner, NotSteward, UnknownTenant, UnknownUser
from vendor.leases.insight import Holder
from vendor.names import parse_s3_path, parse_user_name
from vendor.policy.grant import Grant, Level
from vendor.times import rfc3339


class ExplainBody(Body):
    """The body of `POST /v1/explain`.  `action` is read, write, list or the name of an S3 action."""

    path: shapes.AskedPath
    action: Annotated[str, Field(max_length=64)]
    as_: Annotated[str, Field(max_length=64)] | None = Field(None, alias="as")


class WhoCanQuery(Query):
    """The path that somebody reaches."""

    path: shapes.AskedPath
    access: shapes.Level = "read"


class GrantShown(shapes.GrantedShown):
    """Something that is granted."""

    expires_at: shapes.Time | None


class WeighedGrant(GrantShown):
    """Something that is granted, and what it adds to a policy."""

    bytes: Annotated[int, Field(ge=0)]


class Weight(TypedDict):
    """What one lease with everything would weigh, and whether a policy can carry it."""

    bytes: Annotated[int, Field(ge=0)]
    limit: Annotated[int, Field(ge=0)]
    fits: bool


class AccessShown(TypedDict):
    """Everything that is granted to the caller."""

    grants: list[WeighedGrant]
    policy: Weight


class Explained(TypedDict):
    """Whether something is allowed: because of which grants, or else which come closest, and what would help."""

    allowed: bool
    because: list[GrantShown]
    nearest: list[GrantShown]
    remedy: str


class HolderShown(TypedDict):
    """Somebody who reaches a path: the whole of it, or only what lies under `path`."""

    holder: Annotated[str, Field(examples=["user:bob"])]
    source: shapes.Source
    access: shapes.Level
    path: shapes.Path
    whole: bool
    expires_at: shapes.Time | None
    live_leases: Annotated[int | None, Field(ge=0)]


class Holders(TypedDict):
    """Who reaches a path."""

    path: shapes.Path
    access: shapes.Level
    holders: list[HolderShown]


async def access(request: Request) -> Response:
    """Show every grant with its source, level, end and weight, and what one full lease would weigh."""
    who = await caller(request)
    overview = await gateway(request).insight.overview(who)
    answer: AccessShown = {
        "grants": [{**_grant(weighed.grant), "bytes": weighed.bytes} for weighed in overview.grants],
        "policy": {"bytes": overview.bytes, "limit": overview.limit, "fits": overview.bytes <= overview.limit},
    }
    return JSON(answer)


async def explain(request: Request) -> Response:
    """Say whether an action on a path is allowed, because of what, and if not, what would help."""
    who = await caller(request)
    body = await read(request, ExplainBody)
    other = None if body.as_ is None else parse_user_name(body.as_)
    found = await gateway(request).insight.explain(who, parse_s3_path(body.path), body.action, other)
    answer: Explained = {
        "allowed": found.allowed,
        "because": [_grant(grant) for grant in found.because],
        "nearest": [_grant(grant) for grant in found.nearest],
        "remedy": found.remedy,
    }
    return JSON(answer)


async def who_can(request: Request) -> Response:
    """Say who reaches `?path=` at `?access=` (default read), and through what."""
    who = await caller(request)
    query = read_query(request, WhoCanQuery)
    path = parse_s3_path(query.path)
    holders = await gateway(request).insight.who_can(who, path, Level(query.access))
    answer: Holders = {"path": path.text, "access": query.access, "holders": [_holder(holder) for holder in holders]}
    return JSON(answer)


def _grant(grant: Grant) -> GrantShown:
    return {
        "path": f"s3://{grant.bucket}/{grant.prefix}",
        "access": grant.level.value,
        "source": grant.source,
        "expires_at": None if grant.expires_at is None else rfc3339(grant.expires_at),
    }


def _holder(holder: Holder) -> HolderShown:
    return {
        "holder": str(holder.target),
        "source": holder.source,
        "access": holder.level.value,
        "path": holder.path,
        "whole": holder.whole,
        "expires_at": None if holder.expires_at is None else rfc3339(holder.expires_at),
        "live_leases": holder.live_leases,
    }


_KBASE: Final = "s3a://cdm-lake/tenant-general-warehouse/kbase/"
OPERATIONS: Final[Sequence[Operation]] = [
    Operation("getAccess", "GET", "/v1/access", access, {200: Reply(AccessShown)}, example=Example()),
    Operation(
        "explainAccess",
        "POST",
        "/v1/explain",
        explain,
        {200: Reply(Explained)},
        body=ExplainBody,
        refuses=(InvalidPath, InvalidName, UnknownTenant, UnknownUser, NotSteward),
        example=Example(body={"path": f"{_KBASE}hello.txt", "action": "write", "as": "bob"}),
    ),
    Operation(
        "whoCan",
        "GET",
        "/v1/who-can",
        who_can,
        {200: Reply(Holders)},
        query=WhoCanQuery,
        refuses=(InvalidPath, UnknownTenant, NotOwner, NotSteward),
        example=Example(query={"path": _KBASE, "access": "read"}),
    ),
]
