"""Options that every command has, and the one way a command runs and fails."""

import functools
import inspect
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vendor.cli import failures, screen
from vendor.client.errors import ClientError
from vendor.errors import VendError

if TYPE_CHECKING:
    from vendor.client.connection import Connection

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
    typer.Option(
        "--token-file", metavar="FILE", help="Read the identity token here; '-' is stdin.", rich_help_panel=_PANEL
    ),
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
    """Give a command the shared options, which may stand before or after its name, and the one way to fail.

    `function` takes a `Connection` first, then its own options by name.  What it returns is the exit code.
    """
    return _made(function, {}, lambda connection, given: function(connection, **given))


def asking_command(function: Callable[..., int | None]) -> Callable[..., None]:
    """Do the same for a command that asks for a lease: `function` takes a `Connection` and an `Ask` first."""
    from vendor.cli import scope

    def run(connection: "Connection", given: dict[str, Any]) -> int | None:
        ask = scope.make_ask(connection, **{name: given.pop(name) for name in scope.OPTIONS})
        return function(connection, ask, **given)

    return _made(function, scope.OPTIONS, run)


def _made(
    function: Callable[..., int | None],
    more: dict[str, tuple[Any, object]],
    run: "Callable[[Connection, dict[str, Any]], int | None]",
) -> Callable[..., None]:
    @functools.wraps(function)
    def wrapped(context: typer.Context, **given: Any) -> None:
        said: dict[str, Any] = {name: given.pop(name) or (context.obj or {}).get(name) for name in _SHARED}
        debug = bool(said.pop("debug") or os.environ.get("VENDOR_DEBUG"))
        from vendor.client.connection import Choice, Connection, Surroundings  # only now: the help needs none of it

        connection = Connection(Choice(**said), Surroundings(warn=screen.warn))
        try:
            code = run(connection, given)
        except (OSError, EOFError, typer.Exit, typer.Abort, typer.BadParameter):
            raise  # for the last stop in `main`, and for Typer
        except (ClientError, VendError) as error:
            raise typer.Exit(failures.report(error, debug=debug)) from None
        except Exception as error:  # noqa: BLE001 - a trace could show more than a person should see
            raise typer.Exit(failures.report(error, debug=debug)) from None
        raise typer.Exit(code or failures.OK)

    parameters = _parameters(function, more)
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # how inspect lets a wrapper say what it takes
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped


def _parameters(function: Callable[..., int | None], more: dict[str, tuple[Any, object]]) -> list[inspect.Parameter]:
    handed_in = 2 if more else 1  # the connection, and the ask
    own = list(inspect.signature(function, eval_str=True).parameters.values())[handed_in:]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
        for name, (kind, default) in (more | _SHARED).items()
    ]
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    return [context, *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own), *added]
