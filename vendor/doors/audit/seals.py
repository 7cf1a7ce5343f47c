"""What proves the audit log: its newest checkpoint, an export, the proof of one event, and the keys to check them."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final, cast

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from typing_extensions import TypedDict

from vendor.audit.event import Kind
from vendor.audit.export import Exporter, shown
from vendor.audit.parts import AuditParts
from vendor.audit.seal import Sealer
from vendor.doors import shapes
from vendor.doors.audit.reading import may_see, reader
from vendor.doors.audit.wanted import CursorText, TimeText, parse_cursor, parse_moment
from vendor.doors.body import read_query
from vendor.doors.context import gateway
from vendor.doors.operation import Example, Operation, Reply, Token
from vendor.doors.parse import Query
from vendor.doors.public import KeySet
from vendor.doors.render import JSON, NDJSON, NO_STORE
from vendor.errors import AuditUnavailable, UnknownEvent
from vendor.stewardship.caller import require_admin, require_unlimited


class ExportQuery(Query):
    """Everything, or everything since a time."""

    since: TimeText | None = None


class ProofQuery(Query):
    """The cursor of one event."""

    cursor: CursorText


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


async def head(request: Request) -> Response:
    """Return the newest checkpoint.  Whoever keeps it can tell later whether the log was rewritten."""
    parts = (await reader(request)).parts
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
    me = await reader(request)
    who, parts = me.who, me.parts
    require_admin(who, "export the audit log")
    require_unlimited(who)
    query = read_query(request, ExportQuery)
    since = None if query.since is None else parse_moment("since", query.since)
    exporter = _exporter(parts)
    event = who.event(Kind.AUDIT_EXPORTED, parts.clock(), since=query.since)
    await gateway(request).trail.write(event)
    span = await exporter.span(since)
    return StreamingResponse(exporter.lines(span), media_type=NDJSON, headers=NO_STORE)


async def proof(request: Request) -> Response:
    """Prove that one event belongs to the log: the hashes that lead from it to a signed checkpoint.

    The answer is one line, to be checked with `vendor audit verify`.
    """
    me = await reader(request)
    cursor = parse_cursor(read_query(request, ProofQuery).cursor)
    found = await _exporter(me.parts).proof(cursor)
    if found is None or not may_see(me, cursor, json.loads(found)["event"]):
        raise UnknownEvent("There is no such event, or it is not sealed yet.")
    return Response(found, media_type="application/json", headers=NO_STORE)


async def keys(request: Request) -> Response:
    """The public keys that checkpoints are checked with.  No store trusts them."""
    sealer = gateway(request).audit.sealer
    answer = {"keys": []} if sealer is None else sealer.signer.jwks()
    return JSON(cast("KeySet", answer), headers={"cache-control": "public, max-age=60"})


def _sealer(parts: AuditParts) -> Sealer:
    if parts.sealer is None:
        raise AuditUnavailable("This gateway has no keys to seal the audit log with.")
    return parts.sealer


def _exporter(parts: AuditParts) -> Exporter:
    if parts.exporter is None:
        raise AuditUnavailable("This gateway has no keys to seal the audit log with.")
    return parts.exporter


OPERATIONS: Final[Sequence[Operation]] = [
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
        "getAuditKeys",
        "GET",
        "/.well-known/audit-keys.json",
        keys,
        {200: Reply(KeySet)},
        token=Token.NONE,
        example=Example(),
    ),
]
