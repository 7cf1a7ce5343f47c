"""docs/clients.md: the table of what a run of all clients found.

python -m tests.clients.table
"""

import json
import re
import sys
from pathlib import Path

from tests.clients.clients import CLIENTS, Client
from tests.clients.installing import INSTALLED, ROOT

PAGE = ROOT / "docs" / "clients.md"
RESULTS = INSTALLED / "results"
BEGIN, END = "<!-- clients: made by make test-clients -->", "<!-- end of clients -->"
HEAD = (
    "| client | version | door | settings | reads, writes | denied beside | renewals survived | a failing renewal |",
    "|---|---|---|---|---|---|---|---|",
)
_ROW = re.compile(r"(?m)^\| ([^|]+?) \| [^|]* \| (container credentials|STS|`vend process`) \|")


def names_in(text: str) -> list[tuple[str, str]]:
    """Return name and door of every row."""
    return [(name, door) for name, door in _ROW.findall(text)]


def page(text: str) -> str:
    """Return the page with its table as the last run found it."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit("docs/clients.md has lost a mark around its table")
    found = {(name, door): json.loads(said) for name, door, said in map(_read, RESULTS.glob("*.json"))}
    notes = [f"- **{one.name}, {one.door}**: {one.limitation}" for one in CLIENTS if one.limitation]
    lines = [*HEAD, *(_row(client, found.get((client.name, client.door))) for client in CLIENTS), "", *notes]
    return before + "\n".join([begin, *lines, end]) + after


def _read(file: Path) -> tuple[str, str, str]:
    name, door, said = json.loads(file.read_text())
    return name, door, said


def _row(client: Client, found: dict[str, object] | None) -> str:
    settings = [f"`{name}`" for name in client.settings if name.startswith("AWS_")]
    shown = ", ".join([*settings, *([client.shown] if client.shown else [])])
    if found is None:
        return f"| {client.name} | - | {client.door} | {shown} | did not run | | | |"
    limited = "PASS, see below" if client.limitation else "PASS"
    cells = ("PASS", "PASS" if found["denied"] else "FAIL", f"PASS ({found['renewals']})", limited)
    return f"| {client.name} | {found['version']} | {client.door} | {shown} | {' | '.join(cells)} |"


if __name__ == "__main__":
    written = page(PAGE.read_text("utf-8"))
    PAGE.write_text(written, encoding="utf-8")
    missing = written.count("did not run")
    print(f"docs/clients.md: {len(CLIENTS) - missing} clients, {missing} did not run")  # noqa: T201  it is a script
    sys.exit(bool(missing))
