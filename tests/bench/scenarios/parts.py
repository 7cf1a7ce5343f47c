"""(c), (d), (e): what is measured without a gateway: token verification, policy planning, and resolving grants."""

import asyncio
from collections.abc import Iterator

from tests.bench import bench_grants, bench_plan, bench_verify_token
from tests.bench.figures import Case, Goal, Row
from tests.bench.rounds import alternate
from tests.bench.site import Site

VERIFY, PLAN, GRANTS = "verify", "plan", "grants"
_QUICK_SIZES = ((20, 50), (100, 500), (250, 2_000))


def verify(site: Site) -> Iterator[Row]:
    """CPU that verifying one token takes, the issuer's keys at hand."""
    count = 300 if site.quick else 1500
    found = [asyncio.run(bench_verify_token.measure(count)) for _ in range(site.rounds)]
    for name in found[0]:
        values = [one[name] for one in found]
        yield Case(VERIFY, name.replace(", ", "-").replace(" ", "-")).row(
            "cpu_ms", *values, goals=[Goal("measured", at_most=bench_verify_token.GOAL_MS)]
        )


def plan(site: Site) -> Iterator[Row]:
    """How planning grows with the number of grants: 1 is linear."""
    sizes = _QUICK_SIZES if site.quick else bench_plan.SIZES
    runs = [bench_plan.measure(sizes, quick=site.quick) for _ in range(1 if site.quick else 3)]
    for number, timing in enumerate(runs[0][0]):
        yield Case(PLAN, timing.name).row("cpu_ms", *(timings[number].milliseconds for timings, _ in runs))
    for name in runs[0][1]:
        exponents = [growth[name] for _, growth in runs]
        yield Case(PLAN, name).row("exponent", *exponents, goals=[Goal("measured", at_most=1.25)])


def grants(site: Site) -> Iterator[Row]:
    """Reading one user's rights in a small state and, in the same Valkey, in a large one."""
    size = bench_grants.SMALL if site.quick else bench_grants.LARGE
    if site.quick:
        size = bench_grants.Size(2_000, 200, 20_000)
    found = alternate(1, {"both": lambda: asyncio.run(bench_grants.measure(size, 20 if site.quick else 60))})["both"]
    large, small = ([one[name] for one in found] for name in ("large_ms", "small_ms"))
    goals = [Goal("ratio", at_most=bench_grants.GOAL)]
    yield Case(GRANTS, f"{size.shares}-shares").row("ms", *large, baseline=small, goals=goals)
