"""`vend access`, `vend can`, `vend explain`, `vend who-can`: what is granted, why, and to whom."""

from collections.abc import Sequence
from typing import Annotated

import typer

from vendor.cli import failures, screen
from vendor.cli.options import Json, command
from vendor.cli.scope import parse_access
from vendor.client import reach
from vendor.client.connection import Connection
from vendor.client.reach import Explanation, Grant

Path = Annotated[str, typer.Argument(metavar="S3-PATH", help="A folder or object.")]
Action = Annotated[str, typer.Argument(metavar="read|write", help="Also list, or the name of an S3 action.")]
OtherAction = Annotated[
    str, typer.Option("--action", metavar="ACTION", help="read, write, list, or the name of an S3 action.")
]
AsUser = Annotated[
    str | None, typer.Option("--as", metavar="USER", help="For somebody else. For administrators and stewards.")
]
Level = Annotated[str, typer.Option("--access", "-a", metavar="read|write", help="At least this much.")]


@command
def access(connection: Connection, as_json: Json = False) -> None:
    """List everything you may touch, and why."""
    with connection.client() as client:
        found = client.run(reach.access())
    if as_json:
        screen.out_json(found.raw)
        return
    screen.table(
        ("path", "access", "because of", "until", "bytes"),
        [(*_row(grant), "-" if grant.bytes is None else str(grant.bytes)) for grant in found.grants],
    )
    fits = "fits" if found.bytes <= found.limit else "does not fit"
    screen.note(f"One lease for all of it takes {found.bytes} of {found.limit} bytes of policy: it {fits}.")


def _row(grant: Grant) -> tuple[str, str, str, str]:
    return grant.path, grant.access, grant.source, grant.expires_at or "-"


@command
def can(connection: Connection, action: Action, path: Path, as_user: AsUser = None, as_json: Json = False) -> int:
    """Say whether you may read or write a path: exit code 0 for yes, 1 for no."""
    found = _explained(connection, path, action, as_user)
    if as_json:
        screen.out_json(found.raw)
    elif found.allowed:
        screen.out(f"yes, because of {_sources(found.because)}" if found.because else "yes")
    else:
        screen.out("no")
        screen.note(found.remedy)
    return failures.OK if found.allowed else failures.REFUSED


@command
def explain(
    connection: Connection, path: Path, action: OtherAction = "read", as_user: AsUser = None, as_json: Json = False
) -> None:
    """Say why something is allowed or not, what comes nearest, and what would help."""
    found = _explained(connection, path, action, as_user)
    if as_json:
        screen.out_json(found.raw)
        return
    screen.out(f"{action} on {path} is {'allowed' if found.allowed else 'not allowed'}")
    _list("because of", found.because)
    _list("nearest", found.nearest)
    if found.remedy:
        screen.facts({"remedy": found.remedy})


def _explained(connection: Connection, path: str, action: str, as_user: str | None) -> Explanation:
    call = reach.explain(path, action, as_user)
    with connection.client() as client:
        return client.run(call)


def _list(title: str, grants: Sequence[Grant]) -> None:
    for grant in grants:
        end = f" until {grant.expires_at}" if grant.expires_at else ""
        screen.facts({title: f"{grant.source}: {grant.access} on {grant.path}{end}"})


def _sources(grants: Sequence[Grant]) -> str:
    return ", ".join(sorted({grant.source for grant in grants}))


@command
def who_can(connection: Connection, path: Path, level: Level = "read", as_json: Json = False) -> None:
    """List who reaches a path, and through what. For its owner, stewards and administrators."""
    call = reach.who_can(path, parse_access(level))
    with connection.client() as client:
        found = client.run(call)
    if as_json:
        screen.out_json({"holders": [item.raw for item in found]})
        return
    screen.table(
        ("who", "access", "because of", "path", "until", "live leases"),
        [
            (
                item.holder,
                item.access,
                item.source,
                item.path,
                item.expires_at or "-",
                "-" if item.live_leases is None else str(item.live_leases),
            )
            for item in found
        ],
    )
