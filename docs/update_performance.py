"""Write the table of docs/performance.md anew from tests/bench/bench.json: python docs/update_performance.py [FILE]

FILE, the `.bench/bench.json` of a run, is first put in the place of the committed one.
"""

import sys
from typing import Any

from committed_figures import BENCH, Part


def table(content: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    machine = content["machine"]
    lines = [
        f"{machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}, Python {machine['python']}; "
        f"{'a quick run' if content['quick'] else 'a full run'} at commit {content['commit']}. "
        "Medians and middle ratios, with the least and the most of all rounds.",
        "",
        "| what | baseline | measured | ratio | goals |",
        "|---|---:|---:|---:|---|",
    ]
    for row in content["rows"]:
        goals = ", ".join(f"{one['goal']}: {'met' if one['met'] else '**missed**'}" for one in row["goals"])
        cells = [_spread(row[column]) for column in ("baseline", "measured", "ratio")]
        lines.append(f"| {row['name']} | {' | '.join(cells)} | {goals} |")
    return "\n".join(lines)


def _spread(found: dict[str, float] | None) -> str:
    if found is None:
        return ""
    text = f"{found['middle']:g}"
    return text if found["rounds"] == 1 else f"{text} ({found['least']:g} to {found['most']:g})"


PART = Part("table", BENCH / "bench.json", table)


if __name__ == "__main__":
    sys.exit(PART.main(sys.argv[1:]))
