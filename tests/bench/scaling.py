"""How many workers, Redis servers and STS calls a load needs: arithmetic, and a simulated queue at its peak.

    python -m tests.bench.scaling [--rate 200] [--redis-ms 0.7] [--sts-ms 2] [--bytes 13000] [--peak 3]

The options are what one lease costs on your machines; `make bench` measures them (docs/performance.md).  Leases come
at random (a Poisson process) at `peak` times the hour's mean, and each takes one worker for 1 / rate seconds.  The
number of workers is the smallest with which 99 of 100 leases wait less than a tenth of a second.
"""

import argparse
import heapq
import math
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

HOURLY: Final = (10_000, 100_000, 1_000_000, 10_000_000)
PATIENCE: Final = 0.1  # seconds that 99 of 100 leases wait at most
ARRIVALS: Final = 20_000
_AT_MOST: Final = 0.7  # of its time that a server with nothing beside it should be busy


@dataclass(frozen=True, slots=True)
class Costs:
    """What one lease costs: leases a second of one worker, CPU in Redis and in the store, bytes in Redis."""

    rate: float
    redis_ms: float
    sts_ms: float
    bytes: float


@dataclass(frozen=True, slots=True)
class Need:
    """What a load needs at its peak; `bytes` is for an hour of leases with their events."""

    hourly: int
    peak: float
    workers: int
    wait_ms: float
    redis_cores: float
    store_cores: float
    gigabytes: float

    @property
    def fits_one_redis(self) -> bool:
        """Say whether one Redis, which uses one core for commands, takes it."""
        return self.redis_cores <= _AT_MOST


def needs(costs: Costs, peak: float, seed: int = 1) -> Iterator[Need]:
    """Work out what each load needs."""
    for hourly in HOURLY:
        rate = hourly / 3600 * peak
        workers = max(1, math.ceil(rate / costs.rate))
        while (wait := waits(rate, costs.rate, workers, seed)) > PATIENCE:
            workers += 1
        redis, store = rate * costs.redis_ms / 1000, rate * costs.sts_ms / 1000
        yield Need(hourly, rate, workers, wait * 1000, redis, store, hourly * costs.bytes / 1e9)


def waits(arrivals: float, service: float, workers: int, seed: int) -> float:
    """Return how many seconds 99 of 100 leases wait at most."""
    chance = random.Random(seed)
    free, now, waited = [0.0] * workers, 0.0, []
    for _ in range(ARRIVALS):
        now += chance.expovariate(arrivals)
        begins = max(now, heapq.heappop(free))
        waited.append(begins - now)
        heapq.heappush(free, begins + 1 / service)
    return sorted(waited)[int(ARRIVALS * 0.99)]


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=200.0, help="leases a second of one worker")
    parser.add_argument("--redis-ms", type=float, default=0.7, help="CPU of Redis for a lease")
    parser.add_argument("--sts-ms", type=float, default=2.0, help="CPU of the store for a lease")
    parser.add_argument("--bytes", type=float, default=13_000, help="bytes in Redis for a lease with its event")
    parser.add_argument("--peak", type=float, default=3.0, help="the busiest second over the mean of its hour")
    asked = parser.parse_args()
    sys.stdout.write(
        "| leases an hour | at the peak | workers | p99 wait | Redis | store CPUs | Redis memory an hour |\n"
    )
    sys.stdout.write("|---:|---:|---:|---:|---|---:|---:|\n")
    for need in needs(Costs(asked.rate, asked.redis_ms, asked.sts_ms, asked.bytes), asked.peak):
        redis = f"{need.redis_cores:.2f} of a core" + ("" if need.fits_one_redis else ": more than one takes")
        sys.stdout.write(
            f"| {need.hourly:,} | {need.peak:,.0f}/s | {need.workers} | {need.wait_ms:.0f} ms | {redis} "
            f"| {need.store_cores:.1f} | {need.gigabytes:.1f} GB |\n"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
