"""The results as a table, as `bench.json`, and as a page with plots."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from tests.bench.figures import Row, rounded
from tests.bench.plots import page
from vendor import __version__


def machine() -> dict[str, Any]:
    """Say what kind of machine this is; of figures without it nothing can be said."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "vendor": __version__,
    }


def as_json(rows: Sequence[Row], *, quick: bool) -> dict[str, Any]:
    """Return what is written to `bench.json`."""
    return {
        "schema": 2,
        "quick": quick,
        "commit": commit(),
        "machine": machine(),
        "rows": [row.as_json() for row in rows],
    }


def write(rows: Sequence[Row], folder: Path, *, quick: bool) -> None:
    """Write `bench.json` and `bench.html` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    content = as_json(rows, quick=quick)
    (folder / "bench.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (folder / "bench.html").write_text(page(content, rows), encoding="utf-8")


def table(rows: Iterable[Row]) -> str:
    """Return the rows as lines of text."""
    head = ("what", "baseline", "measured", "ratio", "goals")
    cells = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in {0, 4} else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    goals = ", ".join(f"{goal}: {'met' if goal.met(row.value(goal.of)) else 'MISSED'}" for goal in row.goals)
    return row.name, _spread(row.told), _spread(row.measured), _spread(row.ratios, row.ratio), goals


def _spread(values: Sequence[float], typical: float | None = None) -> str:
    if not values:
        return ""
    text = _short(median(values) if typical is None else typical)
    return text if len(values) == 1 else f"{text} ({_short(min(values))}-{_short(max(values))})"


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{rounded(value):.3g}"


def commit() -> str | None:
    """Return the commit that is checked out, if this is a checkout."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
