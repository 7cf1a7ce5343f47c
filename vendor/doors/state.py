"""`/v1/state`: the whole of governance as a file, for backups and moves."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Final, cast

from pydantic import Field
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from typing_extensions import TypedDict

from vendor.doors import shapes
from vendor.doors.body import read_query
from vendor.doors.context import caller, gateway
from vendor.doors.operation import Example, Operation, Reply
from vendor.doors.parse import Flag, Query, etag, if_match
from vendor.doors.render import JSON, NDJSON, NO_STORE
from vendor.errors import Conflict, InvalidRequest, UnsupportedMediaType

PATH: Final = "/v1/state"


_Count = Annotated[int, Field(ge=0)]


class RestoreQuery(Query):
    """Whether to change anything."""

    dry_run: Flag = False


class RestoredState(TypedDict):
    """Whether anything is different now (or would be), and how many of each the state holds."""

    changed: bool
    dry_run: bool
    revision: shapes.Revision
    users: _Count
    tenants: _Count
    members: _Count
    stewards: _Count
    shares: _Count


async def export(request: Request) -> Response:
    """Stream the whole state, as it is at one moment."""
    who = await caller(request)
    copy = await gateway(request).state_copies.export(who)
    headers = {**NO_STORE, **etag(copy.revision)}
    return StreamingResponse(copy.spool.chunks(), media_type=NDJSON, headers=headers)


async def restore(request: Request) -> Response:
    """Put the state in the body in the place of the present one; with `?dry_run=true` only check it."""
    who = await caller(request)
    dry_run = read_query(request, RestoreQuery).dry_run
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body is encoded.", remedy="Send the lines as they are.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != NDJSON:
        raise UnsupportedMediaType("The body is not declared as lines of JSON.", remedy=f"Send it as {NDJSON}.")
    found = await gateway(request).state_restore.restore(
        who, _body(request), dry_run=dry_run, revision=if_match(request)
    )
    said = {"changed": found.changed, "dry_run": dry_run, "revision": found.revision, **found.counts}
    answer = cast("RestoredState", said)
    return JSON(answer, headers=etag(found.revision))


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise InvalidRequest("The body broke off.") from None


OPERATIONS: Final[Sequence[Operation]] = [
    Operation(
        "exportState",
        "GET",
        PATH,
        export,
        {200: Reply(str, "The state, one JSON object a line.", NDJSON, headers=("ETag",))},
        refuses=(Conflict,),
        example=Example("carol"),
    ),
    Operation(
        "restoreState",
        "PUT",
        PATH,
        restore,
        {200: Reply(RestoredState, headers=("ETag",))},
        query=RestoreQuery,
        body_media=NDJSON,
        if_match=True,
        refuses=(Conflict,),
    ),
]
