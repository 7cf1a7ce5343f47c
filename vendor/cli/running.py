"""`vend exec` and `vend server`: keys for programs, renewed for as long as the programs run."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from vendor.cli import child, formats, screen
from vendor.cli.environment import STALE, child_environment, static_variables
from vendor.cli.leasing import tell
from vendor.cli.options import Json, asking_command
from vendor.client.calls import Ask
from vendor.client.connection import Connection
from vendor.client.errors import BadInput
from vendor.signals import Asked

if TYPE_CHECKING:
    from vendor.client.answers import Vended
    from vendor.client.keeper import Keeper
Command = Annotated[list[str], typer.Argument(metavar="COMMAND", help="What to run, with its arguments.")]
Static = Annotated[
    bool,
    typer.Option(
        "--env", help="Put the keys themselves into the environment: for tools that know no other way. Not renewed."
    ),
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0 takes any.")]
ServerFormat = Annotated[
    formats.Format | None,
    typer.Option("--format", "-f", metavar="FORMAT", help="env (the default), fish, dotenv or json."),
]


@asking_command
def exec_(connection: Connection, ask: Ask, command_line: Command, static: Static = False) -> int:
    """Run a command that finds S3 keys, renewed until it ends. Its exit status becomes ours.

    Example: vend exec --read s3://lake/tenants/kbase/ -- python report.py
    """
    if static:
        with Asked() as asked, holding(connection, ask, asked) as vended:
            environ = child_environment(os.environ, static_variables(vended))
            return child.run(command_line, environ, asked.received)
    from vendor.cli.loopback import serving  # only now: servers are slow to import

    with Asked() as asked, keeping(connection, ask, asked) as keeper, serving(keeper) as variables:
        return child.run(command_line, child_environment(os.environ, variables), asked.received)


@asking_command
def server(connection: Connection, ask: Ask, port: Port = 0, form: ServerFormat = None, as_json: Json = False) -> None:
    """Serve S3 keys to the programs of this machine until Ctrl-C.

    Prints the variables through which AWS SDKs find it (the container-credentials contract).
    """
    if form not in {None, formats.Format.ENV, formats.Format.FISH, formats.Format.DOTENV, formats.Format.JSON}:
        raise BadInput("'vend server' prints env, fish, dotenv or json.")
    if as_json and form not in {None, formats.Format.JSON}:
        raise BadInput("--json and --format say different things.")
    from vendor.cli.loopback import serving

    with Asked() as asked, keeping(connection, ask, asked) as keeper, serving(keeper, port) as variables:
        if as_json or form is formats.Format.JSON:
            screen.out_json(variables)
        else:
            screen.out(formats.render_variables(variables, STALE, form or formats.Format.ENV))
        sys.stdout.flush()
        screen.note("Serving until Ctrl-C.")
        asked.wait()


@contextmanager
def keeping(connection: Connection, ask: Ask, asked: Asked) -> "Iterator[Keeper]":
    """Hold a lease while the block runs, and end it after, undisturbed."""
    from vendor.client.keeper import Keeper, KeySource

    with connection.client() as client, Keeper(KeySource(client, ask), warn=screen.warn) as keeper:
        asked.hold()
        tell(keeper.held)
        yield keeper


@contextmanager
def holding(connection: Connection, ask: Ask, asked: Asked) -> "Iterator[Vended]":
    """Hold a lease whose keys are not renewed while the block runs, and end it after, undisturbed."""
    from vendor.client.keeper import KeySource, end_quietly

    with connection.client() as client:
        source = KeySource(client, ask)  # renewable, so that it is ours alone and can be ended
        held = source.first()
        try:
            asked.hold()
            tell(held)
            yield held
        finally:
            end_quietly(source, held, screen.warn)
