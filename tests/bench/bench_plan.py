"""How long planning takes, and how that grows: `python -m tests.bench.bench_plan [--json]`.

The time is the processor's, the best of several runs, so that it says something on a busy machine, too.  The exponent
is fitted to the logarithms: 1 is linear.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from vendor.errors import PolicyTooLarge
from vendor.names import Bucket, Prefix, TenantName, UserName
from vendor.policy.access import AccessTable, load_access
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.layout import Layout, load_layout
from vendor.policy.planner import plan_ceilings, plan_lease_set, plan_session_policy
from vendor.policy.scope import narrow

POLICIES = Path(__file__).parents[2] / "policies"
LIMIT = 2048
SIZES = ((20, 50), (50, 150), (100, 500), (250, 2_000), (500, 4_000), (1_000, 8_000))
"""Tenants and shares; a home comes on top."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One scenario: what was planned for how many grants, and the best time."""

    name: str
    grants: int
    milliseconds: float


def grants_of(layout: Layout, tenants: int, shares: int) -> list[Grant]:
    """Make the grants of somebody with a home, many tenants and many shares."""
    grants = [*layout.home_grants(UserName("alice"))]
    for number in range(tenants):
        level = Level.WRITE if number % 2 else Level.READ
        grants.extend(layout.tenant_grants(TenantName(f"tenant{number:04}"), level))
    for number in range(shares):
        prefix = Prefix(f"users-general-warehouse/user{number:05}/results/")
        level = Level.READ if number % 2 else Level.WRITE
        grants.append(Grant(Bucket(layout.bucket), prefix, level, Source(f"share:s_{number}"), with_key=True))
    return grants


def measure(sizes: Sequence[tuple[int, int]] = SIZES, *, quick: bool = False) -> tuple[list[Timing], dict[str, float]]:
    """Time every way to plan at every size, and fit the growth of each."""
    access, layout = load_access(POLICIES / "access.toml"), load_layout(POLICIES / "layout.toml")
    timings = []
    for tenants, shares in sizes:
        grants = grants_of(layout, tenants, shares)
        for name, plan in _ways(grants, access).items():
            timings.append(Timing(f"{name}/{len(grants)}", len(grants), _best(plan, 3 if quick else 5)))
    names = dict.fromkeys(timing.name.rpartition("/")[0] for timing in timings)
    return timings, {name: exponent([t for t in timings if t.name.rpartition("/")[0] == name]) for name in names}


def exponent(timings: Sequence[Timing]) -> float:
    """Fit `time ~ grants ** exponent` by least squares."""
    points = [(math.log(timing.grants), math.log(timing.milliseconds)) for timing in timings]
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def _ways(grants: list[Grant], access: AccessTable) -> dict[str, Callable[[], object]]:
    def session() -> None:
        """What a lease costs: the scope, and then the document or its refusal."""
        with suppress(PolicyTooLarge):
            plan_session_policy(narrow(grants, None).grants, access, LIMIT)

    return {
        "plan": session,
        "plan-document": lambda: plan_session_policy(grants, access, 10**9),
        "plan-lease-set": lambda: plan_lease_set(grants, access, LIMIT),
        "plan-ceilings": lambda: plan_ceilings(grants, access),
    }


def _best(work: Callable[[], object], runs: int) -> float:
    best = math.inf
    for _ in range(runs):
        started = time.process_time_ns()
        work()
        best = min(best, time.process_time_ns() - started)
    return best / 1e6


def main() -> int:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    timings, growth = measure(quick=asked.quick)
    if asked.json:
        scenarios = [asdict(timing) for timing in timings]
        sys.stdout.write(json.dumps({"scenarios": scenarios, "exponents": growth}, indent=1) + "\n")
        return 0
    for timing in sorted(timings, key=lambda timing: timing.name.rpartition("/")[0]):
        sys.stdout.write(f"{timing.name:24} {timing.milliseconds:9.2f} ms\n")
    for name, power in growth.items():
        sys.stdout.write(f"{name:24} grows with the {power:.2f}th power of the grants\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
