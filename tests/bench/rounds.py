"""Rounds in alternation: each side once a round, and in the other order in the next."""

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from statistics import mean
from typing import Final

from tests.bench.middle import middle

Side = Callable[[], Mapping[str, float]]
"""Measures one side once and returns its figures."""
Found = Mapping[str, Sequence[Mapping[str, float]]]
MOST: Final = 120
"""Rounds, however little is known by then."""
PATIENCE: Final = 35.0
"""Seconds after which there are no further rounds, so that a restless machine comes to an end, too."""
_ERROR: Final = 1.2533
"""Standard error of a middle, as a multiple of the mean deviation over the root of how many there are."""


@dataclass(frozen=True, slots=True)
class Steady:
    """The ratio of a figure of two sides, to be known well enough that another run finds the same.

    `within` is its standard error, as a part of it: with 0.035 two runs differ by 5% on the average, and by more than
    15% once in five hundred times.
    """

    measured: str
    baseline: str
    figure: str
    within: float = 0.035

    def reached(self, found: Found, each: int) -> bool:
        """Say whether it is known so well, from visits of `each` rounds; rounds of one visit resemble each other."""
        pairs = zip(found[self.measured], found[self.baseline], strict=True)
        ratios = [mine[self.figure] / other[self.figure] for mine, other in pairs]
        visits = [middle(ratios[first : first + each]) for first in range(0, len(ratios), each)]
        center = middle(visits)
        deviation = mean(abs(math.log(visit / center)) for visit in visits)
        return len(visits) > 1 and _ERROR * deviation / math.sqrt(len(visits)) <= self.within


def _nothing() -> None:
    pass


@dataclass(slots=True)
class Comparison:
    """Sides that are measured in rounds, a few at each visit, and what was found so far.

    Each visit is `around` something, as is a store having a core of its own; `ready` makes ready for one.  What has no
    ratio to find can do with a visit `every` so many turns.
    """

    sides: Mapping[str, Side]
    steady: Sequence[Steady] = ()
    each: int = 1
    around: Callable[[], AbstractContextManager[None]] = nullcontext
    ready: Callable[[], None] = _nothing
    every: int = 1
    found: dict[str, list[Mapping[str, float]]] = field(init=False)
    _rounds: int = 0

    def __post_init__(self) -> None:
        self.found = {name: [] for name in self.sides}

    def visit(self) -> None:
        """Measure all sides, each time in the other order."""
        self.ready()
        with self.around():
            for _ in range(self.each):
                names = list(self.sides)
                for name in names if self._rounds % 2 == 0 else reversed(names):
                    self.found[name].append(self.sides[name]())
                self._rounds += 1

    @property
    def enough(self) -> bool:
        """Say whether the ratios hold still, or further rounds would be too many."""
        return self._rounds >= MOST or all(ratio.reached(self.found, self.each) for ratio in self.steady)


def in_turn(comparisons: Sequence[Comparison], visits: int, *, patience: float) -> Iterator[tuple[int, int]]:
    """Visit one after the other, `visits` times, and then those whose ratios do not hold still, as long as time lasts.

    So the rounds of each lie all over the time that all of them take, and a machine that is another one for a minute
    changes a few rounds of each instead of all rounds of one.  Yields, after each turn, its number and how many have
    not enough yet.
    """
    until = time.monotonic() + patience
    for number in itertools.count(1):
        for comparison in comparisons:
            needed = number <= visits and (number - 1) % comparison.every == 0
            if needed or (not comparison.enough and time.monotonic() < until):
                comparison.visit()
        lacking = sum(not comparison.enough for comparison in comparisons)
        yield number, lacking
        if number >= visits and (not lacking or time.monotonic() >= until):
            return


def alternate(
    rounds: int, sides: Mapping[str, Side], steady: Sequence[Steady] = (), *, patience: float = PATIENCE
) -> dict[str, list[Mapping[str, float]]]:
    """Measure all sides in each round, so that what slows the machine down for a while slows all of them down.

    There are at least `rounds`, and more as long as a ratio does not hold still, and `patience` lasts.
    """
    comparison = Comparison(sides, steady)
    for _ in in_turn([comparison], rounds, patience=patience):
        pass
    return comparison.found
