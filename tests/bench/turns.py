"""Scenarios that compare at length take turns with each other, instead of being measured one after the other."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.bench.figures import Row
from tests.bench.rounds import Comparison, Found, in_turn
from tests.bench.site import Site

VISITS: Final = 11
"""How often what has a ratio is visited at least."""
SELDOM: Final = 4
"""What has none is visited once in so many turns."""
PATIENCE: Final = 350.0
"""Seconds after which nothing is visited more often than that."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One comparison, and what its findings are told as."""

    comparison: Comparison
    rows: Callable[[Found], Iterable[Row]]


Turns = Callable[[Site], Iterator[Turn]]
"""A scenario: it starts and warms up what it compares."""


def measured(scenarios: Mapping[str, Turns], names: Sequence[str], site: Site) -> Iterator[tuple[str, list[Row]]]:
    """Measure scenarios in turn, telling how far it is; yield the rows of each."""
    asked = {name: list(scenarios[name](site)) for name in names}
    comparisons = [turn.comparison for turns in asked.values() for turn in turns]
    visits, patience = (1, 0.0) if site.quick else (VISITS, PATIENCE)
    began = time.monotonic()
    ratios = sum(bool(comparison.steady) for comparison in comparisons)
    for number, lacking in in_turn(comparisons, visits, patience=patience):
        spent = time.monotonic() - began
        sys.stdout.write(f"turn {number}, {spent:.0f} s: {lacking} of {ratios} ratios do not hold still yet\n")
        sys.stdout.flush()
    for name, turns in asked.items():
        yield name, [row for turn in turns for row in turn.rows(turn.comparison.found)]
