"""The audit log: pages of it, and its end as it grows.  What an event holds is told in docs/audit.md."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from email.utils import parsedate_to_datetime
from typing import Any

from vendor.client.calls import Call
from vendor.client.errors import BadAnswer, Unavailable
from vendor.client.streams import Streamed
from vendor.client.sync import Client

Event = Mapping[str, Any]
NDJSON, EVENT_STREAM, CSV = "application/x-ndjson", "text/event-stream", "text/csv"
RETRY_FIRST, RETRY_MOST = 1.0, 30.0
PAGE = 500


def events(client: Client, wanted: Mapping[str, str], limit: int | None = None) -> Iterator[Event]:
    """Yield events, oldest first, at most `limit` of them.

    `wanted` may hold `after`, `since`, `until`, `kind`, `user`, `tenant`, `lease` and `access_key`.
    """
    after, left = wanted.get("after", "0"), limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        page, after, more = _page(client, {**wanted, "after": after, "limit": str(size)})
        yield from page
        left = None if left is None else left - len(page)
        if not more:
            return


def _page(client: Client, params: Mapping[str, str]) -> tuple[list[Event], str, bool]:
    with client.stream("/v1/audit", NDJSON, params) as answer:
        return (
            [_event(line) for line in answer.lines],
            answer.headers.get("x-next", "0"),
            answer.headers.get("x-more") == "true",
        )


def one(client: Client, cursor: str) -> Event | None:
    """Return the event of a cursor, or None."""
    first, _, second = cursor.partition("-")
    if not (first.isascii() and first.isdigit() and second.isascii() and second.isdigit()):
        return None
    before = f"{first}-{int(second) - 1}" if int(second) else f"{int(first) - 1}-{2**64 - 1}"
    found, _, _ = _page(client, {"after": before, "limit": "1"})
    return found[0] if found and found[0].get("cursor") == cursor else None


def follow(
    client: Client,
    wanted: Mapping[str, str],
    *,
    warn: Callable[[str], None],
    listening: Callable[[], None] = lambda: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Event]:
    """Yield events as they come, from `after` or from now on, without an end.

    A connection that breaks is opened again where it broke, so that no event is missed or told twice.  Raises what the
    gateway refuses with; that it is away is told to `warn`, once until it is back.  `listening` is called whenever a
    connection is open: what happens from then on is told.
    """
    after = wanted.get("after")
    pause, away = RETRY_FIRST, False
    while True:
        params = wanted if after is None else {**wanted, "after": after}
        try:
            with client.stream("/v1/audit/tail", EVENT_STREAM, params) as answer:
                listening()
                after = after or _now(answer.headers)
                for cursor, event in _sent(answer.lines):
                    after, pause, away = cursor, RETRY_FIRST, False
                    yield event
        except BadAnswer:
            raise
        except Unavailable as error:
            if not away:
                warn(f"{error} Trying again.")
            pause, away = min(pause * 2, RETRY_MOST), True
        sleep(pause)


def _now(headers: Mapping[str, str]) -> str | None:
    """Return where a tail began, by the gateway's clock: to go on from, if it breaks before it told an event."""
    try:
        return f"{int(parsedate_to_datetime(headers.get('date', '')).timestamp() * 1000)}-0"
    except ValueError:
        return None


def _sent(lines: Iterator[bytes]) -> Iterator[tuple[str, Event]]:
    """Read server-sent events."""
    cursor, data = "", b""
    for raw in lines:
        line = raw.rstrip(b"\r\n")
        if not line:
            if data and cursor:
                yield cursor, _event(data)
            data = b""
        elif line.startswith(b"id: "):
            cursor = line[4:].decode("ascii", "replace")
        elif line.startswith(b"data: "):
            data += line[6:]


def _event(line: bytes) -> Event:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BadAnswer("The gateway's answer is not as expected: an event is no object.")
    return value


def export(client: Client, since: str | None = None) -> AbstractContextManager[Streamed]:
    """Open the export: events and checkpoints, line by line, to be kept as they come."""
    return client.stream("/v1/audit/export", NDJSON, {} if since is None else {"since": since})


def review(client: Client, tenant: str, since: str) -> Mapping[str, Any]:
    """Return the review of a tenant's access since a moment; its `rows` are objects."""

    def read(value: object) -> Mapping[str, Any]:
        rows = value.get("rows") if isinstance(value, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadAnswer("The gateway's answer is not as expected: a review has rows.")
        found: Mapping[str, Any] = value  # type: ignore[assignment]  # looked at above
        return found

    return client.run(Call("GET", "/v1/audit/review", read, {"tenant": tenant, "since": since}))


def review_table(client: Client, tenant: str, since: str) -> AbstractContextManager[Streamed]:
    """Open the same review as CSV, line by line."""
    return client.stream("/v1/audit/review.csv", CSV, {"tenant": tenant, "since": since})
