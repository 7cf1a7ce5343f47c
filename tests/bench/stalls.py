"""What held up the event loops of the gateways of a run: their lines `slow callback`, put together by where they were.

    python -m tests.bench.run --scenario lease --stalls 20      (or: make bench SCENARIO=lease STALLS=20)

A stretch counts as stolen where the processor was somewhere else for more than half of it: on a machine whose load runs
beside the gateway that says nothing about the gateway.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vendor.slow_callbacks import COLLECTION, EVENT


@dataclass
class Place:
    """Where gateways were held up, and by how much each time, in milliseconds."""

    callback: str
    seen: str
    took: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    collected: list[float] = field(default_factory=list)


def places(lines: Iterable[Mapping[str, Any]]) -> list[Place]:
    """Put lines together; the place with the most time comes first."""
    found: dict[tuple[str, str], Place] = {}
    for line in lines:
        stolen = line["callback"] != COLLECTION and line["cpu_ms"] < line["ms"] / 2
        seen = "(stolen)" if stolen else line.get("seen", "").partition(";")[0]
        place = found.setdefault((line["callback"], seen), Place(line["callback"], seen))
        place.took.append(line["ms"])
        place.worked.append(line.get("cpu_ms", line["ms"]))
        place.collected.append(line.get("gc_ms", line["ms"]))
    return sorted(found.values(), key=lambda place: -sum(place.worked))


def table(found: Iterable[Place], bound: int) -> str:
    """Say what was found, in lines of text."""
    lines = [f"event loops held up for more than {bound} ms:"]
    for place in found:
        lines.append(
            f"  {len(place.took):4} times, at most {max(place.took):6.1f} ms, in all {sum(place.took):8.0f} ms, of it "
            f"processor {sum(place.worked):.0f} ms, garbage {sum(place.collected):.0f} ms"
        )
        lines.append(f"       {place.callback}")
        if place.seen:
            lines.append(f"       at {place.seen}")
    return "\n".join(lines if len(lines) > 1 else [f"{lines[0]} never"])


def lines_of(logs: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Yield what the logs of gateways say about slow callbacks."""
    for log in logs:
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if EVENT in line and line.startswith("{"):
                yield json.loads(line)
