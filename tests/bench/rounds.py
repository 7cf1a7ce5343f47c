"""Rounds in alternation: each side once a round, and in the other order in the next."""

from collections.abc import Callable, Mapping

Side = Callable[[], Mapping[str, float]]
"""Measures one side once and returns its figures."""


def alternate(rounds: int, sides: Mapping[str, Side]) -> dict[str, list[Mapping[str, float]]]:
    """Measure all sides in each round, so that what slows the machine down for a while slows all of them down."""
    found: dict[str, list[Mapping[str, float]]] = {name: [] for name in sides}
    for number in range(rounds):
        names = list(sides)
        for name in names if number % 2 == 0 else reversed(names):
            found[name].append(sides[name]())
    return found
