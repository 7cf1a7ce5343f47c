"""(b) The keys of live leases, asked for again and again at the container-credentials door."""

from collections.abc import Iterator, Mapping

import httpx2

from tests.bench.figures import Case, Goal, Row
from tests.bench.site import Site
from vendor.dev.juicefs import KIND as JUICEFS
from vendor.operate.bench.load import request

NAME = "repeated"
PATH = "/v1/container-credentials"
LEASES = 8
CONNECTIONS = 16


def measure(site: Site) -> Iterator[Row]:
    """Measure at full load, then at half of what that came to."""
    stack = site.stack(JUICEFS)
    url = stack.gateway.url
    asks = [request(url, "GET", PATH, authorization=token) for token in lease_tokens(url, stack.tokens["alice"])]
    full = site.alternate({"vendor": lambda: site.load(url, asks, connections=CONNECTIONS).figures()})
    goals = {"per_second": (Goal("measured", at_least=1500.0),)}
    yield from Case(NAME, f"c{CONNECTIONS}").rows(full, measured="vendor", goals=goals)

    def half() -> Mapping[str, float]:
        rate = min(one["per_second"] for one in full["vendor"]) / 2
        figures = site.load(url, asks, connections=CONNECTIONS, rate=rate).figures()
        return {"p50_ms": figures["p50_ms"], "p99_ms": figures["p99_ms"]}

    found = site.alternate({"vendor": half})
    yield from Case(NAME, "half").rows(found, measured="vendor", goals={"p99_ms": (Goal("measured", at_most=10.0),)})


def lease_tokens(url: str, token: str, count: int = LEASES) -> list[str]:
    """Begin renewable leases and return their tokens."""
    with httpx2.Client(base_url=url, trust_env=False, timeout=20, headers={"authorization": f"Bearer {token}"}) as web:
        answers = [web.post("/v1/leases", json={"renewable_for": 7200}).raise_for_status() for _ in range(count)]
    return [answer.json()["lease_token"] for answer in answers]
