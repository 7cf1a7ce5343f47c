"""(a) A new lease, against the same STS call made directly: same store, same policy, same concurrency, same client."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import psutil

from tests.bench.figures import Case, Goal, Row
from tests.bench.rounds import alternate
from tests.bench.site import Site
from tests.bench.sts import RawSts, WireLoad, through_wire
from vendor.dev.juicefs import KIND as JUICEFS
from vendor.dev.seaweedfs import KIND as SEAWEEDFS
from vendor.dev.store import ASSUME_ROLE, WEB_IDENTITY
from vendor.operate.bench.load import NUMBER, json_request

NAME = "lease"
FIGURES = ("per_second", "p50_ms", "p99_ms")
CONCURRENCY: Mapping[tuple[str, bool], Sequence[int]] = {
    (WEB_IDENTITY, False): (1, 16, 64),
    (ASSUME_ROLE, False): (1, 16, 64),
    (WEB_IDENTITY, True): (1, 16),
    (ASSUME_ROLE, True): (16,),
}
"""By mode, and whether it is quick."""
GOALS: Mapping[tuple[str, str, int], Mapping[str, tuple[Goal, ...]]] = {
    (JUICEFS, WEB_IDENTITY, 16): {
        "per_second": (Goal("ratio", at_least=0.9),),
        "p50_ms": (Goal("added", at_most=4.0),),
    },
    (SEAWEEDFS, WEB_IDENTITY, 16): {"per_second": (Goal("measured", at_least=400.0),)},
}
CLIENT_GOALS = {"per_second": (Goal("ratio", at_least=0.3),)}
"""On SeaweedFS, against the same call through the gateway's own client library, which is what bounds it there."""


def measure(site: Site) -> Iterator[Row]:
    """Measure all stores, modes and concurrencies."""
    for store in (JUICEFS, SEAWEEDFS):
        for mode in (WEB_IDENTITY, ASSUME_ROLE):
            compared = Compared(site, store, mode)
            for connections in CONCURRENCY[mode, site.quick]:
                yield from compared.rows(connections)


class Compared:
    """One store asked in one mode."""

    def __init__(self, site: Site, store: str, mode: str) -> None:
        self._site, self._store, self._mode = site, store, mode
        self._gateway = site.gateway(store, mode)
        self._token = site.stack(store).tokens["alice"]
        self._raw = RawSts(self._gateway, self._token)

    def rows(self, connections: int) -> list[Row]:
        """Measure at one concurrency."""
        sides = {"sts": partial(self._direct, connections), "vendor": partial(self._vended, connections)}
        if self._store == SEAWEEDFS:
            sides["wire"] = partial(self._through_wire, connections)
        for warm in sides.values():
            warm()
        found = alternate(self._site.rounds, sides)
        case = Case(NAME, f"{self._store}/{self._mode}/c{connections}")
        goals = GOALS.get((self._store, self._mode, connections))
        rows = case.rows(found, measured="vendor", baseline="sts", figures=FIGURES, goals=goals)
        rows += case.rows(found, measured="vendor", figures=["gateway_cpu_ms"])
        if "wire" in sides:
            client_goals = CLIENT_GOALS if connections == 16 and self._mode == WEB_IDENTITY else None
            through = case.part("same-client")
            rows += through.rows(found, measured="vendor", baseline="wire", figures=["per_second"], goals=client_goals)
        return rows

    def _vended(self, connections: int) -> Mapping[str, float]:
        worker = psutil.Process(self._gateway.child.pid)
        before = sum(worker.cpu_times()[:2])
        url = self._gateway.url
        outcome = self._site.load(url, new_leases(url, self._token), connections=connections)
        spent = sum(worker.cpu_times()[:2]) - before
        return {**outcome.figures(), "gateway_cpu_ms": spent * 1000 / outcome.good}

    def _direct(self, connections: int) -> Mapping[str, float]:
        return self._site.load(self._raw.url, self._raw.requests(500), connections=connections).figures()

    def _through_wire(self, connections: int) -> Mapping[str, float]:
        load = WireLoad(self._raw.url, self._raw.calls(500), connections, self._site.seconds)
        return self._site.generator.run(through_wire, load).figures()


def new_leases(url: str, token: str) -> list[bytes]:
    """Return an ask that each time is another one, so that each time keys are made."""
    return [json_request(url, "/v1/leases", {"audit_context": {"bench": NUMBER.decode()}}, token)]
