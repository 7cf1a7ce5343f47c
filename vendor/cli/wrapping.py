"""`vend mc` and `vend rclone`: run the tool with exactly the rights that its arguments need."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Annotated

import typer

from vendor.cli import child, failures, formats, screen
from vendor.cli.environment import child_environment
from vendor.cli.operands import MC, RCLONE, Operand, Tool, operands
from vendor.cli.options import asking_command
from vendor.cli.places import Places, is_place
from vendor.cli.running import holding, keeping
from vendor.client.answers import Vended
from vendor.client.calls import Ask, Wanted
from vendor.client.connection import Connection
from vendor.names import S3Path
from vendor.signals import Asked

ALIAS = "vendlease"
"""How the tools know the store.  Not `vend`: that may stand in the tool's own configuration, which would win."""

VERSION = 10.0
"""Seconds in which a program has to say what it is."""

Words = Annotated[
    list[str] | None, typer.Argument(metavar="[WORD]...", help="The tool's own command line, from its verb on.")
]
Program = Annotated[str | None, typer.Option("--program", metavar="FILE", help="The program to run instead.")]


@asking_command
def mc(connection: Connection, ask: Ask, words: Words = None, program: Program = None) -> int:
    """Run MinIO's mc with keys to just what its arguments name.

    Places are s3://BUCKET/KEY, tenant:NAME/KEY and home/KEY. Example: vend mc cp --recursive plots/ home/plots/
    """
    found = _program(MC, program)
    if found is None:
        return failures.NOT_FOUND
    line, scope = _resolved(connection, MC, words or [], lambda path: f"{ALIAS}/{path.bucket}/{path.key.text}")
    ask = _asked(ask, scope)
    if not ask.scope:
        return child.run([found, *line], child_environment(os.environ, {}))
    with Asked() as asked, holding(connection, ask, asked) as vended:
        return child.run([found, *line], child_environment(os.environ, mc_variables(vended)), asked.received)


@asking_command
def rclone(connection: Connection, ask: Ask, words: Words = None, program: Program = None) -> int:
    """Run rclone with keys to just what its arguments name, renewed for as long as it runs.

    Places are s3://BUCKET/KEY, tenant:NAME/KEY and home/KEY. Example: vend rclone sync tenant:kbase/maps/ maps/
    """
    found = _program(RCLONE, program)
    if found is None:
        return failures.NOT_FOUND
    line, scope = _resolved(connection, RCLONE, words or [], lambda path: f"{ALIAS}:{path.bucket}/{path.key.text}")
    ask = _asked(ask, scope)
    if not ask.scope:
        return child.run([found, *line], child_environment(os.environ, {}))
    from vendor.cli.loopback import serving

    with Asked() as asked, keeping(connection, ask, asked) as keeper, serving(keeper) as variables:
        variables |= rclone_variables(keeper.held)
        return child.run([found, *line], child_environment(os.environ, variables), asked.received)


def _program(tool: Tool, said: str | None) -> str | None:
    """Return the program to run, or say why there is none."""
    if said is not None:
        found = shutil.which(said)
        if found is None:
            screen.warn(f"{said!a}: command not found")
        return found
    there = [program for name in tool.names or (tool.name,) if (program := shutil.which(name))]
    ours = next((program for program in there if not _is_another(tool, program)), None)
    if ours is None:
        lacking = f"{there[0]!a} is {tool.mistaken}" if there else f"There is no {tool.name} here"
        screen.warn(f"{lacking}: {tool.install}, or name it with --program FILE.")
    return ours


def _is_another(tool: Tool, program: str) -> bool:
    """Say whether a program has the tool's name only."""
    if tool.mistaken is None:
        return False
    try:
        done = subprocess.run(
            [program, "--version"],
            env=child_environment(os.environ, {}),  # whatever it is, our own token is not for it
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=VERSION,
        )
    except (OSError, subprocess.SubprocessError):
        return False  # what is wrong with it shows when it is run
    return tool.mistaken.encode() in done.stdout


def _resolved(
    connection: Connection, tool: Tool, words: Sequence[str], spell: Callable[[S3Path], str]
) -> tuple[list[str], list[Wanted]]:
    """Return the command line with its places as the tool spells them, and what it needs there."""
    line, scope = list(words), []
    found = operands(tool, words, is_place)
    if found:
        with connection.client() as client:
            places = Places(client)
            for operand in found:
                path = places.resolve(_as_folder(operand))
                line[operand.at] = operand.behind + spell(path)
                scope.append(Wanted(path.text, operand.access))
    return line, scope


def _as_folder(operand: Operand) -> str:
    # Listing "x" would mean everything that begins with x, which a grant of x/ does not allow.
    needs_slash = operand.folder and not operand.place.endswith("/")
    return operand.place + "/" if needs_slash else operand.place


def _asked(ask: Ask, scope: Iterable[Wanted]) -> Ask:
    """Return the ask for all of it, each path once, with the most that is done there."""
    levels: dict[str, Wanted] = {}
    for wanted in (*ask.scope, *scope):
        if wanted.path not in levels or wanted.access == "write":
            levels[wanted.path] = wanted
    return replace(ask, scope=tuple(levels.values()))


def mc_variables(vended: Vended) -> dict[str, str]:
    """Return what tells mc of the store: without the region it would ask for it, which is not granted."""
    return {f"MC_HOST_{ALIAS}": formats.mc_host(vended), "MC_REGION": vended.endpoint.region}


def rclone_variables(vended: Vended) -> dict[str, str]:
    """Return what tells rclone of the store; the keys it gets from the endpoint that AWS SDKs know."""
    keys = {"access_key_id", "secret_access_key", "session_token"}
    options = {name: value for name, value in formats.rclone_options(vended).items() if name not in keys}
    return {f"RCLONE_CONFIG_{ALIAS}_{name}".upper(): value for name, value in (options | {"env_auth": "true"}).items()}
