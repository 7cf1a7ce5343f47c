"""`vend audit verify`: whether a log is as it was sealed, on the way from the gateway or offline."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vendor.cli import failures, screen
from vendor.cli.options import Json, command
from vendor.client import audit
from vendor.client.calls import Call
from vendor.client.connection import Connection
from vendor.client.errors import BadInput
from vendor.client.text import printable

if TYPE_CHECKING:
    from vendor.sealed.keys import AuditKeys
    from vendor.sealed.verify import Verdict

Files = Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="An export, or one event's proof.")]
Keys = Annotated[
    Path | None, typer.Option("--keys", metavar="FILE", help="The audit keys (JWKS) to check with; else the gateway's.")
]


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
