"""(i) The audit log on and off: new leases of a gateway that records them, and of one that cannot."""

from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial

from tests.bench.bench_audit_cost import GOAL, add_unrecorded, settled
from tests.bench.cores import divisible, one_core
from tests.bench.figures import Case, Goal
from tests.bench.rounds import Comparison, Steady
from tests.bench.scenarios.leases import MANY, asked_by, users
from tests.bench.site import Site
from tests.bench.turns import Turn
from vendor.dev.seaweedfs import KIND as SEAWEEDFS

NAME = "audit"


def turns(site: Site) -> Iterator[Turn]:
    """Compare both; each side begins when everything of the one before is sealed."""
    stack = site.stack(SEAWEEDFS)
    urls = {"on": stack.gateway.url, "off": add_unrecorded(stack)}
    asks = {name: asked_by(site, url, users(site, SEAWEEDFS)) for name, url in urls.items()}

    def side(name: str) -> dict[str, float]:
        settled(stack)
        return {"per_second": site.load(urls[name], asks[name], connections=MANY, seconds=1.0).per_second}

    sides = {name: partial(side, name) for name in urls}
    goals = {"per_second": (Goal("ratio", at_least=1 - GOAL),)}
    rows = partial(Case(NAME, "on-over-off").rows, measured="on", baseline="off", goals=goals)
    around = one_core if divisible() else nullcontext  # so that it is the work of all that counts, that of Redis, too
    yield Turn(Comparison(sides, [Steady("on", "off", "per_second")], 2, around), rows)
