"""The middle of ratios that were found one after the other."""

import math
from collections.abc import Sequence
from itertools import combinations_with_replacement
from statistics import median


def middle(ratios: Sequence[float]) -> float:
    """Return the Hodges-Lehmann estimate: the median of the (geometric) means of all pairs.

    A few wild ratios move it as little as they move a median, and of the others it makes more than the median, which
    looks at one or two of them: for the same certainty it needs two thirds of the rounds.  Geometric, so that it is the
    same whichever side is above.  Ratios are above 0, and there is at least one.
    """
    logarithms = [math.log(ratio) for ratio in ratios]
    return math.exp(median((one + other) / 2 for one, other in combinations_with_replacement(logarithms, 2)))
