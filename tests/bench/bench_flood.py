"""What a flood by one user costs another: one gateway worker, over HTTP, on loopback, with the settings as shipped.

    python tests/bench/bench_flood.py [--store juicefs] [--asks 5000] [--connections 100] [--seconds 15] [--json]

Bob asks for a new lease twenty times a second, first alone, then while Alice sends all her asks at once, again and
again: asks that all differ (most are refused, 429), and asks that are all the same (one lease for all of them).  The
goal is that Bob's p99 stays under twice its quiet value.  All processes share the machine: on one with few cores the
flood's own client and the store take their part of what is measured.
"""

import argparse
import asyncio
import itertools
import json
import multiprocessing
import os
import statistics
import sys
import time
from collections import Counter
from multiprocessing.pool import Pool
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[2]))

from vendor.dev.stack import Stack, running_stack
from vendor.settings import Settings

PER_SECOND = 20
GOAL = 2.0
Found = tuple[list[float], dict[str, int]]


def _request(url: str, token: str, context: dict[str, str]) -> bytes:
    body = json.dumps({"audit_context": context}).encode()
    head = (
        f"POST /v1/leases HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Connection:
    """One connection, one ask after the other."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._opening = asyncio.open_connection(place.hostname, place.port)

    async def __aenter__(self) -> "_Connection":
        self._reader, self._writer = await self._opening
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def ask(self, request: bytes) -> tuple[str, float]:
        """Return the status and how long it took, in milliseconds."""
        began = time.perf_counter()
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        await self._reader.readexactly(int(length.partition(b":")[2]))
        return head[9:12].decode(), (time.perf_counter() - began) * 1000


def paced(url: str, token: str, count: int, name: str) -> Found:
    """Ask for `count` leases that all differ, twenty a second."""

    async def run() -> Found:
        took, statuses = [], Counter[str]()
        async with _Connection(url) as connection:
            start = time.perf_counter()
            for number in range(count):
                await asyncio.sleep(max(0.0, start + number / PER_SECOND - time.perf_counter()))
                status, spent = await connection.ask(_request(url, token, {name: str(number)}))
                took.append(spent)
                statuses[status] += 1
        return took, dict(statuses)

    return asyncio.run(run())


def flood(url: str, token: str, asks: int, connections: int, name: str) -> Found:
    """Send `asks` on many connections as fast as they are answered; with a `name` they all differ."""

    async def run() -> Found:
        took, statuses, left = [], Counter[str](), itertools.count()

        async def one() -> None:
            async with _Connection(url) as connection:
                while (number := next(left)) < asks:
                    context = {name: str(number)} if name else {"same": "for-all"}
                    status, spent = await connection.ask(_request(url, token, context))
                    took.append(spent)
                    statuses[status] += 1

        await asyncio.gather(*(one() for _ in range(connections)))
        return took, dict(statuses)

    return asyncio.run(run())


def quantiles(took: list[float]) -> dict[str, float]:
    """Return the median and the 99th percentile."""
    ordered = sorted(took)
    return {"p50_ms": round(statistics.median(ordered), 1), "p99_ms": round(ordered[int(len(ordered) * 0.99)], 1)}


def _flooded(
    pool: Pool, flooding: Pool, stack: Stack, url: str, count: int, asks: int, connections: int, kind: str
) -> dict[str, object]:
    bob, alice = stack.tokens["bob"], stack.tokens["alice"]
    asked, statuses, round_number = 0, Counter[str](), 0
    victim = pool.apply_async(paced, (url, bob, count, f"flooded-{kind}"))
    while not victim.ready():
        name = f"flood-{round_number}" if kind == "different" else ""
        _, found = flooding.apply(flood, (url, alice, asks, connections, name))
        statuses.update(found)
        asked += asks
        round_number += 1
    took, seen = victim.get()
    return {**quantiles(took), "statuses": seen, "flood_asks": asked, "flood_statuses": dict(statuses)}


def measure(stack: Stack, url: str, *, asks: int, connections: int, seconds: float) -> dict[str, dict[str, object]]:
    """Return Bob's times alone and under each kind of flood."""
    count = int(PER_SECOND * seconds)
    spawn = multiprocessing.get_context("spawn")
    # A flood comes from other machines, so its client is not to take the processors that are measured.
    with spawn.Pool(1) as pool, spawn.Pool(1, os.nice, (10,)) as flooding:
        pool.apply(abs, (1,))
        flooding.apply(abs, (1,))
        pool.apply(paced, (url, stack.tokens["bob"], 20, "warm"))
        took, statuses = pool.apply(paced, (url, stack.tokens["bob"], count, "quiet"))
        quiet = {**quantiles(took), "statuses": statuses}
        found: dict[str, dict[str, object]] = {"quiet": quiet}
        for kind in ("different", "same"):
            flooded = _flooded(pool, flooding, stack, url, count, asks, connections, kind)
            flooded["ratio_p99"] = round(float(str(flooded["p99_ms"])) / float(str(quiet["p99_ms"])), 2)
            found[kind] = flooded
    return found


def main() -> int:
    """Print the results; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="juicefs")
    parser.add_argument("--asks", type=int, default=5000)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    with running_stack(options.store, refresh="5m") as stack:
        shipped = Settings.model_fields
        limits = {f"VENDOR_{name.upper()}": str(shipped[name].default) for name in shipped if name.startswith("limit_")}
        gateway = stack.add_gateway("gateway-as-shipped", **limits)
        found = measure(stack, gateway.url, asks=options.asks, connections=options.connections, seconds=options.seconds)
    if options.json:
        print(json.dumps({"name": f"flood/{options.store}", **found}))  # noqa: T201  it is a script
    else:
        for name, one in found.items():
            print(f"{name:10} {one}")  # noqa: T201  as above
        print(f"goal: ratio_p99 < {GOAL}")  # noqa: T201  as above
    return 0 if all(float(str(one.get("ratio_p99", 0))) < GOAL for one in found.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
