"""Plain counts of what happened, kept where it happens; whoever shows them (as metrics) reads them from outside.

A count costs a dictionary look-up and knows nothing of Prometheus.  What it is counted by comes from the code, or is
checked against a closed set first: never a name that a caller made up.
"""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
OTHER: Final = "other"


@dataclass(slots=True)
class Timings:
    """How long something took, in buckets: `counts` has one more for what took longer than the last bound."""

    bounds: Sequence[float] = SECONDS
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        if not self.counts:
            self.counts = [0] * (len(self.bounds) + 1)
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """Return how many took at most so long, for every bound and for no bound."""
        bounds = [*(str(bound) for bound in self.bounds), "+Inf"]
        counts = self.counts or [0] * len(bounds)
        return [(bound, float(sum(counts[: place + 1]))) for place, bound in enumerate(bounds)]


@dataclass(slots=True)
class Calls:
    """Calls of other servers, by action: what came of them, and how long they took."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: dict[str, Timings] = field(default_factory=dict)

    @contextmanager
    def timed(self, action: str, refused: type[Exception]) -> Iterator[None]:
        """Count what happens in the block: ok, refused (by an error of that kind) or failed."""
        began, outcome = time.perf_counter(), "failed"
        try:
            yield
            outcome = "ok"
        except refused:
            outcome = "refused"
            raise
        finally:
            self.outcomes[action, outcome] += 1
            self.seconds.setdefault(action, Timings()).add(time.perf_counter() - began)


@dataclass(slots=True)
class Leases:
    """What came of asks for keys, by door, outcome and store."""

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, door: str, outcome: str, store: str) -> None:
        """Count one.  `store` is a configured one, or OTHER."""
        self.counts[door, outcome, store] += 1

    def refused(self, door: str, store: str, *, failed: bool) -> None:
        """Count a refusal."""
        self.add(door, "failed" if failed else "denied", store)
