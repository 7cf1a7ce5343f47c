"""What a scenario finds: rows of a figure, measured round by round, beside a baseline where there is one."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from tests.bench.middle import middle

Of = Literal["measured", "ratio", "added"]
"""What a goal is about: the figure itself, the figure over its baseline, or by how much it exceeds it."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound for a figure."""

    of: Of
    at_least: float = -math.inf
    at_most: float = math.inf

    def met(self, value: float) -> bool:
        """Say whether a value keeps the bound."""
        return self.at_least <= value <= self.at_most

    def __str__(self) -> str:
        bound = f"≥ {self.at_least:g}" if self.at_least > -math.inf else f"≤ {self.at_most:g}"
        return bound if self.of == "measured" else f"{self.of} {bound}"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one case of a scenario: a value for each round, and the baseline's of the same round.

    A `fixed` baseline was measured once and elsewhere, so its ratio depends on the machine as absolute figures do.
    Where the two are only `beside` each other, as medians are of which one is that of two humps, there is no ratio.
    """

    scenario: str
    case: str
    figure: str
    measured: tuple[float, ...]
    baseline: tuple[float, ...] = ()
    goals: tuple[Goal, ...] = ()
    fixed: bool = False
    beside: bool = False

    @property
    def name(self) -> str:
        """What tells this row from all others."""
        return f"{self.scenario}/{self.case}/{self.figure}"

    @property
    def told(self) -> tuple[float, ...]:
        """The baseline as it is told: of a fixed one, its one value."""
        return self.baseline[:1] if self.fixed else self.baseline

    @property
    def ratios(self) -> tuple[float, ...]:
        """Measured over baseline, round by round; none without a baseline, nor of tails, which do not hold still."""
        if not self.baseline or self.beside or "p99" in self.figure:
            return ()
        return tuple(mine / other for mine, other in zip(self.measured, self.baseline, strict=True) if other)

    @property
    def ratio(self) -> float | None:
        """The middle of the ratios; None without a baseline."""
        return middle(self.ratios) if self.ratios else None

    def value(self, of: Of) -> float:
        """Return what a goal is about."""
        if of == "measured" or not self.baseline:
            return statistics.median(self.measured)
        if of == "added":
            return statistics.median(self.measured) - statistics.median(self.baseline)
        return self.ratio or 0.0

    @property
    def met(self) -> bool | None:
        """Say whether all goals are met; None where there is none."""
        return all(goal.met(self.value(goal.of)) for goal in self.goals) if self.goals else None

    def as_json(self) -> dict[str, Any]:
        """Return the row for `bench.json`."""
        return {
            "name": self.name,
            "measured": _spread(self.measured, statistics.median(self.measured)),
            "baseline": _spread(self.told, statistics.median(self.told)) if self.told else None,
            "ratio": _spread(self.ratios, self.ratio) if self.ratio else None,
            "fixed": self.fixed,
            "goals": [
                {"goal": str(goal), "value": rounded(self.value(goal.of)), "met": goal.met(self.value(goal.of))}
                for goal in self.goals
            ],
        }


@dataclass(frozen=True, slots=True)
class Case:
    """A place for rows: a scenario, a case of it, and what is told of each figure."""

    scenario: str
    case: str

    def rows(
        self,
        found: Mapping[str, Sequence[Mapping[str, float]]],
        *,
        measured: str,
        baseline: str | None = None,
        goals: Mapping[str, Sequence[Goal]] | None = None,
        figures: Sequence[str] | None = None,
        beside: bool = False,
    ) -> list[Row]:
        """Turn what `alternate` returned into rows, one for each figure."""
        mine = found[measured]
        other = found[baseline] if baseline is not None else []
        rows = []
        for figure in figures or list(mine[0]):
            values = tuple(one[figure] for one in mine)
            theirs = tuple(one[figure] for one in other)
            asked = tuple((goals or {}).get(figure, ()))
            rows.append(Row(self.scenario, self.case, figure, values, theirs, asked, beside=beside))
        return rows

    def row(self, figure: str, *values: float, baseline: Sequence[float] = (), goals: Sequence[Goal] = ()) -> Row:
        """Make one row."""
        return Row(self.scenario, self.case, figure, values, tuple(baseline), tuple(goals))

    def part(self, name: str) -> Self:
        """Return a case within this one."""
        return type(self)(self.scenario, f"{self.case}/{name}")


def rounded(value: float) -> float:
    """Return a value with four digits that count."""
    return float(f"{value:.4g}")


def _spread(values: Sequence[float], typical: float) -> dict[str, Any]:
    return {
        "middle": rounded(typical),
        "least": rounded(min(values)),
        "most": rounded(max(values)),
        "rounds": len(values),
    }
