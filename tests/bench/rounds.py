"""Rounds in alternation: each side once a round, and in the other order in the next."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Final

Side = Callable[[], Mapping[str, float]]
"""Measures one side once and returns its figures."""
Found = Mapping[str, Sequence[Mapping[str, float]]]
MOST: Final = 15
"""Rounds, however little is known by then."""
_ERROR: Final = 1.2533**2
"""Standard error of a median, as a multiple of the mean deviation over the root of how many there are."""


@dataclass(frozen=True, slots=True)
class Steady:
    """The ratio of a figure of two sides, to be known well enough that another run finds the same.

    `within` is the standard error of its median, as a part of it: with 0.035 two runs differ by 5% on the average, and
    by more than 15% once in five hundred times.
    """

    measured: str
    baseline: str
    figure: str
    within: float = 0.035

    def reached(self, found: Found) -> bool:
        """Say whether it is known so well."""
        pairs = zip(found[self.measured], found[self.baseline], strict=True)
        ratios = [mine[self.figure] / other[self.figure] for mine, other in pairs]
        middle = median(ratios)
        deviation = mean(abs(ratio - middle) for ratio in ratios)
        return _ERROR * deviation / math.sqrt(len(ratios)) <= self.within * middle


def alternate(
    rounds: int, sides: Mapping[str, Side], steady: Sequence[Steady] = ()
) -> dict[str, list[Mapping[str, float]]]:
    """Measure all sides in each round, so that what slows the machine down for a while slows all of them down.

    There are at least `rounds`, and more as long as a ratio does not hold still.
    """
    found: dict[str, list[Mapping[str, float]]] = {name: [] for name in sides}
    for number in range(max(rounds, MOST if steady else 0)):
        if number >= rounds and all(ratio.reached(found) for ratio in steady):
            break
        names = list(sides)
        for name in names if number % 2 == 0 else reversed(names):
            found[name].append(sides[name]())
    return found
