"""What goes where: the asked-for output to stdout, everything else to stderr."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence

from vendor.client.errors import BadInput, ClientError
from vendor.client.text import printable


def out(text: str) -> None:
    """Write asked-for output."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def out_json(value: object) -> None:
    """Write asked-for output as JSON, indented for eyes; programs do not mind."""
    out(json.dumps(value, indent=2))  # all ASCII: what steers terminals stays escaped


def out_json_line(value: object) -> None:
    """Write asked-for output as JSON on one line, for what comes one by one."""
    out(json.dumps(value, separators=(",", ":")))


def say(text: str) -> None:
    """Tell the person something that is not the output."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def warn(text: str) -> None:
    """Warn on stderr."""
    say(f"vend: {text}")


def note(text: str) -> None:
    """Say something that only a person wants to read: nothing if stderr is not a terminal."""
    if sys.stderr.isatty():
        say(text)


def confirm(question: str) -> None:
    """Let a person say yes; anybody else has to say --yes beforehand.  Raises Declined."""
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        raise BadInput("This asks for a confirmation, and there is no terminal.", remedy="Say --yes if it is meant.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise Declined("Nothing was done.")


class Declined(ClientError):
    """A person said no."""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write asked-for output as a table: boxes on a terminal, tab-separated without a header line in a pipe."""
    rows = [[printable(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in rows:
            out("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))  # Text: what looks like markup is not
    Console().print(drawn)


def facts(pairs: Mapping[str, str]) -> None:
    """Write a few named facts, one a line."""
    width = max((len(name) for name in pairs), default=0)
    for name, value in pairs.items():
        out(f"{name:<{width}}  {printable(value)}")
