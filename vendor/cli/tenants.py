"""`vend tenant …`: tenants, their members and their stewards."""

from typing import Annotated

import typer

from vendor.cli import screen
from vendor.cli.help import PanelCommand, PanelGroup
from vendor.cli.options import Json, command
from vendor.client import governance
from vendor.client.connection import Connection
from vendor.client.errors import BadInput
from vendor.client.governance import Tenant
from vendor.client.paging import all_pages

Name = Annotated[str, typer.Argument(metavar="TENANT", help="Name of the tenant.")]
User = Annotated[str, typer.Argument(metavar="USER", help="Name of the user.")]
Access = Annotated[str, typer.Option("--access", "-a", metavar="read_only|read_write", help="What they may do.")]
Remove = Annotated[bool, typer.Option("--remove", help="Take the office away instead.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DisplayName = Annotated[str | None, typer.Option("--display-name", metavar="TEXT", help="How people call it.")]
Description = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")]
Website = Annotated[str | None, typer.Option("--website", metavar="URL", help="Where to read on.")]
Organization = Annotated[str | None, typer.Option("--organization", metavar="TEXT", help="Who runs it.")]


@command
def list_(connection: Connection, as_json: Json = False) -> None:
    """List the tenants that concern you."""
    with connection.client() as client:
        found = list(all_pages(client.run, governance.tenants))
    if as_json:
        screen.out_json({"tenants": [item.raw for item in found]})
    else:
        screen.table(("tenant", "name", "description"), [(t.name, t.display_name, t.description) for t in found])


@command
def show(connection: Connection, tenant: Name, as_json: Json = False) -> None:
    """Show a tenant with its members and stewards."""
    with connection.client() as client:
        found = client.run(governance.tenant(tenant))
    _show(found, as_json)


def _show(found: Tenant, as_json: bool) -> None:
    if as_json:
        screen.out_json(found.raw)
        return
    said = {
        name.replace("_", " "): str(found.raw[name])
        for name in ("name", "display_name", "description", "website", "organization", "created_at", "created_by")
        if found.raw.get(name) is not None
    }
    screen.facts(said | {"stewards": ", ".join(found.stewards) or "-", "members": str(len(found.members))})


@command
def members(connection: Connection, tenant: Name, as_json: Json = False) -> None:
    """List the members of a tenant, with what they may do."""
    with connection.client() as client:
        found = client.run(governance.tenant(tenant))
    if as_json:
        screen.out_json({"members": found.raw.get("members", []), "stewards": found.raw.get("stewards", [])})
        return
    names = sorted({*found.members, *found.stewards})
    rows = [(name, found.members.get(name, "-"), "steward" if name in found.stewards else "") for name in names]
    screen.table(("user", "access", "office"), rows)


@command
def add(connection: Connection, tenant: Name, user: User, access: Access = "read_only", as_json: Json = False) -> None:
    """Add a member, or change what they may do."""
    if access not in {"read_only", "read_write"}:
        raise BadInput(f"--access is read_only or read_write, not {access[:40]!a}.")
    with connection.client() as client:
        client.run(governance.set_member(tenant, user, access))
    _done(f"{user} is {access} in {tenant}.", as_json, tenant=tenant, user=user, access=access)


@command
def remove(connection: Connection, tenant: Name, user: User, as_json: Json = False) -> None:
    """Remove a member. Their live leases lose what rested on it."""
    with connection.client() as client:
        client.run(governance.remove_member(tenant, user))
    _done(f"{user} is no longer a member of {tenant}.", as_json, tenant=tenant, user=user, access=None)


@command
def steward(connection: Connection, tenant: Name, user: User, take_away: Remove = False, as_json: Json = False) -> None:
    """Make somebody a steward, who may manage members, shares and what is said of the tenant."""
    with connection.client() as client:
        if take_away:
            client.run(governance.remove_steward(tenant, user))
        else:
            client.run(governance.add_steward(tenant, user))
    told = f"{user} is {'no longer' if take_away else 'now'} a steward of {tenant}."
    _done(told, as_json, tenant=tenant, user=user, steward=not take_away)


def _done(told: str, as_json: bool, **what: object) -> None:
    if as_json:
        screen.out_json(what)
    else:
        screen.say(told)


@command
def create(
    connection: Connection,
    tenant: Name,
    display_name: DisplayName = None,
    description: Description = None,
    website: Website = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Create a tenant. For administrators."""
    said = _said(display_name, description, website, organization)
    with connection.client() as client:
        found = client.run(governance.create_tenant(tenant, said))
    _show(found, as_json)


@command
def edit(
    connection: Connection,
    tenant: Name,
    display_name: DisplayName = None,
    description: Description = None,
    website: Website = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Change what is said of a tenant; an empty text clears it."""
    said = _said(display_name, description, website, organization)
    if not said:
        raise BadInput("Nothing to change was given.")
    with connection.client() as client:
        found = client.run(governance.edit_tenant(tenant, {name: text or None for name, text in said.items()}))
    _show(found, as_json)


def _said(
    display_name: str | None, description: str | None, website: str | None, organization: str | None
) -> dict[str, str]:
    said = {
        "display_name": display_name,
        "description": description,
        "website": website,
        "organization": organization,
    }
    return {name: text for name, text in said.items() if text is not None}


@command
def delete(connection: Connection, tenant: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a tenant with its members, stewards and shares; its objects stay. For administrators."""
    if not yes:
        screen.confirm(f"Delete the tenant {tenant}, its memberships and its shares?")
    with connection.client() as client:
        client.run(governance.delete_tenant(tenant))
    _done(f"The tenant {tenant} is deleted.", as_json, tenant=tenant, deleted=True)


app = typer.Typer(
    cls=PanelGroup,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Tenants, members and stewards.",
)
app.command("list", cls=PanelCommand)(list_)
for _command in (show, members, add, remove, steward, create, edit, delete):
    app.command(cls=PanelCommand)(_command)
