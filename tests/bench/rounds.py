"""Rounds in alternation: each side once a round, and in the other order in the next."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Final

Side = Callable[[], Mapping[str, float]]
"""Measures one side once and returns its figures."""
Found = Mapping[str, Sequence[Mapping[str, float]]]
MOST: Final = 30
"""Rounds, however little is known by then."""
PATIENCE: Final = 35.0
"""Seconds after which there are no further rounds, so that a restless machine comes to an end, too."""
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
    rounds: int, sides: Mapping[str, Side], steady: Sequence[Steady] = (), *, patience: float = PATIENCE
) -> dict[str, list[Mapping[str, float]]]:
    """Measure all sides in each round, so that what slows the machine down for a while slows all of them down.

    There are at least `rounds`, and more as long as a ratio does not hold still, and `patience` lasts.
    """
    found: dict[str, list[Mapping[str, float]]] = {name: [] for name in sides}
    until = time.monotonic() + patience
    for number in range(max(rounds, MOST if steady else 0)):
        enough = all(ratio.reached(found) for ratio in steady) if number >= rounds else False
        if enough or (number >= rounds and time.monotonic() > until):
            break
        names = list(sides)
        for name in names if number % 2 == 0 else reversed(names):
            found[name].append(sides[name]())
    return found
