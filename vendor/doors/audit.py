"""`/v1/audit`: the audit log in pages, as it grows, sealed, and as an export that can be checked offline."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, cast

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from typing_extensions import TypedDict

from vendor.audit.event import Kind
from vendor.audit.export import Exporter, shown
from vendor.audit.flex import flex
from vendor.audit.ocsf import ocsf
from vendor.audit.parts import AuditParts
from vendor.audit.reader import Filter, Found, just_before
from vendor.audit.seal import Sealer
from vendor.audit.table import csv_lines
from vendor.audit.view import seen_by
from vendor.doors import shapes
from vendor.doors.audit_tail import Tail
from vendor.doors.body import read_query
from vendor.doors.context import caller, gateway
from vendor.doors.operation import Example, Operation, Reply, Token
from vendor.doors.parse import TENANT_NAME, USER_NAME, Limit, Query
from vendor.doors.public import KeySet
from vendor.doors.render import JSON
from vendor.errors import (
    AuditUnavailable,
    InvalidName,
    InvalidRequest,
    NotSteward,
    RoleRequired,
    TooManyRequests,
    UnknownEvent,
    UnknownTenant,
)
from vendor.governance import keys as keys_of
from vendor.names import parse_tenant_name, parse_user_name
from vendor.sealed.records import place
from vendor.stewardship.caller import Caller, require_admin, require_unlimited
from vendor.times import parse_rfc3339

NDJSON: Final = "application/x-ndjson"
CSV: Final = "text/csv"
EVENT_STREAM: Final = "text/event-stream"
_CURSOR: Final = re.compile(r"(\d{1,20})-(\d{1,20})", re.ASCII)
_MOST: Final = 2**64 - 1
_NO_STORE: Final = {"cache-control": "no-store"}

_FORMS: Final[Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {"native": dict, "ocsf": ocsf, "flex": flex}

CursorText = Annotated[str, Field(pattern=r"^(0|\d{1,20}-\d{1,20})$", examples=["1763704800000-0"])]
TimeText = Annotated[str, Field(max_length=40, examples=["2026-11-21T06:00:00Z"])]


class WantedQuery(Query):
    """What of the log is wanted.  Times are those at which the log took an event; `until` is excluded."""

    after: CursorText = "0"
    kind: Annotated[str, Field(max_length=40, json_schema_extra={"enum": [*map(str, Kind)]})] | None = None
    user: Annotated[str, Field(json_schema_extra=dict(USER_NAME))] | None = None
    tenant: Annotated[str, Field(json_schema_extra=dict(TENANT_NAME))] | None = None
    lease: Annotated[str, Field(max_length=64)] | None = None
    access_key: Annotated[str, Field(max_length=128)] | None = None
    since: TimeText | None = None
    until: TimeText | None = None
    format: Literal["native", "ocsf", "flex"] = "native"


class ListQuery(WantedQuery):
    """A page of it."""

    limit: Limit = 100


class TailQuery(WantedQuery):
    """What is wanted, and where to begin: after the newest event, if neither `after` nor `Last-Event-ID` is sent."""

    after: CursorText | None = None  # type: ignore[assignment]  # without it a tail begins now, a list at the beginning


class ExportQuery(Query):
    """Everything, or everything since a time."""

    since: TimeText | None = None


class ProofQuery(Query):
    """The cursor of one event."""

    cursor: CursorText


class ReviewQuery(Query):
    """Which tenant, and since when."""

    tenant: Annotated[str, Field(json_schema_extra=dict(TENANT_NAME))]
    since: TimeText


class ReviewRow(TypedDict):
    """One way to the tenant's data: a membership or a share.  `begun` is null for an old one, `until` for open ones."""

    who: str
    through: Annotated[str, Field(examples=["member", "share:s_abc"])]
    access: str
    path: str | None
    begun: shapes.Time | None
    until: shapes.Time | None
    leases: int
    writing: int
    last_used: str | None
    finding: Literal["", "never used", "write never used"]


class Reviewed(TypedDict):
    """Every way to a tenant's data since a moment."""

    tenant: str
    since: str
    rows: list[ReviewRow]


class CheckpointShown(TypedDict):
    """A checkpoint: which events it seals, their Merkle root, and the digest of the checkpoint before it."""

    number: int
    first: str
    last: str
    count: int
    size: int
    root: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    previous: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    time: shapes.Time
    gateway: str
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="What the next one names as `previous`.")]
    jws: str


async def listed(request: Request) -> Response:
    """List events, oldest first, one JSON object a line.  Each has its `cursor`.

    Administrators see all, others what they did and what concerns them, since their account is there.  `X-Next` is
    where to go on (`after`), also at the end; `X-More` says whether there is more already.
    """
    me = await _reader(request)
    query = read_query(request, ListQuery)
    page = await me.parts.reader.page(_wanted(me, query), _cursor(query.after), query.limit)
    lines = "".join(line(found, me.who, query.format) + "\n" for found in page.found)
    headers = {**_NO_STORE, "x-next": page.next, "x-more": "true" if page.more else "false"}
    return Response(lines, media_type=NDJSON, headers=headers)


