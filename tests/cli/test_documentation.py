"""What the documentation shows exists and what exists is documented; help is quick and needs nothing of the gateway."""

import itertools
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from vendor.cli import main
from vendor.cli.formats import Format

ROOT = Path(__file__).resolve().parents[2]
VEND_MD = ROOT / "docs" / "vend.md"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(group: Any, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "commands"):
            yield from commands(command, (*prefix, name))
        else:
            yield (*prefix, name), command


ROOT_GROUP: Any = get_command(main.app)
COMMANDS = dict(commands(ROOT_GROUP))
GROUPS = {name for name, *rest in COMMANDS if rest}
TOOLS = {("mc",), ("rclone",)}
"""Commands behind whose first word all options are another program's."""


def options(command: Any) -> set[str]:
    names = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return {name for name in names if name.startswith("-")} | {"--help", "-h"}


def code(text: str) -> Iterator[str]:
    """Yield the code in a Markdown text: blocks, line by line with continuations joined, and inline pieces."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    for block in blocks:
        yield from block.replace("\\\n", " ").splitlines()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))


@dataclass(frozen=True)
class Use:
    """One use of `vend` in a text: where it stands, which command it is, with which options."""

    where: str
    command: tuple[str, ...]
    options: list[str]


def uses(where: str, lines: Iterable[str]) -> Iterator[Use]:
    for line in lines:
        for found in re.finditer(r"(?<![\w/:.-])vend ((?:--?[a-z]|[a-z])[^|;)#`]*)", line):
            words = re.split(r" -- |\s#|\s-->", found[1])[0].replace("…", "").split()
            before = list(itertools.takewhile(lambda word: word[0] == "-", words))
            words = words[len(before) :]
            if words:
                name = tuple(words[:2]) if words[0] in GROUPS and len(words) > 1 else (words[0],)
                if name in TOOLS:
                    words = words[: next((at for at, word in enumerate(words) if at and word[0] != "-"), None)]
                options = [word.split("=")[0].rstrip(".,") for word in before + words if word[0] == "-" and word != "-"]
                yield Use(f"{where}: {line.strip()}", name, options)


def in_documents() -> Iterator[Use]:
    for document in DOCUMENTS:
        yield from uses(document.name, code(document.read_text(encoding="utf-8")))


def in_help() -> Iterator[Use]:
    """What the help, and every remedy and hint in the code, tells people to type."""
    for name, command in COMMANDS.items():
        yield from uses(f"help of {' '.join(name)}", (command.help or "").replace("'", "`").splitlines())
    for file in sorted((ROOT / "vendor").rglob("*.py")):
        yield from uses(file.name, re.findall(r"'(vend [^'\n{]+)", file.read_text(encoding="utf-8")))


def wrong(found: Iterable[Use]) -> list[Use]:
    """Return the uses whose command, or one of whose options, does not exist."""
    return [
        use for use in found if use.command not in COMMANDS or not set(use.options) <= options(COMMANDS[use.command])
    ]


@pytest.mark.parametrize(("where", "least"), [(in_documents, 60), (in_help, 20)], ids=["documents", "help-and-hints"])
def test_every_command_and_option_shown_exists(where: Callable[[], Iterator[Use]], least: int) -> None:
    seen = list(where())
    assert len(seen) >= least
    assert wrong(seen) == []


@pytest.mark.parametrize("line", ["vend nonsense", "vend env --nonsense", "vend audit nonsense", "vend --nonsense env"])
def test_what_does_not_exist_would_be_seen(line: str) -> None:
    assert wrong(uses("here", [line]))


def test_every_option_named_alone_exists() -> None:
    known = set().union(*(options(command) for command in COMMANDS.values()))
    others = {"--include"}  # rclone's
    for piece in code(VEND_MD.read_text(encoding="utf-8")):
        if piece.startswith("--"):
            for option in re.findall(r"(?<!\S)--[a-z][a-z-]*", piece):
                assert option in known | others, piece


def test_every_command_is_documented() -> None:
    text = VEND_MD.read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"vend {' '.join(name)}" in text, name


def test_every_format_is_documented() -> None:
    text = VEND_MD.read_text(encoding="utf-8")
    table = text[text.index("| `--format` | For |") : text.index("Every value is quoted")]
    assert {
        name for row in table.splitlines()[2:] if row for name in re.findall(r"`([\w-]+)`", row.split("|")[1])
    } == set(Format)


def test_every_option_of_its_own_is_documented() -> None:
    """Those that every command has are said once, in prose or a table."""
    text = VEND_MD.read_text(encoding="utf-8")
    own = {"--help", "-h", "--yes", "-y", "--json"} | {f"-{letter}" for letter in "pafd"}
    metadata = {
        "--display-name",
        "--description",
        "--website",
        "--organization",
        "--remove",
        "--client-id",
        "--browser",
    }
    for name, command in COMMANDS.items():
        for option in options(command) - own - metadata - {"--owner"}:
            assert option in text, (name, option)


def test_the_help_of_vend_itself_lists_every_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vendor.cli.main", "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    for name, entry in main.COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(entry.line)}$", done.stdout, re.MULTILINE), name
        assert entry.line.endswith(".")


def test_every_command_explains_itself() -> None:
    for name, command in COMMANDS.items():
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", None), (name, parameter.name)


LIGHT = """
import sys
forbidden = {"boto3", "botocore", "redis", "starlette", "uvicorn", "pydantic", "aiohttp", "structlog", "minio"}
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in forbidden:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import importlib, pkgutil, vendor.cli, vendor.client
for package in (vendor.cli, vendor.client):
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
"""


def test_it_runs_without_what_the_gateway_needs() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


SLOW_TO_IMPORT = ("httpx2", "authlib", "rich", "asyncio", "http.server", "importlib.metadata", "platformdirs")


def test_help_imports_nothing_slow() -> None:
    """The time itself is the benchmark's business; what it is spent on is ours."""
    code = f"import sys, vendor.cli.main; print([name for name in {SLOW_TO_IMPORT!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
