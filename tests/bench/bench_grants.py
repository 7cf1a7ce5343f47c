"""How long reading one user's rights takes in a small and in a large state.  Goal: at most 1.5 times as long.

    python -m tests.bench.bench_grants [--quick] [--json]

The users that are asked about have the same in both: 5 tenants with 10 shares each, 20 shares of their own, 10 with
everyone.  Around them are 100 users, 10 tenants and 1,000 shares, or 100,000, 10,000 and 1,000,000 (a tenth of that
with --quick, or QUICK=1).  Both states lie in the same Valkey and are asked in turn.  They are loaded as an import is.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import redis

from tests.support.parts import POLICIES, single_parts
from vendor.audit.trail import stream_key
from vendor.database import Database
from vendor.governance.generations import Generations
from vendor.governance.grants import grants_of
from vendor.governance.keys import Keys
from vendor.governance.records import Share, Target, TargetKind, Tenant, User, share_id
from vendor.governance.state import Governance, Subject
from vendor.governance.statefile import Member, Record
from vendor.names import TenantName, UserName, parse_s3_path
from vendor.policy.grant import Access, Level
from vendor.policy.layout import Layout, load_layout
from vendor.secret import Secret
from vendor.stewardship.staging import Numbered, stage

GOAL = 1.5
ASKED, TENANTS_OF_ONE = 20, 5
AT = "2026-01-01T00:00:00Z"
EVERYONE = Target(TargetKind.EVERYONE)


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is beside the users that are asked about."""

    users: int
    tenants: int
    shares: int


SMALL, LARGE, QUICK = Size(100, 10, 1_000), Size(100_000, 10_000, 1_000_000), Size(10_000, 1_000, 100_000)


class Names:
    """Who is there: the `asked`, what is `near` to them, and the others."""

    def __init__(self, size: Size) -> None:
        self.asked = [UserName(f"asked{number}") for number in range(ASKED)]
        self.near = [TenantName(f"near{number}") for number in range(TENANTS_OF_ONE)]
        self.far = [TenantName(f"far{number}x") for number in range(size.tenants)]
        self.others = [UserName(f"user{number}") for number in range(size.users)]


def people(names: Names) -> Iterator[Record]:
    """Yield users, tenants and members."""
    asked, near, far, others = names.asked, names.near, names.far, names.others
    yield from (User(name, AT, None, None, disabled=False, revision=0) for name in (*asked, *others))
    yield from (Tenant(name, None, None, None, None, AT, "root0", AT, "root0", 0, "") for name in (*near, *far))
    yield from (Member(tenant, name, Access.READ_WRITE) for tenant in near for name in asked)
    yield from (Member(far[number % len(far)], name, Access.READ_ONLY) for number, name in enumerate(others))


def shares(names: Names, count: int) -> Iterator[Record]:
    """Yield what reaches the asked, and so many shares among the others."""
    far, others = names.far, names.others
    yield from shares_of_the_asked(names.asked, names.near, others)
    for number in range(count):
        owner, user = others[number % len(others)], others[(number * 7 + 1) % len(others)]
        target = Target(TargetKind.USER, user)
        if number % 10 == 0 or user == owner:
            target = Target(TargetKind.TENANT, far[number % len(far)])
        yield share(owner, f"folder{number}", target)


def shares_of_the_asked(asked: list[UserName], near: list[TenantName], others: list[UserName]) -> Iterator[Share]:
    """Yield what reaches the asked: through everyone, through their tenants, and themselves."""
    for number in range(10):
        yield share(others[0], f"open{number}", EVERYONE)
        yield from (share(others[1], f"near{number}", Target(TargetKind.TENANT, tenant)) for tenant in near)
    for number in range(20):
        yield from (share(others[number], f"for-{name}", Target(TargetKind.USER, name)) for name in asked)


def share(owner: UserName, folder: str, target: Target) -> Share:
    """Make a share of a folder in the owner's home."""
    path = parse_s3_path(f"s3a://cdm-lake/users-general-warehouse/{owner}/{folder}/")
    home = Target(TargetKind.USER, owner)
    return Share(share_id(path, target), path, target, Level.READ, None, home, owner, AT)


async def load(database: Database, prefix: str, size: Size, layout: Layout) -> Governance:
    """Write a state under a prefix of its own."""
    keys = Keys(prefix)
    stream = stream_key(keys.root)
    generations = Generations(database, keys, stream)
    staged = await generations.begin(0)
    names = Names(size)
    await stage(generations, staged, enumerate(people(names)), layout)
    numbered: Iterator[Numbered] = enumerate(shares(names, size.shares))
    # Two take from the same shares: while Redis writes those of one, those of the other are prepared.
    await asyncio.gather(*(stage(generations, staged, numbered, layout) for _ in range(2)))
    await generations.adopt(staged, "{}")
    await generations.end()
    return Governance(database, keys, stream)


async def ask(governance: Governance, layout: Layout) -> tuple[float, int]:
    """Resolve the grants of everyone asked once; return milliseconds for one, and how many grants one has."""
    began = time.perf_counter()
    count = 0
    for number in range(ASKED):
        standing = await governance.standing(Subject(UserName(f"asked{number}")))
        count = len(grants_of(standing, layout, has_home=True))
    return (time.perf_counter() - began) / ASKED * 1000, count


def round_trips(server: redis.Redis, before: dict[str, Any]) -> float:
    """Return how many commands were sent for each user since `before` was read."""
    after: Any = server.info("commandstats")
    sent = sum(after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after if "eval" in name)
    return float(sent)


async def measure(size: Size, rounds: int) -> dict[str, Any]:
    """Load both states, ask both in turn, and return what it took."""
    layout = load_layout(POLICIES / "layout.toml")
    with single_parts() as parts:
        url = parts.valkey().url
        database = Database.open(Secret(url))
        with redis.Redis.from_url(url, socket_timeout=30) as server:
            server.config_set("appendonly", "no")  # what is measured reads only
            small = await load(database, "small", SMALL, layout)
            began = time.perf_counter()
            large = await load(database, "large", size, layout)
            loaded = time.perf_counter() - began
            for state in (small, large):
                await ask(state, layout)
            before: Any = server.info("commandstats")
            times: dict[str, list[float]] = {"small": [], "large": []}
            grants = set()
            for _ in range(rounds):
                for name, state in (("small", small), ("large", large)):
                    took, count = await ask(state, layout)
                    times[name].append(took)
                    grants.add(count)
            trips = round_trips(server, before) / (2 * rounds * ASKED)
            memory: Any = server.info("memory")
        await database.close()
    assert len(grants) == 1, "both have the same grants"
    best = {name: statistics.median(found) for name, found in times.items()}
    return {
        "name": f"grants/{size.shares}",
        "small_ms": round(best["small"], 3),
        "large_ms": round(best["large"], 3),
        "ratio": round(best["large"] / best["small"], 3),
        "round_trips": trips,
        "grants": grants.pop(),
        "loaded_seconds": round(loaded, 1),
        "used_memory_mb": round(memory["used_memory"] / 2**20),
    }


def main() -> int:
    """Print the result; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", default=os.environ.get("QUICK") == "1")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()
    found = asyncio.run(measure(QUICK if options.quick else LARGE, options.rounds))
    if options.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        sys.stdout.writelines(f"{name:>16}  {value}\n" for name, value in found.items())
    return 0 if found["ratio"] <= GOAL and found["round_trips"] == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
