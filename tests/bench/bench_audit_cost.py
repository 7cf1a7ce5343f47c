"""What recording and sealing cost: new leases a second of one gateway worker, with the audit log and without.

    python tests/bench/bench_audit_cost.py [--store seaweedfs] [--seconds 4] [--pairs 12] [--connections 16] [--json]

Both gateways stand on the same Redis and store, as shipped but for the limits; the one without is `unrecorded`.  They
are measured in turns, in an order that changes, so that whatever else the machine does falls on both; what counts is
the median over the pairs.  The other one's turn begins only when everything is sealed and indexed, so that it pays for
nothing that is not its own.  The goal is that the log costs less than 15% of the throughput.  Told as well is the
processor time that gateway and Redis took for a lease, sealing and indexing to the end included, which a busy machine
changes less.
"""

import argparse
import asyncio
import itertools
import json
import multiprocessing
import statistics
import sys
import time
from collections import Counter
from dataclasses import replace
from multiprocessing.pool import Pool
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import psutil
import redis

from tests.bench.bench_flood import _Connection, _request
from vendor.audit.trail import stream_key
from vendor.dev.ports import LOOPBACK, Reservation
from vendor.dev.stack import STORES, Stack, running_stack
from vendor.dev.web import answers

GOAL = 0.15
WARM_SECONDS = 2.0
STREAM = stream_key("{vendor}")


def leases(url: str, tokens: list[str], connections: int, seconds: float, name: str) -> tuple[float, dict[str, int]]:
    """Ask for leases that all differ; return how many came a second, and the statuses."""

    async def run() -> tuple[float, dict[str, int]]:
        statuses, numbers, counted = Counter[str](), itertools.count(), 0
        begins = time.perf_counter() + WARM_SECONDS
        ends = begins + seconds

        async def one(token: str) -> None:
            nonlocal counted
            async with _Connection(url) as connection:
                while time.perf_counter() < ends:
                    status, _ = await connection.ask(_request(url, token, {name: str(next(numbers))}))
                    statuses[status] += 1
                    counted += begins < time.perf_counter() < ends

        await asyncio.gather(*(one(tokens[number % len(tokens)]) for number in range(connections)))
        return counted / seconds, dict(statuses)

    return asyncio.run(run())


def add_unrecorded(stack: Stack) -> str:
    """Start the gateway that records nothing; return its URL."""
    with Reservation(1) as reserved:
        port = reserved.ports[0]
    program = stack.gateway.child.program
    environment = {**program.environment, "VENDOR_PORT": str(port)}
    beside = replace(
        program,
        name="gateway-unrecorded",
        argv=[sys.executable, str(Path(__file__).with_name("unrecorded.py"))],
        environment={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        log=stack.folder.logs / "gateway-unrecorded.log",
        ports=[port],
    )
    url = f"http://{LOOPBACK}:{port}"
    stack.children.start_ready(beside, lambda _child: answers(f"{url}/readyz"), within=30)
    return url


def processor_seconds(stack: Stack) -> float:
    """Return the processor time that both gateways and Redis have taken so far."""
    parts = [child for child in stack.children.all() if child.name.startswith(("gateway", "valkey"))]
    return sum(sum(psutil.Process(child.pid).cpu_times()[:2]) for child in parts)


def settled(stack: Stack) -> int:
    """Wait until all events are sealed and indexed; return how many were not sealed at first."""
    with redis.Redis.from_url(stack.valkey.url, decode_responses=True) as connection:
        last = connection.xinfo_stream(STREAM)["last-generated-id"]
        behind = None
        deadline = time.monotonic() + 60
        while True:
            newest = connection.xrevrange(f"{STREAM}:checkpoints", count=1)
            sealed = connection.xlen(STREAM) if not newest else _size(newest[0][1]["jws"])
            if behind is None:
                behind = connection.xlen(STREAM) - sealed
            if sealed == connection.xlen(STREAM) and connection.hget(f"{STREAM}:index", "at") == last:
                return int(behind)
            if time.monotonic() > deadline:
                raise SystemExit("the log is not sealed and indexed after a minute")
            time.sleep(0.1)


def _size(jws: str) -> int:
    from vendor.sealed.records import payload_of

    return int(json.loads(payload_of(jws))["size"])


def measure(stack: Stack, pool: Pool, *, seconds: float, pairs: int, connections: int) -> dict[str, object]:
    """Return leases a second with and without the log, and what it costs."""
    urls = {"with": stack.gateway.url, "without": add_unrecorded(stack)}
    tokens = list(stack.tokens.values())
    rates: dict[str, list[float]] = {"with": [], "without": []}
    spent: dict[str, list[float]] = {"with": [], "without": []}
    behind, turn = 0, 0
    for pair in range(-1, pairs):
        for name in ("with", "without")[:: 1 if pair % 2 else -1]:
            turn += 1
            before = processor_seconds(stack)
            rate, statuses = pool.apply(leases, (urls[name], tokens, connections, seconds, f"t{turn}"))
            if set(statuses) != {"201"}:
                raise SystemExit(f"not all leases came: {statuses}")
            behind = max(behind, settled(stack))
            if pair >= 0:  # the first pair only warms up
                rates[name].append(rate)
                spent[name].append((processor_seconds(stack) - before) / statuses["201"] * 1000)
    costs = [1 - kept / free for kept, free in zip(rates["with"], rates["without"], strict=True)]
    return {
        "name": f"audit-cost/{stack.store.site.kind}",
        "connections": connections,
        "with_per_second": round(statistics.median(rates["with"]), 1),
        "without_per_second": round(statistics.median(rates["without"]), 1),
        "cost": round(statistics.median(costs), 3),
        "costs": [round(cost, 3) for cost in costs],
        "processor_ms_with": round(statistics.median(spent["with"]), 2),
        "processor_ms_without": round(statistics.median(spent["without"]), 2),
        "most_unsealed": behind,
        "load": [round(one, 1) for one in psutil.getloadavg()],
    }


def main() -> int:
    """Print the results; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", action="append", choices=STORES)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    options = parser.parse_args()
    missed = False
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        for store in options.store or ["seaweedfs"]:
            with running_stack(store) as stack:
                found = measure(
                    stack, pool, seconds=options.seconds, pairs=options.pairs, connections=options.connections
                )
            missed |= float(str(found["cost"])) >= GOAL
            if options.json:
                print(json.dumps(found))  # noqa: T201  it is a script
            else:
                for key, value in found.items():
                    print(f"{key:20} {value}")  # noqa: T201  as above
                print(f"goal: cost < {GOAL}")  # noqa: T201  as above
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
