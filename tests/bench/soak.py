"""Vend leases at a steady rate for a while, and see whether the worker's memory stays where it is.

    python -m tests.bench.soak [--minutes 20] [--leases 100000] [--store seaweedfs] [--users 400] [--without-ceilings]

A whole stack is started.  Many users, each with an identity token of their own, ask in turn for leases of a quarter of
an hour that all differ, so that in a long soak as many end as begin.  Between two samples there is one load.  Before
the first, everybody has two leases and what a worker remembers of leases is full.  Two documents limit a user here, not
nine: SeaweedFS and JuiceFS take the longer to write one the more they have, and it is the gateway that is looked at.
With 400 users they are written in a few minutes; for thousands of users leave the ceilings out.

Goals: the worker has at most 150 MiB at the end, and from the second tenth of the time to the last it has grown by at
most 5%.  Written to `soak.json` and `soak.txt`; the status is 1 if a goal is missed or an ask was refused.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import psutil
import redis

from tests.bench.people import tokens
from tests.bench.report import machine
from vendor.dev.seaweedfs import KIND as SEAWEEDFS
from vendor.dev.stack import STORES, Stack, running_stack
from vendor.dev.web import client
from vendor.leases.shield.shield import MOST_LIVE
from vendor.operate.bench.generator import Generator
from vendor.operate.bench.load import NUMBER, Load, Outcome, json_request

GOAL_MIB: Final = 150.0
GOAL_GROWTH: Final = 0.05
WHOLE_MINUTES: Final = 20.0
WHOLE_LEASES: Final = 100_000
SAMPLES: Final = 40
CONNECTIONS: Final = 16
FEW_CONNECTIONS: Final = 4
DURATION: Final = 900
MIB: Final = 2**20
PATIENCE: Final = 1800.0
FEW_DOCUMENTS: Final = {"VENDOR_STORE_CEILING_SLOTS": "1"}
NO_DOCUMENTS: Final = {"VENDOR_STORE_OPERATOR_POLICY": ""}


@dataclass(frozen=True, slots=True)
class Sample:
    """How it stood at one moment, and how the load before it went."""

    minute: float
    leases: int
    refused: int
    per_second: float
    p50_ms: float
    p99_ms: float
    worker_mib: float
    redis_mib: float
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it."""

    asked: int
    leases: int
    refused: int
    minutes: float
    end_mib: float
    growth: float
    redis_kib_a_lease: float
    refusal: str

    @property
    def small(self) -> bool:
        """Say whether the worker stayed small."""
        return self.end_mib <= GOAL_MIB

    @property
    def flat(self) -> bool:
        """Say whether the worker stopped growing."""
        return self.growth <= GOAL_GROWTH

    @property
    def whole(self) -> bool:
        """Say whether it was what the goals are about."""
        return self.leases >= WHOLE_LEASES and self.minutes >= WHOLE_MINUTES

    def lines(self) -> Iterator[str]:
        """Say it in words."""
        yield f"{self.leases} leases in {self.minutes:.1f} minutes, {self.refused} refused"
        if self.refusal:
            yield f"the first refusal: {self.refusal}"
        if self.leases < self.asked:
            yield f"{self.asked} leases were to be vended: the machine did not come to more"
        yield f"worker: {self.end_mib:.1f} MiB at the end; goal: at most {GOAL_MIB:g}: {_met(self.small)}"
        yield f"growth, second tenth to last: {self.growth:+.1%}; goal: at most {GOAL_GROWTH:.0%}: {_met(self.flat)}"
        yield f"Redis: {self.redis_kib_a_lease:.1f} KiB for each lease with its event"
        if not self.whole:
            yield f"The goals are about {WHOLE_LEASES} leases in {WHOLE_MINUTES:g} minutes; this was less."


def soak(stack: Stack, seconds: float, leases: int, users: int) -> Iterator[Sample]:
    """Make the load, one slice after the other, and yield how it stands before the first and after each."""
    url, rate = stack.gateway.url, leases / seconds
    signed = list(tokens(stack, "soak", users))
    _check_names(url, signed)
    asks = [_ask(url, token) for token in signed]
    with Generator() as generator:
        _warm_up(generator, url, asks)
        yield _sample(stack, 0.0, 0, 0, None)
        vended, refused, began, before = 0, 0, time.monotonic(), 0.0
        for number in range(1, SAMPLES + 1):
            until = seconds * number / SAMPLES
            part = until - (time.monotonic() - began)
            if part <= 0:
                continue
            due = max(1, round(rate * until) - vended)
            first = (vended + refused) % len(asks)
            turned = asks[first:] + asks[:first]
            load = Load(url, turned, CONNECTIONS, part, rate=due / part, most=due, first_number=number * 1_000_000)
            found = generator.outcome(load)
            vended, refused = vended + found.good, refused + sum(found.statuses.values()) - found.good
            now = time.monotonic() - began
            yield replace(_sample(stack, now, vended, refused, found), per_second=found.good / (now - before))
            before = now


