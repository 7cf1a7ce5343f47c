"""(k), (l), (j): starting a gateway, two workers against one, and what leases, shares and events take of memory."""

import time
from collections.abc import Iterator, Mapping
from functools import partial

import psutil
import redis

from tests.bench.figures import Case, Goal, Row
from tests.bench.rounds import Comparison
from tests.bench.scenarios.leases import MANY, asked_by, new_leases, users
from tests.bench.site import Site
from tests.bench.turns import SELDOM, Turn
from vendor.dev.seaweedfs import KIND as SEAWEEDFS
from vendor.operate.bench.load import Load, request

START, TWO, MEMORY = "start", "workers", "memory"
LEASES = {True: 300, False: 20_000}
MIB = 2**20


def start(site: Site) -> Iterator[Row]:
    """From the start of the process to its first answer that it is ready."""
    stack = site.stack(SEAWEEDFS)
    seconds = []
    for number in range(site.rounds):
        began = time.perf_counter()
        gateway = stack.add_gateway(f"gateway-started-{number}")
        seconds.append(time.perf_counter() - began)
        gateway.child.stop()
    yield Case(START, "ready").row("seconds", *seconds)


def two(site: Site) -> Iterator[Turn]:
    """The same load on one worker, and on two; no ratio, for what a second one finds free depends on the other core."""
    urls = [site.stack(SEAWEEDFS).gateway.url, site.second_gateway(SEAWEEDFS).url]
    sent = {url: asked_by(site, url, users(site, SEAWEEDFS)) for url in urls}

    def one_worker() -> Mapping[str, float]:
        return site.load(urls[0], sent[urls[0]], connections=MANY).figures()

    def two_workers() -> Mapping[str, float]:
        found = site.loads([(url, sent[url]) for url in urls], connections=MANY // 2)
        return {"per_second": sum(outcome.per_second for outcome in found)}

    sides = {"one": one_worker, "two": two_workers}
    rows = partial(Case(TWO, "two-over-one").rows, measured="two", baseline="one", figures=["per_second"], beside=True)
    yield Turn(Comparison(sides, every=SELDOM), rows)


def memory(site: Site) -> Iterator[Row]:
    """Vend many leases on a gateway of its own, and look at what it and Redis have grown by."""
    stack = site.stack(SEAWEEDFS)
    count = LEASES[site.quick]
    gateway = stack.add_gateway("gateway-memory")
    worker = psutil.Process(gateway.child.pid)
    site.generator(Load(gateway.url, new_leases(gateway.url, stack.tokens["alice"]), 16, 600, most=50))
    before, kept_before, events_before = worker.memory_info().rss, _used(stack.valkey.url), _events(stack.valkey.url)
    asks = new_leases(gateway.url, stack.tokens["alice"])
    site.generator(Load(gateway.url, asks, 16, 600.0, most=count, first_number=site.first_number()))
    after, kept = worker.memory_info().rss, _used(stack.valkey.url) - kept_before
    case = Case(MEMORY, f"{count}-leases")
    yield case.row("worker_mib", after / MIB, goals=[Goal("measured", at_most=150.0)])
    yield case.row("worker_mib_over_idle", after / MIB, baseline=[before / MIB])
    yield case.row("redis_bytes_per_lease", kept / count)
    yield case.row("events_per_lease", (_events(stack.valkey.url) - events_before) / count)
    share = _bytes_per_share(site, gateway.url, stack.tokens["alice"], stack.valkey.url)
    yield Case(MEMORY, "shares").row("redis_bytes_per_share", share)
    gateway.child.stop()


def _bytes_per_share(site: Site, url: str, token: str, server: str) -> float:
    """Share, and count the share with its event."""
    body = b'{"path":"s3a://cdm-lake/users-general-warehouse/alice/memory/@@@@@@@@@@/",'
    body += b'"with":{"users":["bob"]},"access":"read"}'
    asked = request(url, "POST", "/v1/shares", body=body, authorization=f"Bearer {token}")
    count, before = 50, _used(server)
    site.generator(Load(url, [asked], 1, 60.0, most=count, first_number=site.first_number()))
    return (_used(server) - before) / count


def _used(url: str) -> int:
    with redis.Redis.from_url(url, socket_timeout=5) as server:
        return int(server.info("memory")["used_memory_dataset"])


def _events(url: str) -> int:
    with redis.Redis.from_url(url, socket_timeout=5) as server:
        return int(server.xlen("{vendor}:audit"))