async def tail(request: Request) -> Response:
    """Send events as they come, as server-sent events: `id` is the cursor, `event` the kind, `data` the event.

    Goes on where `Last-Event-ID` says.  Ends when the identity token does, when its user is disabled or deleted, and
    after an hour.
    """
    me = await _reader(request)
    who, parts = me.who, me.parts
    query = read_query(request, TailQuery)
    wanted = _wanted(me, query)
    sent = request.headers.get("last-event-id") or query.after
    after = await parts.log.last() if sent is None else _cursor(sent)
    if not parts.tails.free_for(who.name):
        raise TooManyRequests("Too many are following the audit log.", retry_after=5)
    if request.method == "HEAD":
        return Response(media_type=EVENT_STREAM, headers=_NO_STORE)
    ends, users = who.principal.expires_at, gateway(request).users

    async def may() -> bool:
        user = (await users.standing_if_known(who)).user
        return user is not None and not user.disabled and user.first_seen == me.first_seen

    stream = Tail(parts, wanted, after, lambda found: line(found, who, query.format), who.name, ends, may)
    return StreamingResponse(stream.text(), media_type=EVENT_STREAM, headers=_NO_STORE)


async def head(request: Request) -> Response:
    """Return the newest checkpoint.  Whoever keeps it can tell later whether the log was rewritten."""
    parts = (await _reader(request)).parts
    sealer = _sealer(parts)
    newest = await sealer.head()
    if newest.said is None:
        newest = await sealer.seal_all(await parts.log.last())
    if newest.said is None:
        raise AuditUnavailable("Nothing has been recorded yet.")
    return JSON(cast("CheckpointShown", shown(newest)))


async def export(request: Request) -> Response:
    """Stream the log with its checkpoints, to be checked with `vendor audit verify`.  For administrators.

    The export is itself an event, and a fresh checkpoint at its end seals that, too.
    """
    me = await _reader(request)
    who, parts = me.who, me.parts
    require_admin(who, "export the audit log")
    require_unlimited(who)
    query = read_query(request, ExportQuery)
    since = None if query.since is None else _time("since", query.since)
    exporter = _exporter(parts)
    event = who.event(Kind.AUDIT_EXPORTED, parts.clock(), since=query.since)
    await gateway(request).trail.write(event)
    span = await exporter.span(since)
    return StreamingResponse(exporter.lines(span), media_type=NDJSON, headers=_NO_STORE)


async def proof(request: Request) -> Response:
    """Prove that one event belongs to the log: the hashes that lead from it to a signed checkpoint.

    The answer is one line, to be checked with `vendor audit verify`.
    """
    me = await _reader(request)
    cursor = _cursor(read_query(request, ProofQuery).cursor)
    found = await _exporter(me.parts).proof(cursor)
    if found is None or not _may_see(me, cursor, json.loads(found)["event"]):
        raise UnknownEvent("There is no such event, or it is not sealed yet.")
    return Response(found, media_type="application/json", headers=_NO_STORE)


async def review(request: Request) -> Response:
    """Review a tenant's access since a moment: who had it, through what, who used it, what was never used.

    For its stewards and administrators.  Use means keys that were given.
    """
    tenant, since, rows = await _reviewed(request)
    return JSON(cast("Reviewed", {"tenant": tenant, "since": since, "rows": rows}))


async def review_table(request: Request) -> Response:
    """Return the same review as CSV, for a spreadsheet; what could be a formula begins with an apostrophe."""
    _, _, rows = await _reviewed(request)
    text = "".join(csv_lines(tuple(ReviewRow.__annotations__), rows))
    return Response(text, media_type=CSV, headers=_NO_STORE)


async def keys(request: Request) -> Response:
    """The public keys that checkpoints are checked with.  No store trusts them."""
    sealer = gateway(request).audit.sealer
    answer = {"keys": []} if sealer is None else sealer.signer.jwks()
    return JSON(cast("KeySet", answer), headers={"cache-control": "public, max-age=60"})


def line(found: Found, who: Caller, form: str) -> str:
    """Return one event as the caller may see it, on one line: as it is, as OCSF, or as flex-auth has it."""
    event: dict[str, Any] = found.event if sees_all(who) else seen_by(found.event, who.name)
    return json.dumps(_FORMS[form]({"cursor": found.entry.cursor, **event}), separators=(",", ":"))


def sees_all(who: Caller) -> bool:
    """Say whether a caller sees every event: administrators, unless their token is limited to part of their rights."""
    return who.admin and who.principal.acts_for is None and who.principal.max_scope is None


