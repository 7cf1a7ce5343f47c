"""(g) Ceilings: how long until a call is denied after the answer said so, with ever more live leases in the way."""

from collections.abc import Iterator, Mapping
from functools import partial

from tests.bench import bench_revoke
from tests.bench.figures import Case, Goal, Row
from tests.bench.people import tokens
from tests.bench.rounds import alternate
from tests.bench.scenarios.leases import new_leases
from tests.bench.site import Site
from vendor.dev.juicefs import KIND as JUICEFS
from vendor.operate.bench.load import Load

NAME = "revocation"
FEW = 16
"""Live leases of the other one: as many as take all documents that a user has."""
LIVE = {True: (50,), False: (100, 1000)}
"""Live leases of the user who loses something, quick and full."""
TRIALS = {True: 4, False: 25}


def measure(site: Site) -> Iterator[Row]:
    """Take memberships away again and again, in turn of somebody with many live leases and of somebody with few."""
    stack = site.stack(JUICEFS)
    people = {"few": ("few0", next(tokens(stack, "few", 1))), "many": ("bob", stack.tokens["bob"])}
    sides = {}
    for side, (name, token) in people.items():
        _more_leases(site, stack.gateway.url, token, FEW)
        sides[side] = partial(_trial, bench_revoke.memberships(stack, name, token))
    made = FEW
    for live in LIVE[site.quick]:
        _more_leases(site, stack.gateway.url, people["many"][1], live - made)
        made = live
        found = alternate(TRIALS[site.quick], sides)
        case, denied = Case(NAME, f"{live}-live"), [one["denied_ms"] for one in found["many"]]
        yield case.row("denied_p99_ms", max(denied), goals=[Goal("measured", at_most=bench_revoke.GOAL_MS)])
        yield case.row("denied_ms", *denied)
        yield from case.rows(found, measured="many", baseline="few", figures=["answer_ms"])


def _trial(changes: Iterator[bench_revoke.Change]) -> Mapping[str, float]:
    answer, denied = bench_revoke.trial(next(changes))
    return {"answer_ms": answer, "denied_ms": denied}


def _more_leases(site: Site, url: str, token: str, count: int) -> None:
    load = partial(Load, url, new_leases(url, token), connections=8, seconds=600.0)
    site.generator(load(most=count, first_number=site.first_number()))
