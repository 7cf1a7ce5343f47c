"""`make bench`: run the scenarios, print a table, write bench.json and bench.html, and compare with last time's ratios.

    python -m tests.bench.run [--quick] [--scenario lease]… [--stalls 20] [--output .bench]

Everything is started here, on loopback; absolute figures belong to this machine, ratios travel.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench import guard, report, stalls, turns
from tests.bench.figures import Row
from tests.bench.scenarios import auditing, governance, leases, mms, parts, repeated, revocation, storm, workers
from tests.bench.site import Site, open_site

OUTPUT = Path(".bench")
COMPARED: Mapping[str, turns.Turns] = {
    leases.NAME: leases.turns,
    auditing.NAME: auditing.turns,
    workers.TWO: workers.two,
    governance.REPLICAS: governance.replicas,
}
"""These take turns with each other, before all others."""
SCENARIOS: Mapping[str, Callable[[Site], Iterator[Row]]] = {
    repeated.NAME: repeated.measure,
    parts.VERIFY: parts.verify,
    parts.PLAN: parts.plan,
    parts.GRANTS: parts.grants,
    storm.NAME: storm.measure,
    workers.MEMORY: workers.memory,
    workers.START: workers.start,
    revocation.NAME: revocation.measure,
    governance.NAME: governance.measure,
    mms.NAME: mms.measure,
}
EVERY: Final = (*COMPARED, *SCENARIOS)
ALONE = {revocation.NAME, governance.NAME, mms.NAME}
"""What they find depends on who has live leases and on what the store keeps: they begin with stacks of their own."""


def run(names: Sequence[str], *, quick: bool, slow_ms: int | None = None) -> list[Row]:
    """Run scenarios one after the other, telling how far it is."""
    rows, held_up = list[Row](), list[Mapping[str, Any]]()
    shared = [name for name in names if name not in ALONE]
    for together in filter(None, [shared, *([name] for name in names if name in ALONE)]):
        with open_site(quick=quick, slow_ms=slow_ms) as site:
            rows += _in_turn([name for name in together if name in COMPARED], site)
            for name in together:
                rows += _found(name, site) if name in SCENARIOS else []
            held_up += stalls.lines_of(site.gateway_logs)
    if slow_ms is not None:
        sys.stdout.write(f"\n{stalls.table(stalls.places(held_up), slow_ms)}\n")
    return rows


def _in_turn(names: Sequence[str], site: Site) -> Iterator[Row]:
    for name, found in turns.measured(COMPARED, names, site) if names else ():
        sys.stdout.write(f"\n{name}\n{report.table(found)}\n")
        yield from found


def _found(name: str, site: Site) -> list[Row]:
    began = time.monotonic()
    found = list(SCENARIOS[name](site))
    sys.stdout.write(f"\n{name}: {time.monotonic() - began:.0f} s\n{report.table(found)}\n")
    sys.stdout.flush()
    return found


def main() -> int:
    """Run; 0 also where a goal is missed, because a slow machine is no mistake."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", default=os.environ.get("QUICK") == "1")
    parser.add_argument("--scenario", action="append", choices=EVERY, help="default: all of them")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder for bench.json and bench.html")
    parser.add_argument("--stalls", type=int, metavar="MS", help="tell what kept a gateway's event loop for longer")
    asked = parser.parse_args()
    try:
        asked.output.mkdir(parents=True, exist_ok=True)  # before anything is measured that could not be kept
    except OSError as failure:
        parser.error(f"{asked.output} cannot be a folder for figures ({failure.strerror})")
    rows = run(asked.scenario or EVERY, quick=asked.quick, slow_ms=asked.stalls)
    report.write(rows, asked.output, quick=asked.quick)
    missed = [row.name for row in rows if row.met is False]
    sys.stdout.write(f"\nwritten: {asked.output}/bench.json, {asked.output}/bench.html\n")
    sys.stdout.write(f"goals missed: {', '.join(missed) or 'none'}\n")
    if guard.COMMITTED.exists():
        guard.report(json.loads(guard.COMMITTED.read_text()), report.as_json(rows, quick=asked.quick))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
