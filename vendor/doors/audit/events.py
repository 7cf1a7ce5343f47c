"""`/v1/audit` and `/v1/audit/tail`: the audit log in pages, and as it grows."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from vendor.audit.flex import flex
from vendor.audit.ocsf import ocsf
from vendor.audit.reader import Found
from vendor.audit.view import seen_by
from vendor.doors.audit.reading import reader, sees_all
from vendor.doors.audit.tail import Tail
from vendor.doors.audit.wanted import CursorText, WantedQuery, filter_of, parse_cursor
from vendor.doors.body import read_query
from vendor.doors.context import gateway
from vendor.doors.operation import Example, Operation, Reply
from vendor.doors.parse import Limit
from vendor.doors.render import NDJSON, NO_STORE
from vendor.errors import InvalidName, TooManyRequests
from vendor.stewardship.caller import Caller

EVENT_STREAM: Final = "text/event-stream"

_FORMS: Final[Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {"native": dict, "ocsf": ocsf, "flex": flex}


class ListQuery(WantedQuery):
    """A page of it."""

    limit: Limit = 100


class TailQuery(WantedQuery):
    """What is wanted, and where to begin: after the newest event, if neither `after` nor `Last-Event-ID` is sent."""

    after: CursorText | None = None  # type: ignore[assignment]  # without it a tail begins now, a list at the beginning


async def listed(request: Request) -> Response:
    """List events, oldest first, one JSON object a line.  Each has its `cursor`.

    Administrators see all, others what they did and what concerns them, since their account is there.  `X-Next` is
    where to go on (`after`), also at the end; `X-More` says whether there is more already.
    """
    me = await reader(request)
    query = read_query(request, ListQuery)
    page = await me.parts.reader.page(filter_of(me, query), parse_cursor(query.after), query.limit)
    lines = "".join(line(found, me.who, query.format) + "\n" for found in page.found)
    headers = {**NO_STORE, "x-next": page.next, "x-more": "true" if page.more else "false"}
    return Response(lines, media_type=NDJSON, headers=headers)


async def tail(request: Request) -> Response:
    """Send events as they come, as server-sent events: `id` is the cursor, `event` the kind, `data` the event.

    Goes on where `Last-Event-ID` says.  Ends when the identity token does, when its user is disabled or deleted, and
    after an hour.
    """
    me = await reader(request)
    who, parts = me.who, me.parts
    query = read_query(request, TailQuery)
    wanted = filter_of(me, query)
    sent = request.headers.get("last-event-id") or query.after
    after = await parts.log.last() if sent is None else parse_cursor(sent)
    if not parts.tails.free_for(who.name):
        raise TooManyRequests("Too many are following the audit log.", retry_after=5)
    if request.method == "HEAD":
        return Response(media_type=EVENT_STREAM, headers=NO_STORE)
    ends, users = who.principal.expires_at, gateway(request).users

    async def may() -> bool:
        user = (await users.standing_if_known(who)).user
        return user is not None and not user.disabled and user.first_seen == me.first_seen

    stream = Tail(parts, wanted, after, lambda found: line(found, who, query.format), who.name, ends, may)
    return StreamingResponse(stream.text(), media_type=EVENT_STREAM, headers=NO_STORE)


def line(found: Found, who: Caller, form: str) -> str:
    """Return one event as the caller may see it, on one line: as it is, as OCSF, or as flex-auth has it."""
    event: dict[str, Any] = found.event if sees_all(who) else seen_by(found.event, who.name)
    return json.dumps(_FORMS[form]({"cursor": found.entry.cursor, **event}), separators=(",", ":"))


OPERATIONS: Final[Sequence[Operation]] = [
    Operation(
        "listAudit",
        "GET",
        "/v1/audit",
        listed,
        {200: Reply(str, "Events, one JSON object a line.", NDJSON, headers=("X-Next", "X-More"))},
        query=ListQuery,
        refuses=(InvalidName,),
        example=Example("carol", query={"kind": "tenant.created", "limit": "10"}),
    ),
    Operation(
        "tailAudit",
        "GET",
        "/v1/audit/tail",
        tail,
        {200: Reply(str, "Server-sent events, without an end.", EVENT_STREAM)},
        query=TailQuery,
        refuses=(TooManyRequests, InvalidName),
    ),
]
