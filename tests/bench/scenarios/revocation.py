"""(g) Ceilings: how long until a call is denied after the answer said so, with ever more live leases in the way."""

import itertools
from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Any

from tests.bench import bench_revoke
from tests.bench.figures import Case, Goal, Row
from tests.bench.scenarios.leases import new_leases
from tests.bench.site import Site
from tests.support.gateways import api
from vendor.dev.juicefs import KIND as JUICEFS
from vendor.operate.bench.load import Load

NAME = "revocation"
LIVE = {True: (0, 50), False: (0, 100, 1000)}
"""Live leases of the user who loses something, quick and full."""


def measure(site: Site) -> Iterator[Row]:
    """Take a membership away again and again, beside more and more leases."""
    stack = site.stack(JUICEFS)
    trials = 5 if site.quick else 30
    made = 0
    changes = bench_revoke.memberships(stack)
    first = 0.0
    for live in LIVE[site.quick]:
        if live > made:
            _more_leases(site, stack, live - made)
            made = live
        seen = [bench_revoke.trial(change) for change in itertools.islice(changes, trials)]
        answers, denied = [one[0] for one in seen], [one[1] for one in seen]
        case = Case(NAME, f"{live}-live")
        goals = [Goal("measured", at_most=bench_revoke.GOAL_MS)]
        yield case.row("denied_p99_ms", max(denied), goals=goals)
        yield case.row("denied_ms", *denied)
        yield case.row("answer_ms", *answers)
        if first:
            yield case.row("median_answer_ms", median(answers), baseline=[first])
        first = first or median(answers)
    api(stack, "bob").call("DELETE", "/v1/leases?user=bob")


def _more_leases(site: Site, stack: Any, count: int) -> None:
    url = stack.gateway.url
    load = partial(Load, url, new_leases(url, stack.tokens["bob"]), connections=8, seconds=600.0)
    site.generator(load(most=count, first_number=site.first_number()))
