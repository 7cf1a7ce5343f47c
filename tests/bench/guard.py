"""Compare ratios with those that are committed, and say which have become worse.  It reports; it never fails.

    python -m tests.bench.guard [.bench/bench.json] [--against tests/bench/bench.json]

Only ratios are compared: absolute times say more about the machine than about the code.  So do ratios to figures that
were measured once, elsewhere; they are left out.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

COMMITTED = Path(__file__).with_name("bench.json")
NEWEST = Path(".bench/bench.json")
TOLERANCE = 0.15
_LESS_IS_BETTER = ("_ms", "seconds", "ms", "exponent", "_mib_over_idle")


def compared(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return a line for each ratio that is worse than it was by more than the tolerance."""
    known = {row["name"]: row["ratio"]["middle"] for row in before["rows"] if row["ratio"]}
    lines = []
    for row in after["rows"]:
        was = known.get(row["name"])
        if row["ratio"] is None or not was or row.get("fixed"):
            continue
        now = row["ratio"]["middle"]
        worse = now / was if row["name"].endswith(_LESS_IS_BETTER) else was / (now or 1e-9)
        if worse > 1 + TOLERANCE:
            lines.append(f"{row['name']}: the ratio was {was:g} and is {now:g}")
    return lines


def main() -> int:
    """Print; always 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("found", nargs="?", type=Path, default=NEWEST)
    parser.add_argument("--against", type=Path, default=COMMITTED)
    asked = parser.parse_args()
    for file in (asked.found, asked.against):
        if not file.exists():
            sys.stdout.write(f"bench: nothing to compare, there is no {file}\n")
            return 0
    report(json.loads(asked.against.read_text()), json.loads(asked.found.read_text()))
    return 0


def report(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Say what has become worse."""
    if before.get("schema") != after.get("schema"):
        sys.stdout.write("nothing to compare: the two were written by different versions of the benchmark\n")
        return
    lines = compared(before, after)
    sys.stdout.write("".join(f"worse: {line}\n" for line in lines) or "no ratio is worse than the committed one\n")
    if before["quick"] != after["quick"]:
        sys.stdout.write("(a quick run beside a full one: expect differences)\n")


if __name__ == "__main__":
    raise SystemExit(main())
