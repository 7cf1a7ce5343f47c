"""`/v1/state`: the whole of governance as a file, for backups and moves."""

from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from vendor.doors.context import caller, gateway
from vendor.doors.parse import etag, flag, if_match, one_of_query
from vendor.doors.render import JSON
from vendor.errors import InvalidRequest, UnsupportedMediaType

MEDIA_TYPE: Final = "application/x-ndjson"
PATH: Final = "/v1/state"


async def export(request: Request) -> Response:
    """Stream the whole state, as it is at one moment."""
    who = await caller(request)
    one_of_query(request)
    copy = await gateway(request).state_copies.export(who)
    headers = {"cache-control": "no-store", **etag(copy.revision)}
    return StreamingResponse(copy.spool.chunks(), media_type=MEDIA_TYPE, headers=headers)


async def restore(request: Request) -> Response:
    """Put the state in the body in the place of the present one; with `?dry_run=true` only check it."""
    who = await caller(request)
    dry_run = flag(one_of_query(request, "dry_run"), "dry_run")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body is encoded.", remedy="Send the lines as they are.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise UnsupportedMediaType("The body is not declared as lines of JSON.", remedy=f"Send it as {MEDIA_TYPE}.")
    found = await gateway(request).state_restore.restore(
        who, _body(request), dry_run=dry_run, revision=if_match(request)
    )
    answer = {"changed": found.changed, "dry_run": dry_run, "revision": found.revision, **found.counts}
    return JSON(answer, headers=etag(found.revision))


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise InvalidRequest("The body broke off.") from None


ROUTES: Final = [Route(PATH, export), Route(PATH, restore, methods=["PUT"])]
