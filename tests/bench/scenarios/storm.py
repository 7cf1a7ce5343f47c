"""(h) A refresh storm on a simulated clock: a thousand clients for hours, and how often the store is asked.

No server runs: the simulation has clients that ask like SDKs do and a gateway that answers by the same rules, taken
from its own code, so that hours take seconds.  What it shows is a count, not a speed.
"""

from collections.abc import Iterator

from tests.bench.figures import Case, Goal, Row
from tests.bench.simulation import HOUR, Storm
from tests.bench.site import Site

NAME = "storm"
CLIENTS = 1000


def measure(site: Site) -> Iterator[Row]:
    """Clients that all have a lease of their own, and ten that share one; keys of one hour, and of twelve."""
    lifetimes = 10 if site.quick else 50
    for shared, lifetime in ((1, 1), (10, 1), (1, 12)):
        storm = Storm(clients=CLIENTS, per_lease=shared, lifetimes=lifetimes, seed=1, lifetime=lifetime * HOUR)
        found = storm.run()
        case = Case(NAME, f"{CLIENTS}-clients/{shared}-a-lease/{lifetime}h")
        goals = [Goal("measured", at_most=1.1)]
        yield case.row("sts_calls_per_lease_and_refresh", found.calls_per_due, goals=goals)
        yield case.row("sts_calls_per_lease_and_lifetime", found.calls_per_lifetime, goals=goals)
        yield case.row("sts_calls_per_1000_refreshes", found.calls_per_1000)
        yield case.row("most_sts_calls_in_a_second", found.most_in_a_second)
