"""(a) A new lease, against the same STS call made directly: same store, same policy, same concurrency, same client.

Several at a time are those of several users, as a gateway sees them: of one user's it works on one while others wait.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain

import psutil

from tests.bench.cores import divisible, one_core, store_apart
from tests.bench.figures import Case, Goal, Row
from tests.bench.people import tokens
from tests.bench.rounds import Comparison, Found, Side, Steady
from tests.bench.site import Site
from tests.bench.sts import RawSts, WireLoad, through_wire
from tests.bench.turns import SELDOM, Turn
from vendor.dev.juicefs import KIND as JUICEFS
from vendor.dev.seaweedfs import KIND as SEAWEEDFS
from vendor.dev.store import ASSUME_ROLE, WEB_IDENTITY
from vendor.operate.bench.load import NUMBER, json_request

NAME = "lease"
MANY = 16
FEW, DOCUMENTS, PATIENCE = 4, 9, 300.0
"""How the first leases are made: for each user a store has so many documents written (`VENDOR_STORE_CEILING_SLOTS`)."""
QUICK_USERS = 4
"""In a quick run, for each has some documents written first."""
CONCURRENCY: Mapping[tuple[str, bool], Sequence[int]] = {
    (WEB_IDENTITY, False): (1, MANY, 64),
    (ASSUME_ROLE, False): (1, MANY),
    (WEB_IDENTITY, True): (1, MANY),
    (ASSUME_ROLE, True): (MANY,),
}
"""By mode, and whether it is quick."""
_THROUGHPUT, _LATENCY = Goal("ratio", at_least=0.9), Goal("added", at_most=4.0)
GOALS: Mapping[tuple[str, str, int], Mapping[str, tuple[Goal, ...]]] = {
    (JUICEFS, WEB_IDENTITY, 1): {"p50_ms": (_LATENCY,)},
    (JUICEFS, WEB_IDENTITY, MANY): {"per_second": (_THROUGHPUT,), "p50_ms": (_LATENCY,)},
    (SEAWEEDFS, WEB_IDENTITY, MANY): {"per_second": (Goal("measured", at_least=400.0),)},
}
CLIENT_GOALS = {"per_second": (Goal("ratio", at_least=0.3),)}
"""On SeaweedFS, against the same call through the gateway's own client library, which is what bounds it there."""
_SIGNED = 500
_SHORT, _OFTEN = 0.2, 5
"""Seconds of a load and rounds of a visit where calls take milliseconds: a core keeps its speed for about a second."""


def turns(site: Site) -> Iterator[Turn]:
    """Compare in all stores, modes and concurrencies."""
    for store in (JUICEFS, SEAWEEDFS):
        for mode in (WEB_IDENTITY, ASSUME_ROLE):
            compared = Compared(site, store, mode)
            for connections in CONCURRENCY[mode, site.quick]:
                yield compared.turn(connections)
            if site.quick or not divisible():
                continue
            if store == SEAWEEDFS:
                yield compared.turn_on_one(MANY)
            elif mode == WEB_IDENTITY:
                yield compared.turn_apart(MANY)


