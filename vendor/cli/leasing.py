"""`vend lease` and `vend exec`."""

import os
from typing import Annotated

import typer

from vendor.cli import child, formats, options, screen
from vendor.cli.environment import child_environment, static_variables
from vendor.cli.formats import Format
from vendor.cli.options import command
from vendor.client.answers import Vended
from vendor.client.calls import Ask
from vendor.client.connect import Connection
from vendor.client.errors import BadInput
from vendor.times import rfc3339

OutputFormat = Annotated[Format | None, typer.Option("--format", "-f", help="What to print. Default: env.")]


@command
def lease(
    connection: Connection,
    path: options.Paths = None,
    access: options.Accesses = None,
    read: options.ReadPaths = None,
    write: options.WritePaths = None,
    duration: options.Duration = None,
    renewable_for: options.RenewableFor = None,
    store: options.Store = None,
    partial: options.Partial = False,
    reason: options.Reason = None,
    job: options.Job = None,
    form: OutputFormat = None,
    as_json: options.Json = False,
) -> None:
    """Get S3 keys for some paths, or for everything you may touch, and print them.

    For this shell: eval "$(vend lease --path s3://lake/home/me/ --access write)"
    """
    if as_json and form not in {None, Format.JSON}:
        raise BadInput("--json and --format say different things.")
    ask = options.make_ask(
        connection,
        options.parse_scope(path, access, read, write),
        duration=duration,
        renewable_for=renewable_for,
        store=store,
        partial=partial,
        reason=reason,
        job=job,
    )
    vended = vend(connection, ask)
    screen.out(formats.render(vended, Format.JSON if as_json else form or Format.ENV))


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


Command = Annotated[list[str], typer.Argument(metavar="-- COMMAND [ARGUMENT]...", help="What to run.")]


@command
def exec_(
    connection: Connection,
    command_line: Command,
    path: options.Paths = None,
    access: options.Accesses = None,
    read: options.ReadPaths = None,
    write: options.WritePaths = None,
    duration: options.Duration = None,
    store: options.Store = None,
    partial: options.Partial = False,
    reason: options.Reason = None,
    job: options.Job = None,
) -> int:
    """Run a command that finds S3 keys in its environment. Its exit status becomes ours.

    Example: vend exec --read s3://lake/tenants/kbase/ -- python report.py
    """
    ask = options.make_ask(
        connection,
        options.parse_scope(path, access, read, write),
        duration=duration,
        store=store,
        partial=partial,
        reason=reason,
        job=job,
    )
    vended = vend(connection, ask)
    return child.run(command_line, child_environment(os.environ, static_variables(vended)))