@dataclass(frozen=True, slots=True)
class _Reading:
    """Somebody who reads, and when they were first seen: what was before concerns others who had their name."""

    who: Caller
    parts: AuditParts
    first_seen: str

    @property
    def since(self) -> float | None:
        """The moment (seconds) from which on events are theirs to see; None for who sees all."""
        return None if sees_all(self.who) else parse_rfc3339(self.first_seen)


async def _reader(request: Request) -> _Reading:
    """Authenticate somebody who may read about themself at least.  Raises RoleRequired for one who is disabled."""
    who = await caller(request)
    parts = gateway(request)
    _, (first_seen,) = await parts.users.desk.look(who, ("HGET", keys_of.user(who.name), "first_seen"))
    if not first_seen:  # deleted while we looked
        raise RoleRequired("This account is gone.", remedy="Sign in again.")
    return _Reading(who, parts.audit, first_seen)


async def _reviewed(request: Request) -> tuple[str, str, list[dict[str, object]]]:
    who = await caller(request)
    query = read_query(request, ReviewQuery)
    rows = await gateway(request).review.of(who, parse_tenant_name(query.tenant), _time("since", query.since))
    return query.tenant, query.since, [row.answer() for row in rows]


def _wanted(me: _Reading, query: WantedQuery) -> Filter:
    who = me.who
    user = None if query.user is None else parse_user_name(query.user)
    if not sees_all(who) and user not in {None, who.name}:
        raise RoleRequired("Only an administrator can read about others.", remedy="Ask an administrator.")
    if query.kind is not None and query.kind not in set(Kind):
        raise InvalidRequest("kind: there are no events of this kind.")
    since = None if query.since is None else _time("since", query.since)
    until = None if query.until is None else _time("until", query.until)
    if since is not None and until is not None and since > until:
        raise InvalidRequest("until: before since.")
    return Filter(
        kind=query.kind,
        user=user,
        tenant=None if query.tenant is None else parse_tenant_name(query.tenant),
        lease=query.lease,
        access_key=query.access_key,
        since=max((moment for moment in (since, me.since) if moment is not None), default=None),
        until=until,
        about=None if sees_all(who) else who.name,
    )


def _may_see(me: _Reading, cursor: str, event: dict[str, Any]) -> bool:
    """Say whether a reader may see an event as it stands: only as it was stored does it prove anything."""
    if me.since is None:
        return True
    return place(cursor) > place(just_before(me.since)) and (event.get("actor") or {}).get("name") == me.who.name


def _cursor(text: str) -> str:
    if text == "0":
        return "0-0"
    found = _CURSOR.fullmatch(text)
    if found is None or max(int(part) for part in found.groups()) > _MOST:
        raise InvalidRequest("after: not a cursor of the audit log.")
    return f"{int(found[1])}-{int(found[2])}"


def _time(name: str, text: str) -> float:
    try:
        return parse_rfc3339(text)
    except ValueError as problem:
        raise InvalidRequest(f"{name}: {problem}.") from None


def _sealer(parts: AuditParts) -> Sealer:
    if parts.sealer is None:
        raise AuditUnavailable("This gateway has no keys to seal the audit log with.")
    return parts.sealer


def _exporter(parts: AuditParts) -> Exporter:
    if parts.exporter is None:
        raise AuditUnavailable("This gateway has no keys to seal the audit log with.")
    return parts.exporter


_REVIEW: Final = Example("carol", query={"tenant": "kbase", "since": "2026-01-01T00:00:00Z"})
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
    Operation("getAuditHead", "GET", "/v1/audit/head", head, {200: Reply(CheckpointShown)}, example=Example()),
    Operation(
        "exportAudit",
        "GET",
        "/v1/audit/export",
        export,
        {200: Reply(str, "Events and checkpoints, one a line.", NDJSON)},
        query=ExportQuery,
        example=Example("carol"),
    ),
    Operation(
        "proveAuditEvent",
        "GET",
        "/v1/audit/proof",
        proof,
        {200: Reply(dict[str, Any], "The event, its place, and the way to the root.")},
        query=ProofQuery,
        refuses=(UnknownEvent,),
    ),
    Operation(
        "reviewAccess",
        "GET",
        "/v1/audit/review",
        review,
        {200: Reply(Reviewed)},
        query=ReviewQuery,
        refuses=(InvalidName, UnknownTenant, NotSteward),
        example=_REVIEW,
    ),
    Operation(
        "reviewAccessTable",
        "GET",
        "/v1/audit/review.csv",
        review_table,
        {200: Reply(str, "The rows of the review.", CSV)},
        query=ReviewQuery,
        refuses=(InvalidName, UnknownTenant, NotSteward),
        example=_REVIEW,
    ),
    Operation(
        "getAuditKeys",
        "GET",
        "/.well-known/audit-keys.json",
        keys,
        {200: Reply(KeySet)},
        token=Token.NONE,
        example=Example(),
    ),
]
