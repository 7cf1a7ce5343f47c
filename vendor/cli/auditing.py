"""`vend audit …`: the audit log as it grows, in parts, as a whole, and whether it is as it was sealed."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from vendor.cli import failures, screen
from vendor.cli.help import PanelCommand, PanelGroup
from vendor.cli.options import Json, command
from vendor.cli.scope import parse_duration
from vendor.client import audit
from vendor.client.audit import Event
from vendor.client.calls import Call
from vendor.client.connection import Connection
from vendor.client.errors import BadInput, ClientError
from vendor.client.text import printable
from vendor.times import parse_rfc3339, rfc3339

if TYPE_CHECKING:
    from vendor.sealed.keys import AuditKeys
    from vendor.sealed.verify import Verdict

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
Files = Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="An export, or one event's proof.")]
Keys = Annotated[
    Path | None, typer.Option("--keys", metavar="FILE", help="The audit keys (JWKS) to check with; else the gateway's.")
]

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
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@command
def verify(connection: Connection, files: Files = None, keys: Keys = None, as_json: Json = False) -> int:
    """Check that nothing in the log was deleted, edited, moved, inserted or cut off: exit code 0 or 1.

    Without a FILE, the gateway's log is exported and checked on the way. With FILE and --keys, nobody is asked.
    """
    from vendor.sealed.verify import BadRecord

    trusted = _keys(connection, keys)
    try:
        if files:
            told = _check_files(files, trusted)
        else:
            with connection.client() as client, audit.export(client) as answer:
                told = _told(_checked(answer.lines, trusted))
    except BadRecord as bad:
        found = {"sound": False, "line": bad.line, "record": bad.record, "problem": bad.problem}
        if as_json:
            screen.out_json(found)
        else:
            screen.out(printable(f"not as it was sealed: line {bad.line}: {bad.record}: {bad.problem}"))
        return failures.REFUSED
    if as_json:
        screen.out_json({"sound": True, **told})
    else:
        screen.facts(
            {"as it was sealed": "yes", **{name.replace("_", " "): str(value) for name, value in told.items()}}
        )
    return failures.OK


def _keys(connection: Connection, file: Path | None) -> "AuditKeys":
    from vendor.sealed.keys import BadKeys, read_keys

    where = "the gateway's audit keys" if file is None else str(file)
    try:
        if file is not None:
            return read_keys(file.read_bytes())
        with connection.client(anonymous=True) as client:
            return read_keys(client.run(Call("GET", "/.well-known/audit-keys.json", _as_text, anonymous=True)))
    except BadKeys as problem:
        raise BadInput(f"{where}: {problem}") from None
    except OSError as error:
        raise BadInput(f"{where} cannot be read ({error.strerror}).") from None


def _as_text(value: object) -> str:
    import json

    return json.dumps(value)


def _check_files(files: Iterable[Path], keys: "AuditKeys") -> dict[str, object]:
    from vendor.sealed.records import PROOF
    from vendor.sealed.verify import verify_proof

    lines = _lines(files)
    first = next(lines, b"")
    if PROOF.fullmatch(first):
        cursor, said = verify_proof(first, keys)
        return {"event": cursor, "checkpoint": said.number, "time": said.time}
    return _told(_checked(_again(first, lines), keys))


def _again(first: bytes, lines: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from lines


def _lines(files: Iterable[Path]) -> Iterator[bytes]:
    from vendor.sealed.verify import LONGEST_LINE

    for file in files:
        try:
            with file.open("rb") as stream:
                while line := stream.readline(LONGEST_LINE):
                    yield line
        except OSError as error:
            raise BadInput(f"{file} cannot be read ({error.strerror}).") from None


def _checked(lines: Iterable[bytes], keys: "AuditKeys") -> "Verdict":
    from vendor.sealed.verify import verify as check

    return check(lines, keys)


def _told(found: "Verdict") -> dict[str, object]:
    return {
        "events": found.events,
        "checkpoints": found.checkpoints,
        "first": found.first,
        "last": found.last,
        "checkpoint": found.number,
        "time": found.time,
        "digest": found.digest,
    }


app = typer.Typer(
    cls=PanelGroup,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The audit log: follow it, read it, keep it, check it.",
)
for _command in (tail, show, export, verify):
    app.command(cls=PanelCommand)(_command)
