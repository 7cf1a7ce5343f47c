"""What of the audit log is wanted: the parameters of a query, and the filter that comes of them for who asks."""

import re
from typing import Annotated, Final, Literal

from pydantic import Field

from vendor.audit.event import Kind
from vendor.audit.reader import Filter
from vendor.doors.audit.reading import Reading, sees_all
from vendor.doors.parse import TENANT_NAME, USER_NAME, Query
from vendor.errors import InvalidRequest, RoleRequired
from vendor.names import parse_tenant_name, parse_user_name
from vendor.times import parse_rfc3339

_CURSOR: Final = re.compile(r"(\d{1,20})-(\d{1,20})", re.ASCII)
_MOST: Final = 2**64 - 1

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


def filter_of(me: Reading, query: WantedQuery) -> Filter:
    """Return the filter for a query, which lets a reader see no more than is theirs.  Raises VendError."""
    who = me.who
    user = None if query.user is None else parse_user_name(query.user)
    if not sees_all(who) and user not in {None, who.name}:
        raise RoleRequired("Only an administrator can read about others.", remedy="Ask an administrator.")
    if query.kind is not None and query.kind not in set(Kind):
        raise InvalidRequest("kind: there are no events of this kind.")
    since = None if query.since is None else parse_moment("since", query.since)
    until = None if query.until is None else parse_moment("until", query.until)
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


def parse_cursor(text: str) -> str:
    """Return a cursor as Redis takes it.  Raises InvalidRequest."""
    if text == "0":
        return "0-0"
    found = _CURSOR.fullmatch(text)
    if found is None or max(int(part) for part in found.groups()) > _MOST:
        raise InvalidRequest("after: not a cursor of the audit log.")
    return f"{int(found[1])}-{int(found[2])}"


def parse_moment(name: str, text: str) -> float:
    """Return a moment in seconds since the epoch.  Raises InvalidRequest, which names the parameter."""
    try:
        return parse_rfc3339(text)
    except ValueError as problem:
        raise InvalidRequest(f"{name}: {problem}.") from None
