"""(i) The audit log on and off: new leases of a gateway that records them, and of one that cannot."""

from collections.abc import Iterator
from functools import partial

from tests.bench.bench_audit_cost import GOAL, add_unrecorded, settled
from tests.bench.figures import Case, Goal, Row
from tests.bench.rounds import Steady
from tests.bench.scenarios.leases import new_leases
from tests.bench.site import Site
from vendor.dev.seaweedfs import KIND as SEAWEEDFS

NAME = "audit"


def measure(site: Site) -> Iterator[Row]:
    """Measure both in turns; each turn begins when everything of the one before is sealed."""
    stack = site.stack(SEAWEEDFS)
    urls = {"on": stack.gateway.url, "off": add_unrecorded(stack)}

    def side(name: str) -> dict[str, float]:
        settled(stack)
        found = site.load(urls[name], new_leases(urls[name], stack.tokens["alice"]), connections=16, seconds=1.0)
        return {"per_second": found.per_second}

    for name in urls:
        side(name)
    found = site.alternate({name: partial(side, name) for name in urls}, Steady("on", "off", "per_second"), rounds=8)
    goals = {"per_second": (Goal("ratio", at_least=1 - GOAL),)}
    yield from Case(NAME, "on-over-off").rows(found, measured="on", baseline="off", goals=goals)
