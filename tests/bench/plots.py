"""The page with plots: plain SVG, two bars for each figure that has a baseline, with the spread over the rounds."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from statistics import median
from typing import Any

from tests.bench.figures import Row, rounded

WIDTH, LEFT, BAR, GAP = 760, 300, 12, 10
_STYLE = """
body{font:14px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#1c2530}
h2{margin-top:2em} svg{max-width:100%;height:auto} text{font:11px system-ui,sans-serif;fill:#1c2530}
.sts{fill:#9aa7b5}.ours{fill:#2f6f9f}.spread{stroke:#1c2530;stroke-width:1}.missed{fill:#b3261e;font-weight:bold}
table{border-collapse:collapse;font-size:12px}td,th{padding:2px 8px;text-align:right;border-bottom:1px solid #dde3ea}
td:first-child,th:first-child,td:last-child{text-align:left}
"""


def page(content: dict[str, Any], rows: Sequence[Row]) -> str:
    """Return the whole page."""
    machine = ", ".join(f"{name} {value}" for name, value in content["machine"].items())
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Vendor: benchmark</title>",
        f"<style>{_STYLE}</style><h1>Benchmark</h1>",
        f"<p>{escape(machine)}, commit {escape(str(content['commit']))}{', quick' if content['quick'] else ''}.",
        "Bars are medians, lines the spread over all rounds; grey is the baseline, blue is what is measured.</p>",
    ]
    for scenario, of_one in groupby(rows, key=lambda row: row.scenario):
        found = list(of_one)
        parts.append(f"<h2>{escape(scenario)}</h2>")
        figures = dict.fromkeys(row.figure for row in found)
        parts += [bars(figure, [row for row in found if row.figure == figure]) for figure in figures]
        parts.append(_table(found))
    return "\n".join(parts) + "\n"


def bars(figure: str, rows: Sequence[Row]) -> str:
    """Return one figure of all cases as an SVG."""
    most = max((value for row in rows for value in (*row.measured, *row.baseline)), default=0.0) or 1.0
    scale = (WIDTH - LEFT - 70) / most
    parts, top = [], 22
    for row in rows:
        parts.append(f'<text x="{LEFT - 8}" y="{top + BAR}" text-anchor="end">{escape(row.case)}</text>')
        for kind, values in (("sts", row.baseline), ("ours", row.measured)):
            if values:
                parts.append(_bar(kind, values, top, scale, missed=kind == "ours" and row.met is False))
                top += BAR + 2
        top += GAP
    head = f'<text x="0" y="12">{escape(figure)}</text>'
    return f'<svg viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" role="img">{head}{"".join(parts)}</svg>'


def _bar(kind: str, values: Sequence[float], top: int, scale: float, *, missed: bool) -> str:
    middle = median(values)
    low, high, line = LEFT + min(values) * scale, LEFT + max(values) * scale, top + BAR / 2
    style = ' class="missed"' if missed else ""
    return (
        f'<rect class="{kind}" x="{LEFT}" y="{top}" width="{middle * scale:.1f}" height="{BAR}"/>'
        f'<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="{line}" y2="{line}"/>'
        f'<text{style} x="{high + 6:.1f}" y="{top + BAR - 2}">{rounded(middle):g}</text>'
    )


def _table(rows: Iterable[Row]) -> str:
    lines = ["<table><tr><th>case</th><th>baseline</th><th>measured</th><th>ratio</th><th>goals</th></tr>"]
    for row in rows:
        base = f"{rounded(median(row.baseline)):g}" if row.baseline else ""
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
        goals = ", ".join(f"{goal}: {'met' if goal.met(row.value(goal.of)) else 'missed'}" for goal in row.goals)
        cells = (f"{row.case} {row.figure}", base, f"{rounded(row.value('measured')):g}", ratio, goals)
        lines.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    return "".join([*lines, "</table>"])
