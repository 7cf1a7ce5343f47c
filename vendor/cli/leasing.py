"""`vend lease`, `vend env` and `vend process`: print keys."""

import time
from typing import Annotated

import typer

from vendor.cli import formats, screen
from vendor.cli.formats import Format
from vendor.cli.options import Json, asking_command
from vendor.client.answers import Vended
from vendor.client.calls import Ask
from vendor.client.connection import Connection
from vendor.client.errors import BadInput, ClientError, GatewayError, Unavailable
from vendor.times import rfc3339

PAUSES = (1.0, 2.0)
"""Seconds before `vend process` asks a gateway again that was away."""

OutputFormat = Annotated[
    Format | None,
    typer.Option("--format", "-f", metavar="FORMAT", help=f"env (the default) or: {', '.join(list(Format)[1:])}."),
]


@asking_command
def lease(connection: Connection, ask: Ask, form: OutputFormat = None, as_json: Json = False) -> None:
    """Get S3 keys for some paths, or for everything you may touch, and print them.

    --json prints the gateway's whole answer.
    """
    _print(connection, ask, _format(form, as_json))


def _format(form: Format | None, as_json: bool) -> Format:
    if as_json and form not in {None, Format.JSON}:
        raise BadInput("--json and --format say different things.")
    return Format.JSON if as_json else form or Format.ENV


@asking_command
def env(connection: Connection, ask: Ask, form: OutputFormat = None, as_json: Json = False) -> None:
    """Print S3 keys for a shell or a program.

    In sh, bash and zsh: eval "$(vend env)". The keys end with the lease; 'vend exec' renews them.
    """
    _print(connection, ask, _format(form, as_json))


@asking_command
def process(connection: Connection, ask: Ask) -> None:
    """Be the credential_process of an AWS profile.

    In ~/.aws/config: credential_process = vend process --read s3://lake/some/folder/
    """
    screen.out(formats.render(_patiently(connection, ask), Format.PROCESS))


def _patiently(connection: Connection, ask: Ask) -> Vended:
    """Ask as `vend` does, and again while the gateway is away: SDKs run this once and believe its failure."""
    for pause in PAUSES:
        try:
            return vend(connection, ask)
        except ClientError as error:
            if not _is_passing(error):
                raise
            time.sleep(pause)
    return vend(connection, ask)


def _is_passing(error: ClientError) -> bool:
    """Say whether asking again may help: nobody answered, or something behind the gateway was away."""
    return isinstance(error, Unavailable) or (isinstance(error, GatewayError) and error.status in {502, 503})


def _print(connection: Connection, ask: Ask, form: Format) -> None:
    screen.out(formats.render(vend(connection, ask), form))


def vend(connection: Connection, ask: Ask) -> Vended:
    """Ask for a lease, and tell a person at a terminal what it is."""
    with connection.client() as client:
        vended = client.lease(ask)
    tell(vended)
    return vended


def tell(vended: Vended) -> None:
    """Tell on stderr what a lease lacks, and a person at a terminal what it is."""
    for left_out in vended.lease.not_granted:
        screen.warn(f"not granted, so not in this lease: {left_out.access} on {left_out.path}")
    count = len(vended.lease.scope)
    paths = f"{count} path{'' if count == 1 else 's'}"
    end = rfc3339(vended.credentials.expiration)
    screen.note(f"{vended.lease.id}: {paths} for {vended.lease.principal} until {end}")
