"""`vend audit …`: the audit log as it grows, in parts, as a whole, and what it says of who had access."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from vendor.cli import screen
from vendor.cli.help import PanelCommand, PanelGroup
from vendor.cli.options import Json, command
from vendor.cli.scope import parse_duration
from vendor.cli.verifying import verify
from vendor.client import audit, files
from vendor.client.audit import Event
from vendor.client.connection import Connection
from vendor.client.errors import BadInput, ClientError
from vendor.client.text import printable
from vendor.times import parse_rfc3339, rfc3339

Kind = Annotated[str | None, typer.Option("--kind", metavar="KIND", help="Only events of this kind: vend.issued, …")]
User = Annotated[str | None, typer.Option("--user", metavar="USER", help="Only what this user did or is told of.")]
Tenant = Annotated[str | None, typer.Option("--tenant", metavar="TENANT", help="Only what concerns this tenant.")]
Lease = Annotated[str | None, typer.Option("--lease", metavar="LEASE", help="Only what concerns this lease.")]
AccessKey = Annotated[str | None, typer.Option("--access-key", metavar="ID", help="Only the leases of this S3 key.")]
After = Annotated[str | None, typer.Option("--after", metavar="CURSOR", help="Go on behind this event.")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="From this time on: 2026-11-21T06:00:00Z, or 2h for so long ago."),
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Up to this time, likewise.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many events.")]
Cursor = Annotated[str | None, typer.Argument(metavar="[CURSOR]", help="Show this event in full.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Output = Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Where to write it; '-' is stdout.")]
Of = Annotated[str, typer.Option("--tenant", metavar="TENANT", help="The tenant to review.")]
Begin = Annotated[str, typer.Option("--since", metavar="TIME", help="From this time on, or for so long: 90d.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV for a spreadsheet; formulas are made harmless.")]

_REVIEWED = ("who", "through", "access", "path", "begun", "until", "leases", "writing", "last_used", "finding")
_SUBJECTS = ("lease", "share", "tenant", "user", "path")


@command
def tail(
    connection: Connection,
    kind: Kind = None,
    user: User = None,
    tenant: Tenant = None,
    lease: Lease = None,
    access_key: AccessKey = None,
    after: After = None,
    as_json: JsonLines = False,
) -> None:
    """Print events as they come, until Ctrl-C. Administrators see all, others what concerns them."""
    wanted = _wanted(kind=kind, user=user, tenant=tenant, lease=lease, access_key=access_key, after=after)
    with connection.client() as client:
        for event in audit.follow(client, wanted, warn=screen.warn, listening=_say_once()):
            _print_event(event, as_json)
            sys.stdout.flush()


def _say_once() -> Callable[[], None]:
    unsaid = ["Following the audit log until Ctrl-C."]

    def say() -> None:
        if unsaid:
            screen.note(unsaid.pop())

    return say


@command
def show(
    connection: Connection,
    cursor: Cursor = None,
    kind: Kind = None,
    user: User = None,
    tenant: Tenant = None,
    lease: Lease = None,
    access_key: AccessKey = None,
    since: Since = None,
    until: Until = None,
    after: After = None,
    limit: Limit = 100,
    as_json: JsonLines = False,
) -> None:
    """Print events, oldest first, or one in full. Administrators see all, others what concerns them."""
    with connection.client() as client:
        if cursor is not None:
            found = audit.one(client, cursor)
            if found is None:
                raise ClientError(f"There is no event {cursor[:60]!a} that you may see.")
            _print_event(found, True) if as_json else screen.facts(dict(_flat(found)))
            return
        wanted = _wanted(kind=kind, user=user, tenant=tenant, lease=lease, access_key=access_key, after=after)
        wanted |= _wanted(since=_moment(since, "--since"), until=_moment(until, "--until"))
        if as_json:
            for event in audit.events(client, wanted, limit):
                _print_event(event, True)
            return
        screen.table(
            ("time", "kind", "who", "decision", "what", "cursor"),
            [_row(event) for event in audit.events(client, wanted, limit)],
        )


def _wanted(**said: str | None) -> dict[str, str]:
    return {name: text for name, text in said.items() if text is not None}


def _moment(text: str | None, option: str) -> str | None:
    """Return a time, or a duration before now, as a time."""
    if text is None:
        return None
    try:
        return rfc3339(parse_rfc3339(text))
    except ValueError:
        return rfc3339(time.time() - parse_duration(text, option))


def _print_event(event: Event, as_json: bool) -> None:
    if as_json:
        screen.out_json_line(event)
    else:
        screen.out("  ".join(printable(cell) for cell in _row(event)[:-1]))


def _row(event: Event) -> tuple[str, ...]:
    actor = event.get("actor")
    name = actor.get("name") if isinstance(actor, dict) else None
    reason = event.get("reason")
    decision = f"{event.get('decision')} ({reason})" if reason else event.get("decision")
    subjects = [f"{member} {event[member]}" for member in _SUBJECTS if isinstance(event.get(member), str)]
    cells = (event.get("time"), event.get("kind"), name, decision, ", ".join(subjects), event.get("cursor"))
    return tuple("-" if cell in {None, ""} else str(cell) for cell in cells)


def _flat(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every member of an event under its full name."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _flat(inner, f"{name}[{index}]")
    elif value is not None:
        yield printable(name, 100), str(value)


@command
def export(connection: Connection, output: Output, since: Since = None, as_json: Json = False) -> None:
    """Write the log with its checkpoints to a file that can be checked offline. For administrators."""
    if output == "-" and as_json:
        raise BadInput("--json tells of the file; with --output - there is none.")
    lines = 0
    with (
        connection.client() as client,
        audit.export(client, _moment(since, "--since")) as answer,
        _file(output) as file,
    ):
        for line in answer.lines:
            file.write(line)
            lines += 1
    if as_json:
        screen.out_json({"file": output, "lines": lines})
    elif output != "-":
        screen.say(f"{lines} lines in {printable(output)}; check them with 'vend audit verify'.")


@contextmanager
def _file(output: str) -> Iterator[IO[bytes]]:
    """Open a file that appears only when it is whole, and only for us: it tells who did what."""
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    with files.replaced(path, path.parent) as file:
        yield file


@command
def review(
    connection: Connection, tenant: Of, since: Begin = "90d", as_csv: AsCsv = False, as_json: Json = False
) -> None:
    """Review who had access to a tenant's data, who used it, and what was never used. For its stewards.

    Use means keys that were given because of a membership or share.
    """
    if as_csv and as_json:
        raise BadInput("--csv and --json exclude each other.")
    moment = _moment(since, "--since") or ""
    with connection.client() as client:
        if as_csv:
            with audit.review_table(client, tenant, moment) as answer:
                for line in answer.lines:
                    sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            return
        found = audit.review(client, tenant, moment)
    if as_json:
        screen.out_json(found)
        return
    rows = [
        {name: "-" if row.get(name) in {None, ""} else str(row[name]) for name in _REVIEWED} for row in found["rows"]
    ]
    screen.table([name.replace("_", " ") for name in _REVIEWED], [list(row.values()) for row in rows])


app = typer.Typer(
    cls=PanelGroup,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The audit log: follow it, read it, keep it, check it.",
)
for _command in (tail, show, export, verify, review):
    app.command(cls=PanelCommand)(_command)
