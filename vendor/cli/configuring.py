"""`vend config …` and `vend completion`: profiles, and the shell's help with typing."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from vendor.cli import screen
from vendor.cli.help import PanelCommand, PanelGroup
from vendor.cli.options import Json, command
from vendor.client import profiles
from vendor.client.address import parse_service_url
from vendor.client.connection import Connection
from vendor.client.errors import BadInput
from vendor.client.profiles import FLAGS, TEXTS, Config, Profile

SHELLS = ("bash", "zsh", "fish", "powershell")

Key = Annotated[str, typer.Argument(metavar="SETTING", help=f"One of {', '.join((*TEXTS, *FLAGS))}.")]
Value = Annotated[str, typer.Argument(metavar="VALUE", help="Its value; an empty one clears it.")]
Name = Annotated[str, typer.Argument(metavar="PROFILE", help="Name of the profile.")]
Shell = Annotated[str, typer.Argument(metavar="SHELL", help=f"One of {', '.join(SHELLS)}.")]


@command
def list_(connection: Connection, as_json: Json = False) -> None:
    """List the profiles, and whether you are signed in with them."""
    config = connection.config
    names = sorted(config.profiles)
    signed_in = {name: connection.sign_ins.path(name).exists() for name in names}
    if as_json:
        found = {name: _as_json(config.profiles[name]) | {"signed_in": signed_in[name]} for name in names}
        screen.out_json(
            {"default": config.default, "file": str(connection.surroundings.config_file), "profiles": found}
        )
        return
    screen.table(
        ("profile", "gateway", "signed in", ""),
        [
            (
                name,
                config.profiles[name].gateway or "-",
                "yes" if signed_in[name] else "no",
                "default" if name == config.default else "",
            )
            for name in names
        ],
    )


@command
def show(connection: Connection, as_json: Json = False) -> None:
    """Show what is in force: profile, gateway, files."""
    said = {
        "profile": connection.profile_name,
        "gateway": connection.gateway,
        "token from": connection.identity().origin,
        "config file": str(connection.surroundings.config_file),
        "sign-ins in": str(connection.surroundings.state_folder),
    }
    if as_json:
        screen.out_json({name.replace(" ", "_").replace("-", "_"): text for name, text in said.items()})
    else:
        screen.facts(said)


@command
def set_(connection: Connection, key: Key, value: Value, as_json: Json = False) -> None:
    """Change a setting of the profile in force; --profile names another."""
    name = connection.profile_name
    before = connection.config.profiles.get(name, Profile())
    after = _changed(before, key, value)
    _save(connection, connection.config.with_profile(name, after))
    if as_json:
        screen.out_json({"profile": name, **_as_json(after)})


def _changed(before: Profile, key: str, value: str) -> Profile:
    if key in FLAGS:
        if value not in {"true", "false", ""}:
            raise BadInput(f"{key} is true or false.")
        flag: dict[str, Any] = {key: value == "true"}
        return replace(before, **flag)
    if key not in TEXTS:
        raise BadInput(f"{key[:40]!a} is not a setting.", remedy=f"Settings are {', '.join((*TEXTS, *FLAGS))}.")
    if key in {"gateway", "issuer"} and value:
        value = parse_service_url(value, insecure_http=before.insecure_http, what=key)
    text: dict[str, Any] = {key: value or None}
    return replace(before, **text)


@command
def use(connection: Connection, name: Name, as_json: Json = False) -> None:
    """Make a profile the one that is used when none is named."""
    if name not in connection.config.profiles:
        raise BadInput(f"There is no profile {name[:80]!a}.", remedy="See 'vend config list'.")
    _save(connection, replace(connection.config, default=name))
    if as_json:
        screen.out_json({"default": name})


@command
def remove(connection: Connection, name: Name, as_json: Json = False) -> None:
    """Forget a profile and its sign-in. 'vend logout' first ends the sign-in at the provider, too."""
    profiles.parse_profile_name(name)
    config = connection.config
    kept = {other: content for other, content in config.profiles.items() if other != name}
    signed_out = connection.sign_ins.remove(name)
    if len(kept) == len(config.profiles) and not signed_out:
        raise BadInput(f"There is no profile {name!r}.", remedy="See 'vend config list'.")
    _save(connection, Config(config.default, kept))
    if as_json:
        screen.out_json({"profile": name, "removed": True, "signed_out": signed_out})


def _save(connection: Connection, config: Config) -> None:
    profiles.save(connection.surroundings.config_file, config)


def _as_json(profile: Profile) -> dict[str, object]:
    return {key: getattr(profile, key) for key in (*TEXTS, *FLAGS)}


@command
def completion(_connection: Connection, shell: Shell) -> None:
    """Print the script that lets a shell complete 'vend' commands.

    bash: vend completion bash > ~/.local/share/bash-completion/completions/vend
    """
    if shell not in SHELLS:
        raise BadInput(f"{shell[:40]!a} is not a shell that is known.", remedy=f"Known are {', '.join(SHELLS)}.")
    from typer.completion import get_completion_script  # type: ignore[attr-defined]  # re-exported there without being named

    screen.out(get_completion_script(prog_name="vend", complete_var="_VEND_COMPLETE", shell=shell))


app = typer.Typer(
    cls=PanelGroup, add_completion=False, no_args_is_help=True, rich_markup_mode=None, help="Profiles: named gateways."
)
app.command("list", cls=PanelCommand)(list_)
app.command("set", cls=PanelCommand)(set_)
for _command in (show, use, remove):
    app.command(cls=PanelCommand)(_command)
