"""`/v1/access`, `/v1/explain`, `/v1/who-can`: what is granted, why, and to whom."""

from typing import Annotated, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vendor.doors.body import Body, read
from vendor.doors.context import caller, gateway
from vendor.doors.parse import one_of_query
from vendor.doors.render import JSON
from vendor.errors import InvalidRequest
from vendor.leases.insight import Holder
from vendor.names import parse_s3_path, parse_user_name
from vendor.policy.grant import Grant, Level
from vendor.times import rfc3339


class ExplainBody(Body):
    """The body of `POST /v1/explain`.  `action` is read, write, list or the name of an S3 action."""

    path: Annotated[str, Field(max_length=2048)]
    action: Annotated[str, Field(max_length=64)]
    as_: Annotated[str, Field(max_length=64)] | None = Field(None, alias="as")


async def access(request: Request) -> Response:
    """Show every grant with its source, level, end and weight, and what one full lease would weigh."""
    who = await caller(request)
    overview = await gateway(request).insight.overview(who)
    return JSON(
        {
            "grants": [{**_grant(weighed.grant), "bytes": weighed.bytes} for weighed in overview.grants],
            "policy": {"bytes": overview.bytes, "limit": overview.limit, "fits": overview.bytes <= overview.limit},
        }
    )


async def explain(request: Request) -> Response:
    """Say whether an action on a path is allowed, because of what, and if not, what would help."""
    who = await caller(request)
    body = await read(request, ExplainBody)
    other = None if body.as_ is None else parse_user_name(body.as_)
    found = await gateway(request).insight.explain(who, parse_s3_path(body.path), body.action, other)
    return JSON(
        {
            "allowed": found.allowed,
            "because": [_grant(grant) for grant in found.because],
            "nearest": [_grant(grant) for grant in found.nearest],
            "remedy": found.remedy,
        }
    )


async def who_can(request: Request) -> Response:
    """Say who reaches `?path=` at `?access=` (default read), and through what."""
    who = await caller(request)
    query = one_of_query(request, "path", "access")
    if "path" not in query:
        raise InvalidRequest("path: missing.")
    if query.get("access", "read") not in set(Level):
        raise InvalidRequest("access: neither read nor write.")
    path, level = parse_s3_path(query["path"]), Level(query.get("access", "read"))
    holders = await gateway(request).insight.who_can(who, path, level)
    return JSON({"path": path.text, "access": str(level), "holders": [_holder(holder) for holder in holders]})


def _grant(grant: Grant) -> dict[str, object]:
    return {
        "path": f"s3://{grant.bucket}/{grant.prefix}",
        "access": str(grant.level),
        "source": grant.source,
        "expires_at": None if grant.expires_at is None else rfc3339(grant.expires_at),
    }


def _holder(holder: Holder) -> dict[str, object]:
    return {
        "holder": str(holder.target),
        "source": holder.source,
        "access": str(holder.level),
        "path": holder.path,
        "whole": holder.whole,
        "expires_at": None if holder.expires_at is None else rfc3339(holder.expires_at),
        "live_leases": holder.live_leases,
    }


ROUTES: Final = [
    Route("/v1/access", access),
    Route("/v1/explain", explain, methods=["POST"]),
    Route("/v1/who-can", who_can),
]
