"""`vend leases`, `vend renew`, `vend revoke`: the leases that live, and the end of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from vendor.cli import formats, screen
from vendor.cli.leasing import OutputFormat, tell
from vendor.cli.options import Json, command
from vendor.client import live
from vendor.client.answers import Lease
from vendor.client.connection import Connection
from vendor.client.errors import BadInput, SignInNeeded
from vendor.client.paging import all_pages
from vendor.client.text import printable
from vendor.client.tokens import parse_token, read_token_file
from vendor.secret import LeaseToken
from vendor.times import rfc3339

LeaseId = Annotated[str | None, typer.Argument(metavar="[LEASE]", help="Show this one in full.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[LEASE]...", help="Ids of leases.")]
User = Annotated[str | None, typer.Option("--user", metavar="USER", help="Somebody else's. For administrators.")]
All = Annotated[bool, typer.Option("--all", help="All live leases, wherever they are used.")]
LeaseTokenFile = Annotated[
    str | None,
    typer.Option("--lease-token-file", metavar="FILE", help="Read the lease token here; '-' is stdin."),
]


@command
def leases(connection: Connection, lease: LeaseId = None, user: User = None, as_json: Json = False) -> None:
    """List your live leases, or show one."""
    if lease is not None and user is not None:
        raise BadInput("One lease needs no --user.")
    with connection.client() as client:
        if lease is not None:
            _show(client.show(lease), as_json)
            return
        which = {} if user is None else {"user": user}
        found = list(all_pages(client.run, lambda cursor: live.leases(cursor, **which)))
    if as_json:
        screen.out_json({"leases": [item.raw for item in found]})
        return
    screen.table(
        ("lease", "store", "paths", "keys until", "renewable until", "what for"),
        [(item.id, item.store, str(len(item.scope)), *_ends(item), _what_for(item)) for item in found],
    )


def _ends(lease: Lease) -> tuple[str, str]:
    return rfc3339(lease.expires_at), "-" if lease.renewable_until is None else rfc3339(lease.renewable_until)


def _what_for(lease: Lease) -> str:
    said = [str(lease.audit_context[name]) for name in ("job", "reason") if lease.audit_context.get(name)]
    return ", ".join(said) or "-"


def _show(lease: Lease, as_json: bool) -> None:
    if as_json:
        screen.out_json(lease.raw)
        return
    keys_until, renewable_until = _ends(lease)
    screen.facts(
        {
            "lease": lease.id,
            "principal": lease.principal,
            "store": lease.store,
            "issued": rfc3339(lease.issued_at),
            "keys until": keys_until,
            "renewable until": renewable_until,
            "what for": _what_for(lease),
        }
    )
    for entry in lease.scope:
        screen.facts({f"  {entry.access:<5}": f"{entry.path}  ({entry.source})" if entry.source else entry.path})


@command
def renew(
    connection: Connection, lease_token_file: LeaseTokenFile = None, form: OutputFormat = None, as_json: Json = False
) -> None:
    """Print fresh keys for a renewable lease.

    The lease token is what 'vend lease --renewable-for TIME --json' showed as lease_token; VENDOR_LEASE_TOKEN holds it
    too. What is granted is looked up anew.
    """
    if as_json and form not in {None, formats.Format.JSON}:
        raise BadInput("--json and --format say different things.")
    token = _lease_token(connection, lease_token_file)
    with connection.client(anonymous=True) as client:
        vended = client.renew(token)
    tell(vended)
    screen.out(formats.render(vended, formats.Format.JSON if as_json else form or formats.Format.ENV))


def _lease_token(connection: Connection, file: str | None) -> LeaseToken:
    around = connection.surroundings
    if file == "-":
        return LeaseToken(parse_token(around.read_stdin(), "the standard input").reveal())
    if file is not None:
        return LeaseToken(read_token_file(Path(file), around.warn).reveal())
    text = around.environ.get("VENDOR_LEASE_TOKEN")
    if not text:
        raise SignInNeeded("No lease token is given.", remedy="Set VENDOR_LEASE_TOKEN, or say --lease-token-file.")
    return LeaseToken(parse_token(text, "VENDOR_LEASE_TOKEN").reveal())


@command
def revoke(
    connection: Connection, ids: Ids = None, every: All = False, user: User = None, as_json: Json = False
) -> None:
    """End leases, and say from when their keys are dead."""
    if bool(ids) == every or (user is not None and not every):
        raise BadInput("Give ids of leases, or --all (for administrators with --user).")
    with connection.client() as client:
        if every:
            name = user or client.whoami().principal
            answer = client.run(live.revoke_all(name))
            listed = answer.get("leases")
            ended = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
        else:
            ended = [{"id": lease, **client.revoke(lease)} for lease in ids or ()]
    if as_json:
        screen.out_json({"leases": ended})
        return
    for item in ended:
        screen.say(printable(f"Ended: {item.get('id')}, {_when(item)}"))
    if not ended:
        screen.say("There was no live lease.")


def _when(answer: Mapping[str, object]) -> str:
    if answer.get("effective") == "now":
        return "its keys are dead now."
    return f"its keys are dead at latest at {answer.get('at_latest')}."
