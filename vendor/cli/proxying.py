"""`vend proxy`: an S3 endpoint on this machine for programs that know only an access key and a secret."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vendor.cli import child, formats, screen
from vendor.cli.environment import STALE, child_environment, place_variables
from vendor.cli.leasing import tell
from vendor.cli.options import asking_command
from vendor.client.answers import Endpoint
from vendor.client.calls import Ask
from vendor.client.connection import Connection
from vendor.client.errors import BadInput
from vendor.signals import Asked

if TYPE_CHECKING:
    from vendor.client.keeper import Keeper, KeySource
    from vendor.client.sync import Client
    from vendor.integrations.proxy.server import Proxy

Command = Annotated[
    list[str] | None, typer.Argument(metavar="[COMMAND]", help="Run this with the pair, and stop when it ends.")
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0 takes any.")]
PairFile = Annotated[
    Path | None,
    typer.Option("--pair-file", metavar="FILE", help="Keep the pair here, so that it is the same the next time."),
]
LeaseTokenFile = Annotated[
    Path | None,
    typer.Option(
        "--lease-token-file", metavar="FILE", help="Use the lease whose token is here instead of asking for one."
    ),
]
Form = Annotated[
    formats.Format | None, typer.Option("--format", "-f", metavar="FORMAT", help="env (the default), fish or dotenv.")
]
_FORMS = {None, formats.Format.ENV, formats.Format.FISH, formats.Format.DOTENV}


@asking_command
def proxy(
    connection: Connection,
    ask: Ask,
    command_line: Command = None,
    port: Port = 0,
    pair_file: PairFile = None,
    lease_token_file: LeaseTokenFile = None,
    form: Form = None,
) -> int:
    """Serve S3 on this machine to programs that know only an access key and a secret, until Ctrl-C.

    Prints the variables with a pair that is good here alone and never ends; requests go on to the store with keys of
    a lease, renewed as long as this runs. With a command, that gets the variables: vend proxy -- python old.py
    """
    if form not in _FORMS:
        raise BadInput("'vend proxy' prints env, fish or dotenv.")
    if lease_token_file is not None and replace(ask, store=None).body():
        raise BadInput("A lease token has its scope already; say --lease-token-file or what to ask for, not both.")
    from vendor.integrations.proxy.pairs import kept_pair, new_pair
    from vendor.integrations.proxy.server import Proxy

    pair = kept_pair(pair_file) if pair_file is not None else new_pair()
    with Asked() as asked, _keeping(connection, ask, asked, lease_token_file) as keeper:
        try:
            server = Proxy(keeper, pair, port)
        except OSError as error:
            raise BadInput(f"Port {port} of 127.0.0.1 cannot be used ({error.strerror}).") from None
        try:
            variables = _variables(server, keeper.held.endpoint)
            if command_line:
                return child.run(command_line, child_environment(os.environ, variables), asked.received)
            screen.out(formats.render_variables(variables, STALE, form or formats.Format.ENV))
            sys.stdout.flush()
            screen.note("Serving until Ctrl-C.")
            asked.wait()
            return 0
        finally:
            server.close()


def _variables(server: "Proxy", endpoint: Endpoint) -> dict[str, str]:
    here = Endpoint(server.url, endpoint.region, path_style=True)
    return {
        "AWS_ACCESS_KEY_ID": server.pair.access_key,
        "AWS_SECRET_ACCESS_KEY": server.pair.secret.reveal(),
        **place_variables(here),
    }


@contextmanager
def _keeping(connection: Connection, ask: Ask, asked: Asked, lease_token_file: Path | None) -> "Iterator[Keeper]":
    """Hold the keys while the block runs; end the lease after, if it is ours."""
    from vendor.client.keeper import Keeper

    client = connection.client() if lease_token_file is None else _without_identity(connection)
    with client, Keeper(_source(client, ask, lease_token_file), warn=screen.warn) as keeper:
        asked.hold()
        tell(keeper.held)
        yield keeper


def _without_identity(connection: Connection) -> "Client":
    from vendor.client.sync import Client

    return Client(connection.gateway, insecure_http=connection.insecure_http)


def _source(client: "Client", ask: Ask, lease_token_file: Path | None) -> "KeySource":
    from vendor.client.keeper import KeySource
    from vendor.integrations.tokenfile import TokenFileSource

    return KeySource(client, ask) if lease_token_file is None else TokenFileSource(client, lease_token_file)