def _warm_up(generator: Generator, url: str, asks: list[bytes]) -> None:
    """Let everybody come by, and fill what a worker remembers.  Raises Refused.

    The store writes a document for each user and may be too slow for some at once; who was sent away comes again.
    """
    began, first = time.monotonic(), 0
    for connections in (FEW_CONNECTIONS, FEW_CONNECTIONS, CONNECTIONS, CONNECTIONS, CONNECTIONS):
        found = generator.outcome(Load(url, asks, connections, PATIENCE, most=len(asks), first_number=first))
        first += len(asks)
        if found.good == len(asks) and connections == CONNECTIONS:
            break
    generator(Load(url, asks, CONNECTIONS, PATIENCE, most=MOST_LIVE, first_number=first))
    sys.stdout.write(f"warmed up with {first + MOST_LIVE} asks in {time.monotonic() - began:.0f} s\n\n{head()}\n")
    sys.stdout.flush()


def _check_names(url: str, signed: Sequence[str]) -> None:
    """Make sure that each token stands for a user of its own."""
    for number in (0, len(signed) - 1):
        with client(url, token=signed[number]) as web:
            name = web.get("/v1/whoami").raise_for_status().json()["principal"]
        if name != f"soak{number}":
            raise SystemExit(f"the token of soak{number} stands for {name}")


def verdict(samples: Sequence[Sample], asked: int) -> Verdict:
    """Judge what was seen."""
    loaded = samples[1:]
    end, tenth = loaded[-1], max(1, len(loaded) // 10)
    early = statistics.median(one.worker_mib for one in loaded[tenth : 2 * tenth] or loaded)
    late = statistics.median(one.worker_mib for one in loaded[-tenth:])
    return Verdict(
        asked=asked,
        leases=end.leases,
        refused=end.refused,
        minutes=end.minute,
        end_mib=late,
        growth=late / early - 1,
        refusal=next((one.refusal for one in samples if one.refusal), ""),
        redis_kib_a_lease=(end.redis_mib - samples[0].redis_mib) * 1024 / max(1, end.leases),
    )


def head() -> str:
    """Return the first line of the table."""
    return "minute    leases  refused  a second    p50 ms    p99 ms  worker MiB  Redis MiB"


def row(one: Sample) -> str:
    """Return a line of the table."""
    return (
        f"{one.minute:6.2f}  {one.leases:8}  {one.refused:7}  {one.per_second:8.1f}  {one.p50_ms:8.1f}  "
        f"{one.p99_ms:8.1f}  {one.worker_mib:10.1f}  {one.redis_mib:9.1f}"
    )


def _ask(url: str, token: str) -> bytes:
    return json_request(url, "/v1/leases", {"duration": DURATION, "audit_context": {"soak": NUMBER.decode()}}, token)


def _sample(stack: Stack, seconds: float, leases: int, refused: int, found: Outcome | None) -> Sample:
    with redis.Redis.from_url(stack.valkey.url, socket_timeout=5) as server:
        used = int(server.info("memory")["used_memory"])
    return Sample(
        minute=seconds / 60,
        leases=leases,
        refused=refused,
        per_second=0.0,
        p50_ms=found.percentile(50) if found else 0.0,
        p99_ms=found.percentile(99) if found else 0.0,
        worker_mib=psutil.Process(stack.gateway.child.pid).memory_info().rss / MIB,
        redis_mib=used / MIB,
        refusal=found.refusal if found else "",
    )


def _met(met: bool) -> str:
    return "met" if met else "MISSED"


def main() -> int:
    """Soak, telling how it stands; 1 when a goal is missed or an ask was refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=WHOLE_MINUTES)
    parser.add_argument("--leases", type=int, default=WHOLE_LEASES, help="how many in all that time")
    parser.add_argument("--store", choices=STORES, default=SEAWEEDFS)
    parser.add_argument("--users", type=int, default=400, help="who ask in turn")
    parser.add_argument("--without-ceilings", action="store_true", help="have the store limit live keys by nothing")
    parser.add_argument("--output", type=Path, default=Path(".bench"), help="folder for soak.json and soak.txt")
    asked = parser.parse_args()
    if min(asked.minutes, asked.leases, asked.users) <= 0:
        parser.error("--minutes, --leases and --users have to be more than 0")
    samples: list[Sample] = []
    lines = [f"{asked.leases} leases for {asked.users} users on {asked.store} in {asked.minutes:g} minutes"]
    sys.stdout.write(lines[0] + "\n")
    lines += ["", head()]
    settings = NO_DOCUMENTS if asked.without_ceilings else FEW_DOCUMENTS
    with running_stack(asked.store, settings=settings) as stack:
        for one in soak(stack, asked.minutes * 60, asked.leases, asked.users):
            samples.append(one)
            lines.append(row(one))
            sys.stdout.write(lines[-1] + "\n")
            sys.stdout.flush()
    found = verdict(samples, asked.leases)
    said = ["", *found.lines()]
    sys.stdout.write("\n".join(said) + "\n")
    asked.output.mkdir(parents=True, exist_ok=True)
    content = {
        "machine": machine(),
        "store": asked.store,
        "users": asked.users,
        "ceilings": not asked.without_ceilings,
        "verdict": {**asdict(found), "small": found.small, "flat": found.flat, "whole": found.whole},
        "samples": [asdict(one) for one in samples],
    }
    (asked.output / "soak.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (asked.output / "soak.txt").write_text("\n".join([*lines, *said]) + "\n", encoding="utf-8")
    return 0 if found.small and found.flat and not found.refused else 1


if __name__ == "__main__":
    raise SystemExit(main())
