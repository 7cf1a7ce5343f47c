"""Options that many commands share, and how their values are read."""

import functools
import inspect
import os
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from vendor.cli import failures, screen
from vendor.client.answers import Access
from vendor.client.calls import Ask, Wanted
from vendor.client.connect import Choice, Connection, Surroundings
from vendor.client.errors import BadInput, ClientError
from vendor.errors import VendError
from vendor.names import parse_s3_path

_PANEL = "Gateway and identity"

Gateway = Annotated[
    str | None,
    typer.Option("--gateway", metavar="URL", help="Address of the gateway; else VENDOR_URL.", rich_help_panel=_PANEL),
]
ProfileName = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help="Profile to use; else VENDOR_PROFILE.", rich_help_panel=_PANEL),
]
TokenFile = Annotated[
    str | None,
    typer.Option("--token-file", metavar="FILE", help="Read the identity token here.", rich_help_panel=_PANEL),
]
InsecureHttp = Annotated[
    bool,
    typer.Option("--insecure-http", help="Permit plain http to another machine.", rich_help_panel=_PANEL),
]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show where an error came from, without secrets.", rich_help_panel=_PANEL)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_SHARED: dict[str, tuple[Any, object]] = {
    "gateway": (Gateway, None),
    "profile": (ProfileName, None),
    "token_file": (TokenFile, None),
    "insecure_http": (InsecureHttp, False),
    "debug": (Debug, False),
}


def before_the_command(
    context: typer.Context,
    gateway: Gateway = None,
    profile: ProfileName = None,
    token_file: TokenFile = None,
    insecure_http: InsecureHttp = False,
    debug: Debug = False,
) -> None:
    """Keep the shared options that stand before the command's name."""
    context.obj = {
        "gateway": gateway,
        "profile": profile,
        "token_file": token_file,
        "insecure_http": insecure_http,
        "debug": debug,
    }


def command(function: Callable[..., int | None]) -> Callable[..., None]:
    """Give a command the shared options and the one way to fail.

    `function` takes a `Connection` first; the options may stand before or after the command's name.  What it returns
    is the exit code.
    """
    signature = inspect.signature(function, eval_str=True)
    own = list(signature.parameters.values())[1:]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
        for name, (kind, default) in _SHARED.items()
    ]
    context_parameter = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)

    @functools.wraps(function)
    def wrapped(context: typer.Context, **given: Any) -> None:
        said: dict[str, Any] = {name: given.pop(name) or (context.obj or {}).get(name) for name in _SHARED}
        debug = bool(said.pop("debug") or os.environ.get("VENDOR_DEBUG"))
        connection = Connection(Choice(**said), Surroundings(warn=screen.warn))
        try:
            code = function(connection, **given)
        except (ClientError, VendError) as error:
            raise typer.Exit(failures.report(error, debug=debug)) from None
        except (OSError, KeyboardInterrupt, EOFError, typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as error:  # noqa: BLE001 - the last stop: a trace could show more than a person should see
            raise typer.Exit(failures.report(error, debug=debug)) from None
        raise typer.Exit(code or 0)

    parameters = [context_parameter, *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own), *shared]
    wrapped.__signature__ = signature.replace(parameters=parameters, return_annotation=None)  # type: ignore[attr-defined]  # how inspect lets a wrapper say what it takes
    wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapped


# Scope and life of a lease ------------------------------------------------------------------------------------------

Paths = Annotated[
    list[str] | None,
    typer.Option("--path", "-p", metavar="S3-PATH", help="A path to ask for; again for more. Default: all you have."),
]
Accesses = Annotated[
    list[str] | None,
    typer.Option(
        "--access", "-a", metavar="read|write", help="For the --path at the same place, or one for all. Default: read."
    ),
]
ReadPaths = Annotated[list[str] | None, typer.Option("--read", metavar="S3-PATH", help="Short for --path with read.")]
WritePaths = Annotated[
    list[str] | None, typer.Option("--write", metavar="S3-PATH", help="Short for --path with write.")
]
Duration = Annotated[
    str | None, typer.Option("--duration", "-d", metavar="TIME", help="Life of the keys: 900, 15m, 1h30m.")
]
RenewableFor = Annotated[
    str | None, typer.Option("--renewable-for", metavar="TIME", help="How long the lease may be renewed: 12h, 3d.")
]
Store = Annotated[str | None, typer.Option("--store", metavar="NAME", help="Which of the gateway's stores.")]
Partial = Annotated[bool, typer.Option("--partial", help="Take what is granted of the scope, leave the rest out.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why, for the audit trail.")]
Job = Annotated[str | None, typer.Option("--job", metavar="TEXT", help="What for, for the audit trail.")]

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
    levels = [_access(text) for text in accesses or ()] or [_access("read")]
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


def _access(text: str) -> Access:
    if text == "read":
        return "read"
    if text == "write":
        return "write"
    raise BadInput(f"--access is read or write, not {text[:40]!a}.")


def make_ask(
    connection: Connection,
    scope: Sequence[Wanted],
    *,
    duration: str | None = None,
    renewable_for: str | None = None,
    store: str | None = None,
    partial: bool = False,
    reason: str | None = None,
    job: str | None = None,
) -> Ask:
    """Return the ask that the options of a command describe."""
    return Ask(
        scope=scope,
        duration=parse_duration(duration, "--duration") if duration else None,
        renewable_for=parse_duration(renewable_for, "--renewable-for") if renewable_for else None,
        store=store or connection.profile.store,
        partial=partial,
        audit_context={name: text for name, text in (("reason", reason), ("job", job)) if text},
    )
