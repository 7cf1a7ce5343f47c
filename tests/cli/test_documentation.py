"""What the documentation shows exists and what exists is documented; help is quick and needs nothing of the gateway."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from vendor.cli import main
from vendor.cli.formats import Format

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [path for path in (ROOT / "docs" / "vend.md", ROOT / "README.md") if path.exists()]


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


def shown() -> Iterator[tuple[str, tuple[str, ...], list[str]]]:
    """Yield every use of `vend` in the documents: where, which command, with which options."""
    for document in DOCUMENTS:
        for line in code(document.read_text()):
            for found in re.finditer(r"(?<![\w/:.-])vend ([a-z][^|;)#`]*)", line):
                words = re.split(r" -- |\s#", found[1])[0].split()
                name = tuple(words[:2]) if words[0] in GROUPS and len(words) > 1 else (words[0],)
                if name in TOOLS:
                    words = words[: next((at for at, word in enumerate(words) if at and word[0] != "-"), None)]
                yield (
                    f"{document.name}: {line.strip()}",
                    name,
                    [w.split("=")[0] for w in words if w.startswith("-") and w != "-"],
                )


def test_every_command_and_option_shown_exists() -> None:
    seen = list(shown())
    assert len(seen) > 30
    for where, name, used in seen:
        assert name in COMMANDS, where
        for option in used:
            assert option in options(COMMANDS[name]), where


def test_every_command_is_documented() -> None:
    text = (ROOT / "docs" / "vend.md").read_text()
    for name in COMMANDS:
        assert f"vend {' '.join(name)}" in text, name


def test_every_format_is_documented() -> None:
    text = (ROOT / "docs" / "vend.md").read_text()
    table = text[text.index("| `--format` | For |") : text.index("Every value is quoted")]
    assert {
        name for row in table.splitlines()[2:] if row for name in re.findall(r"`([\w-]+)`", row.split("|")[1])
    } == set(Format)


def test_every_option_of_its_own_is_documented() -> None:
    """Those that every command has are said once, in prose or a table."""
    text = (ROOT / "docs" / "vend.md").read_text()
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
