"""`vend share`, `vend unshare`, `vend shares`: let others reach your paths."""

import time
from collections.abc import Callable, Iterable
from typing import Annotated

import typer

from vendor.cli import screen
from vendor.cli.options import Json, command
from vendor.cli.scope import parse_access, parse_duration
from vendor.client import governance
from vendor.client.connection import Connection
from vendor.client.errors import BadInput
from vendor.client.governance import Share, parse_target
from vendor.client.paging import Page, all_pages
from vendor.times import parse_rfc3339, rfc3339

Path = Annotated[str, typer.Argument(metavar="S3-PATH", help="A folder or object of yours, or of your tenant's.")]
With = Annotated[
    list[str], typer.Option("--with", metavar="WHOM", help="A user, tenant:NAME, or everyone; again for more.")
]
Level = Annotated[str, typer.Option("--access", "-a", metavar="read|write", help="What they may do.")]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="When it ends: 2026-12-31T18:00:00Z.")]
For = Annotated[str | None, typer.Option("--for", metavar="TIME", help="How long it lasts: 12h, 30d.")]


@command
def share(
    connection: Connection,
    path: Path,
    with_: With,
    access: Level = "read",
    until: Until = None,
    for_: For = None,
    as_json: Json = False,
) -> None:
    """Let somebody else reach a path of yours.

    Example: vend share s3://lake/users/me/plots/ --with bob --with tenant:kbase --for 30d
    """
    targets = [parse_target(text) for text in with_]
    call = governance.share(path, targets, parse_access(access), _end(until, for_))
    with connection.client() as client:
        made = client.run(call)
    _print(made, as_json)


def _end(until: str | None, for_: str | None) -> str | None:
    if until is not None and for_ is not None:
        raise BadInput("--until and --for say the same thing twice.")
    if for_ is not None:
        return rfc3339(time.time() + parse_duration(for_, "--for"))
    if until is None:
        return None
    try:
        return rfc3339(parse_rfc3339(until))
    except ValueError:
        raise BadInput(
            f"--until is a time with its zone, such as 2026-12-31T18:00:00Z; {until[:40]!a} is not."
        ) from None


Which = Annotated[list[str], typer.Argument(metavar="SHARE|S3-PATH", help="Ids of shares, or one path.")]
OnlyWith = Annotated[
    list[str] | None, typer.Option("--with", metavar="WHOM", help="For a path: only the shares with these.")
]


@command
def unshare(connection: Connection, which: Which, with_: OnlyWith = None, as_json: Json = False) -> None:
    """Take shares back. Live leases lose what rested on them."""
    with connection.client() as client:
        if any(text.startswith(("s3://", "s3a://")) for text in which):
            ids = _at_path(client.run, which, with_)
        elif with_:
            raise BadInput("--with goes with a path, not with ids.")
        else:
            ids = list(which)
        for share_id in ids:
            client.run(governance.unshare(share_id))
            if not as_json:
                screen.say(f"Taken back: {share_id}")
    if as_json:
        screen.out_json({"taken_back": ids})


def _at_path(run: Callable[..., Page[Share]], which: list[str], with_: list[str] | None) -> list[str]:
    if len(which) != 1:
        raise BadInput("Give one path, or any number of ids.")
    path = which[0]
    wanted = {parse_target(text) for text in with_ or ()}
    found = all_pages(run, lambda cursor: governance.shares(cursor, path=path))
    fitting = [item for item in found if _same(item.path, path) and (not wanted or item.target in wanted)]
    if not fitting:
        raise BadInput("There is no such share of this path.", remedy=f"See 'vend shares --path {path}'.")
    return [item.id for item in fitting]


def _same(one: str, other: str) -> bool:
    return one.partition("://")[2].rstrip("/") == other.partition("://")[2].rstrip("/")


Owner = Annotated[
    str | None, typer.Option("--owner", metavar="OWNER", help="Of user:NAME or tenant:NAME, instead of yours.")
]
AtPath = Annotated[
    str | None, typer.Option("--path", "-p", metavar="S3-PATH", help="Of this path and what is under it.")
]
WithWhom = Annotated[
    str | None, typer.Option("--with", metavar="WHOM", help="Given to me, user:NAME, tenant:NAME or everyone.")
]


@command
def shares(
    connection: Connection, owner: Owner = None, path: AtPath = None, with_: WithWhom = None, as_json: Json = False
) -> None:
    """List the shares of your home, or others that concern you."""
    which = {name: text for name, text in (("owner", owner), ("path", path), ("with", with_)) if text is not None}
    if len(which) > 1:
        raise BadInput("--owner, --path and --with exclude each other.")
    with connection.client() as client:
        found = list(all_pages(client.run, lambda cursor: governance.shares(cursor, **which)))
    _print(found, as_json)


def _print(found: Iterable[Share], as_json: bool) -> None:
    if as_json:
        screen.out_json({"shares": [item.raw for item in found]})
        return
    screen.table(
        ("id", "path", "with", "access", "until"),
        [(item.id, item.path, str(item.target), item.access, item.expires_at or "-") for item in found],
    )
