"""What a lease is asked to be: the options for it, and how their values are read."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from vendor.client.answers import Access
from vendor.client.calls import Ask, Wanted
from vendor.client.connection import Connection
from vendor.client.errors import BadInput
from vendor.names import parse_s3_path

_PANEL = "The lease"


def _texts(*names: str, metavar: str, help_: str) -> Any:
    return Annotated[list[str] | None, typer.Option(*names, metavar=metavar, help=help_, rich_help_panel=_PANEL)]


def _text(*names: str, metavar: str, help_: str) -> Any:
    return Annotated[str | None, typer.Option(*names, metavar=metavar, help=help_, rich_help_panel=_PANEL)]


OPTIONS: dict[str, tuple[Any, object]] = {
    "path": (
        _texts("--path", "-p", metavar="S3-PATH", help_="A path to ask for; again for more. Default: all you have."),
        None,
    ),
    "access": (
        _texts(
            "--access",
            "-a",
            metavar="read|write",
            help_="For the --path at the same place, or one for all. Default: read.",
        ),
        None,
    ),
    "read": (_texts("--read", metavar="S3-PATH", help_="Short for --path with read."), None),
    "write": (_texts("--write", metavar="S3-PATH", help_="Short for --path with write."), None),
    "duration": (_text("--duration", "-d", metavar="TIME", help_="Life of the keys: 900, 15m, 1h30m."), None),
    "renewable_for": (
        _text("--renewable-for", metavar="TIME", help_="How long the lease may be renewed: 12h, 3d."),
        None,
    ),
    "store": (_text("--store", metavar="NAME", help_="Which of the gateway's stores."), None),
    "partial": (
        Annotated[
            bool,
            typer.Option(
                "--partial", help="Take what is granted of the scope, leave the rest out.", rich_help_panel=_PANEL
            ),
        ],
        False,
    ),
    "reason": (_text("--reason", metavar="TEXT", help_="Why, for the audit trail."), None),
    "job": (_text("--job", metavar="TEXT", help_="What for, for the audit trail."), None),
}
"""The options of every command that asks for a lease, by parameter name, with their defaults."""

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_TIME = re.compile(r"(\d{1,9})([smhd]?)", re.ASCII)


def parse_duration(text: str, option: str) -> int:
    """Return a duration such as `900`, `15m` or `1h30m` in seconds."""
    parts = _TIME.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise BadInput(f"{option} is a time such as 900, 15m or 1h30m; {text[:40]!a} is not.")
    if len(parts) > 1 and any(not unit for _number, unit in parts):
        raise BadInput(f"{option} mixes numbers with and without a unit: {text[:40]!a}.")
    seconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
    if seconds <= 0:
        raise BadInput(f"{option} is at least one second.")
    return seconds


def parse_scope(
    paths: Sequence[str] | None,
    accesses: Sequence[str] | None,
    reads: Sequence[str] | None = None,
    writes: Sequence[str] | None = None,
) -> tuple[Wanted, ...]:
    """Return what is asked for, each path checked; nothing means everything."""
    named = list(paths or ())
    levels = [parse_access(text) for text in accesses or ()] or [parse_access("read")]
    if accesses and not named:
        raise BadInput("--access needs a --path.")
    if len(levels) == 1:
        levels *= len(named)
    if len(levels) != len(named):
        raise BadInput(f"There are {len(named)} --path but {len(levels)} --access; give one for all, or one for each.")
    wanted = [Wanted(path, level) for path, level in zip(named, levels, strict=True)]
    wanted += [Wanted(path, "read") for path in reads or ()]
    wanted += [Wanted(path, "write") for path in writes or ()]
    for entry in wanted:
        parse_s3_path(entry.path)
    return tuple(wanted)


def parse_access(text: str) -> Access:
    """Return `text` as `read` or `write`."""
    if text == "read":
        return "read"
    if text == "write":
        return "write"
    raise BadInput(f"The access is read or write, not {text[:40]!a}.")


def make_ask(
    connection: Connection,
    *,
    path: Sequence[str] | None,
    access: Sequence[str] | None,
    read: Sequence[str] | None,
    write: Sequence[str] | None,
    duration: str | None,
    renewable_for: str | None,
    store: str | None,
    partial: bool,
    reason: str | None,
    job: str | None,
) -> Ask:
    """Return the ask that the options of a command describe."""
    return Ask(
        scope=parse_scope(path, access, read, write),
        duration=parse_duration(duration, "--duration") if duration is not None else None,
        renewable_for=parse_duration(renewable_for, "--renewable-for") if renewable_for is not None else None,
        store=store or connection.profile.store,
        partial=partial,
        audit_context={name: text for name, text in (("reason", reason), ("job", job)) if text},
    )
