"""`GET /metrics`: what this process has counted, in Prometheus' form.

Each process answers for itself and shares nothing; a scraper asks every replica.  No value of a label is something
that a caller made up: doors, outcomes, routes and codes are the code's, stores the operator's.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from vendor import __version__
from vendor.doors.context import Gateway, gateway
from vendor.doors.operation import Example, Operation, Reply, Token
from vendor.errors import InvalidToken, MissingToken, RoleRequired, VendError
from vendor.stores.probe.watch import Colour

PATH: Final = "/metrics"
LAG_SECONDS: Final = 1.0


class GatewayCollector(Collector):
    """Reads the counts of every part when somebody asks."""

    def __init__(self, parts: Gateway, audit_lag: float | None) -> None:
        self._parts = parts
        self._audit_lag = audit_lag

    def describe(self) -> list[Metric]:
        """Nothing is collected for the sake of registering."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield _gauge("vendor_build_info", "The version that runs.", ["version"], {(__version__,): 1.0})
        yield from _requests(self._parts)
        yield from _vending(self._parts)
        yield from _stores(self._parts)
        yield from _audit(self._audit_lag)
        yield from _sinks(self._parts)


def _requests(parts: Gateway) -> Iterator[Metric]:
    traffic = parts.traffic
    labels = ["method", "route", "status"]
    yield _counter("vendor_http_requests", "Requests by route template and status.", labels, traffic.requests)
    seconds = HistogramMetricFamily("vendor_http_request_seconds", "How long answers took.", labels=["route"])
    for route, timings in sorted(traffic.seconds.items()):
        seconds.add_metric([route], timings.cumulative(), timings.total)
    yield seconds
    yield _gauge("vendor_http_requests_under_way", "Requests being answered.", [], {(): float(traffic.under_way)})
    waiting = {(): float(parts.lanes.waiting)}
    yield _gauge("vendor_http_requests_waiting", "Requests that wait behind others of one caller.", [], waiting)
    yield _counter("vendor_http_requests_queued", "Requests that had to wait so.", [], {(): parts.lanes.queued})
    refusals = {(code,): count for code, count in traffic.refusals.items()}
    yield _counter("vendor_refusals", "Refusals by code.", ["code"], refusals)


def _vending(parts: Gateway) -> Iterator[Metric]:
    counts = parts.vending.making.tally.counts
    help_text = "Asks for keys by door, what came of them, and store."
    yield _counter("vendor_leases", help_text, ["door", "outcome", "store"], counts)
    shield = parts.vending.counters
    asks = {("made",): shield.vended, ("joined",): shield.joined, ("reused",): shield.reused}
    asks["adopted",] = shield.adopted
    yield _counter("vendor_flights", "Asks for keys, by how they were met: single flight and reuse.", ["met"], asks)
    in_flight = {(): float(parts.vending.in_flight)}
    yield _gauge("vendor_flights_under_way", "Different asks being answered.", [], in_flight)
    remembered = {(): float(len(parts.vending.memory))}
    yield _gauge("vendor_live_leases_remembered", "Leases whose keys may be given again.", [], remembered)
    yield _counter("vendor_limited", "Asks refused because of a limit.", [], {(): parts.vending.limits.refused})


def _stores(parts: Gateway) -> Iterator[Metric]:
    yield from _sts(parts)
    yield from _queues(parts)
    tried: dict[tuple[str, ...], float] = {}
    refused: dict[tuple[str, ...], float] = {}
    light: dict[tuple[str, ...], float] = {}
    last: dict[tuple[str, ...], float] = {}
    for name, watch in parts.watches.items():
        counters = watch.counters
        for outcome in ("sound", "broken", "open", "away"):
            tried[name, outcome] = getattr(counters, outcome)
        refused[name,] = counters.refused_leases
        light |= {(name, colour.value): float(watch.light.colour is colour) for colour in Colour}
        if counters.last_tried_at is not None:
            last[name,] = counters.last_tried_at
    yield _counter("vendor_canary", "Trials of a store by what they showed.", ["store", "outcome"], tried)
    yield _gauge("vendor_canary_state", "1 for the state a store is in.", ["store", "state"], light)
    yield _gauge("vendor_canary_last_timestamp_seconds", "When a store was tried last.", ["store"], last)
    yield _counter("vendor_canary_refused_leases", "Leases refused over a store's state.", ["store"], refused)


