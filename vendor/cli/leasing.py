"""`vend lease`, `vend env`, `vend process` and `vend exec`."""

import os
from typing import Annotated

import typer

from vendor.cli import child, formats, screen
from vendor.cli.environment import child_environment, static_variables
from vendor.cli.formats import Format
from vendor.cli.options import Json, asking_command
from vendor.client.answers import Vended
from vendor.client.calls import Ask
from vendor.client.connect import Connection
from vendor.client.errors import BadInput
from vendor.times import rfc3339

OutputFormat = Annotated[
    Format | None,
    typer.Option("--format", "-f", metavar="FORMAT", help=f"env (the default) or: {', '.join(list(Format)[1:])}."),
]


@asking_command
def lease(connection: Connection, ask: Ask, form: OutputFormat = None, as_json: Json = False) -> None:
    """Get S3 keys for some paths, or for everything you may touch, and print them.

    --json prints the gateway's whole answer.
    """
    if as_json and form not in {None, Format.JSON}:
        raise BadInput("--json and --format say different things.")
    _print(connection, ask, Format.JSON if as_json else form or Format.ENV)


@asking_command
def env(connection: Connection, ask: Ask, form: OutputFormat = None) -> None:
    """Print S3 keys for a shell or a program.

    In sh, bash and zsh: eval "$(vend env)". The keys end with the lease; 'vend exec' renews them.
    """
    _print(connection, ask, form or Format.ENV)


@asking_command
def process(connection: Connection, ask: Ask) -> None:
    """Be the credential_process of an AWS profile.

    In ~/.aws/config: credential_process = vend process --read s3://lake/some/folder/
    """
    _print(connection, ask, Format.PROCESS)


def _print(connection: Connection, ask: Ask, form: Format) -> None:
    screen.out(formats.render(vend(connection, ask), form))


def vend(connection: Connection, ask: Ask) -> Vended:
    """Ask for a lease, and tell a person at a terminal what it is."""
    with connection.client() as client:
        vended = client.lease(ask)
    for left_out in vended.lease.not_granted:
        screen.warn(f"not granted, so not in this lease: {left_out.access} on {left_out.path}")
    screen.note(f"{vended.lease.id}: {_paths(vended)} for {vended.lease.principal} until {_end(vended)}")
    return vended


def _paths(vended: Vended) -> str:
    count = len(vended.lease.scope)
    return f"{count} path{'' if count == 1 else 's'}"


def _end(vended: Vended) -> str:
    return rfc3339(vended.credentials.expiration)


Command = Annotated[list[str], typer.Argument(metavar="COMMAND", help="What to run, with its arguments.")]


@asking_command
def exec_(connection: Connection, ask: Ask, command_line: Command) -> int:
    """Run a command that finds S3 keys in its environment. Its exit status becomes ours.

    Example: vend exec --read s3://lake/tenants/kbase/ -- python report.py
    """
    vended = vend(connection, ask)
    return child.run(command_line, child_environment(os.environ, static_variables(vended)))