class Compared:
    """One store asked in one mode."""

    def __init__(self, site: Site, store: str, mode: str) -> None:
        self._site, self._store, self._mode = site, store, mode
        self._gateway = site.gateway(store, mode)
        theirs = users(site, store)
        self._asks = asked_by(site, self._gateway.url, theirs)
        self._raw = [RawSts(self._gateway, token) for token in theirs]
        self._seconds, self._each = (_SHORT, _OFTEN) if store == SEAWEEDFS else (site.seconds, 1)
        self._sign()

    def turn(self, connections: int) -> Turn:
        """Compare at one concurrency on all cores; what has a goal for its ratio until that holds still."""
        sides = self._sides(connections)
        for warm in sides.values():
            warm()
        held = connections == MANY and self._mode == WEB_IDENTITY
        steady = [Steady("vendor", "wire" if "wire" in sides else "sts", "per_second")] if held else []
        every = 1 if held else SELDOM
        comparison = Comparison(sides, steady, self._each, ready=self._sign, every=every)
        return Turn(comparison, partial(self._rows, self._case(connections), connections, held=held))

    def turn_on_one(self, connections: int) -> Turn:
        """Compare with everything on one core, both sides: then the ratio is that of their work.  For SeaweedFS."""
        case = self._case(connections).part("one-core")
        sides = self._sides(connections)
        del sides["sts"]  # the fairer baseline is `wire`
        steady = Steady("vendor", "wire", "per_second")
        return Turn(Comparison(sides, [steady], self._each, one_core, self._sign), partial(_to_same_client, case))

    def turn_apart(self, connections: int) -> Turn:
        """Compare with the store on a core of its own, both sides."""
        apart = partial(store_apart, self._site.stack(self._store))
        case = self._case(connections).part("store-on-its-own-core")
        rows = partial(case.rows, measured="vendor", baseline="sts", figures=["per_second"])
        sides, steady = self._sides(connections), Steady("vendor", "sts", "per_second")
        return Turn(Comparison(sides, [steady], self._each, apart, self._sign), rows)

    def _case(self, connections: int) -> Case:
        return Case(NAME, f"{self._store}/{self._mode}/c{connections}")

    def _sides(self, connections: int) -> dict[str, Side]:
        sides: dict[str, Side] = {
            "sts": partial(self._direct, connections),
            "vendor": partial(self._vended, connections),
        }
        if self._store == SEAWEEDFS:
            sides["wire"] = partial(self._through_wire, connections)
        return sides

    def _rows(self, case: Case, connections: int, found: Found, *, held: bool) -> list[Row]:
        goals = GOALS.get((self._store, self._mode, connections), {})
        fairer = "wire" in found
        to_sts = partial(case.rows, found, measured="vendor", baseline="sts", goals=goals)
        rows = to_sts(figures=["per_second"], beside=fairer or not held)
        # Of several at a time the median of a raw call is now that of those who wait, now that of the others.
        rows += to_sts(figures=["p50_ms", "p99_ms"], beside=True)
        rows += case.rows(found, measured="vendor", figures=["gateway_cpu_ms"])
        return rows + _to_same_client(case, found, CLIENT_GOALS if held else None, beside=not held)

    def _vended(self, connections: int) -> Mapping[str, float]:
        worker = psutil.Process(self._gateway.child.pid)
        before = sum(worker.cpu_times()[:2])
        outcome = self._site.load(self._gateway.url, self._asks, connections=connections, seconds=self._seconds)
        spent = sum(worker.cpu_times()[:2]) - before
        return {**outcome.figures(), "gateway_cpu_ms": spent * 1000 / outcome.good}

    def _sign(self) -> None:
        """Sign the raw calls anew; they are good for a minute, and a visit is shorter."""
        signed = [(raw.requests(_SIGNED // len(self._raw)), raw.calls(_SIGNED // len(self._raw))) for raw in self._raw]
        self._requests = list(chain.from_iterable(zip(*(requests for requests, _ in signed), strict=True)))
        self._calls = list(chain.from_iterable(zip(*(calls for _, calls in signed), strict=True)))

    def _direct(self, connections: int) -> Mapping[str, float]:
        url, seconds = self._raw[0].url, self._seconds
        return self._site.load(url, self._requests, connections=connections, seconds=seconds).figures()

    def _through_wire(self, connections: int) -> Mapping[str, float]:
        load = WireLoad(self._raw[0].url, self._calls, connections, self._seconds)
        return self._site.generator.run(through_wire, load).figures()


def _to_same_client(
    case: Case, found: Found, goals: Mapping[str, Sequence[Goal]] | None = None, *, beside: bool = False
) -> list[Row]:
    if "wire" not in found:
        return []
    case = case.part("same-client")
    return case.rows(found, measured="vendor", baseline="wire", figures=["per_second"], goals=goals, beside=beside)


def users(site: Site, store: str) -> list[str]:
    """Return the identity tokens of as many users as ask at the same time."""
    return list(tokens(site.stack(store), "bench", QUICK_USERS if site.quick else MANY))


def asked_by(site: Site, url: str, theirs: Sequence[str]) -> list[bytes]:
    """Return asks for new leases of these users, once every document is written that their leases need."""
    asks = [ask for token in theirs for ask in new_leases(url, token)]
    site.load(url, asks, connections=FEW, seconds=PATIENCE, most=len(asks) * (DOCUMENTS + 1))
    return asks


def new_leases(url: str, token: str) -> list[bytes]:
    """Return an ask that each time is another one, so that each time keys are made."""
    return [json_request(url, "/v1/leases", {"audit_context": {"bench": NUMBER.decode()}}, token)]