def _sts(parts: Gateway) -> Iterator[Metric]:
    calls = {
        (name, action, outcome): count
        for name, store in parts.stores.items()
        for (action, outcome), count in store.calls.outcomes.items()
    }
    yield _counter("vendor_sts_calls", "STS calls by what came of them.", ["store", "action", "outcome"], calls)
    seconds = HistogramMetricFamily("vendor_sts_seconds", "How long STS calls took.", labels=["store", "action"])
    for name, store in parts.stores.items():
        for action, timings in store.calls.seconds.items():
            seconds.add_metric([name, action], timings.cumulative(), timings.total)
    yield seconds


def _queues(parts: Gateway) -> Iterator[Metric]:
    turns = {name: store.turns for name, store in parts.stores.items() if store.turns is not None}
    now = {(name, "running"): float(one.running) for name, one in turns.items()}
    now |= {(name, "waiting"): float(one.waiting) for name, one in turns.items()}
    yield _gauge("vendor_store_queue", "Calls to a store that run and wait.", ["store", "state"], now)
    past: dict[tuple[str, ...], float] = {}
    for name, one in turns.items():
        past |= {(name, what): getattr(one.counters, what) for what in ("served", "queued", "turned_away")}
    yield _counter("vendor_store_queue_asks", "What became of asks for a call.", ["store", "outcome"], past)


def _audit(lag: float | None) -> Iterator[Metric]:
    if lag is not None:
        text = "Age of the oldest audit event that is not sealed yet."
        yield _gauge("vendor_audit_lag_seconds", text, [], {(): lag})


def _sinks(parts: Gateway) -> Iterator[Metric]:
    """Yield what the replica that delivers knows of each sink; the others have delivered nothing."""
    sinks = parts.audit.sinks
    if not sinks:
        return
    behind = {(sink.name,): sink.lag_seconds for sink in sinks}
    yield _gauge("vendor_audit_sink_lag_seconds", "Age of the oldest run a sink has not taken.", ["sink"], behind)
    events = {(sink.name,): float(sink.lag_events) for sink in sinks}
    yield _gauge("vendor_audit_sink_lag_events", "Sealed events a sink has not taken.", ["sink"], events)
    past = {(sink.name,): float(sink.delivered_events) for sink in sinks}
    yield _counter("vendor_audit_sink_events", "Events a sink has taken.", ["sink"], past)
    failures = {(sink.name,): float(sink.failures) for sink in sinks}
    yield _counter("vendor_audit_sink_failures", "Deliveries a sink has not taken.", ["sink"], failures)


def _counter(name: str, text: str, labels: Sequence[str], values: Mapping[Any, float]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    _fill(family.add_metric, values)
    return family


def _gauge(name: str, text: str, labels: Sequence[str], values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    _fill(family.add_metric, values)
    return family


def _fill(add: Callable[[Sequence[str], float], None], values: Mapping[Any, float]) -> None:
    for labels, value in sorted(values.items()):
        add(labels, value)


async def metrics(request: Request) -> Response:
    """What this process has counted, in Prometheus' form."""
    parts = gateway(request)
    parts.metrics_access.require(request)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(GatewayCollector(parts, await _audit_lag(parts)))
    ProcessCollector(registry=registry)
    headers = {"content-type": CONTENT_TYPE_LATEST, "cache-control": "no-store"}
    return Response(generate_latest(registry), headers=headers)


async def _audit_lag(parts: Gateway) -> float | None:
    """Ask for the one figure that no process has at hand; without it the others are told all the same."""
    if parts.audit.sealer is None:
        return None
    try:
        return await asyncio.wait_for(parts.audit.sealer.lag(), LAG_SECONDS)
    except (VendError, TimeoutError):
        return None


OPERATIONS: Final[Sequence[Operation]] = [
    Operation(
        "getMetrics",
        "GET",
        PATH,
        metrics,
        {200: Reply(media="text/plain", schema={"type": "string"})},
        token=Token.NONE,
        refuses=(MissingToken, InvalidToken, RoleRequired),
        example=Example(),
        door="operations",
    ),
]
