"""How a long audit log reads: pages at any depth, the start of a tail, an export, and checking it offline.

    python tests/bench/bench_audit_log.py [--events 1000000] [--json]

The events look like those of a year of vending by a thousand people; they are put into Redis directly, and a gateway as
shipped indexes and seals them and is asked over HTTP.  Goals: a tail begins within a second, a filtered page takes
under 200 ms wherever it begins, `vendor audit verify` handles 50,000 events a second, and the memory of the gateway
and of the check does not grow with the log (by less than 40 MB).  The rate of the check counts processor seconds, its
start included, so that what else a machine does is not held against it.
"""

import argparse
import json
import multiprocessing
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parents[2]))

import httpx2
import psutil
import redis

from vendor.audit.event import Actor, Event, Kind, Origin
from vendor.audit.trail import stream_key
from vendor.dev.stack import Stack, running_stack
from vendor.sealed.records import payload_of

STREAM = stream_key("{vendor}")
PEOPLE, TENANTS, LEASES_EACH = 1000, 50, 3
GOALS = {"page_ms": 200.0, "tail_ms": 1000.0, "verify_per_second": 50_000, "memory_mb": 40.0}
DEPTHS = (0.0, 0.25, 0.5, 0.75, 0.95, 0.9999)


def made_up(number: int) -> str:
    """An event as a year of vending leaves it: mostly leases, some refusals, a change now and then."""
    chance = random.Random(number)
    person = "alice" if number % 100 == 0 else f"user-{int(PEOPLE * chance.random() ** 2)}"
    tenant = f"team{int(TENANTS * chance.random() ** 2)}"
    origin = Origin(f"r_{number:016x}", "api", "192.0.2.7", "aws-cli/2.17 md/Botocore#1.34 ua/2.0 os/linux")
    actor = Actor(person, "https://idp.example.org/realms/main", f"{person}-0193b8a0")
    kind = chance.choices([Kind.VEND_ISSUED, Kind.VEND_DENIED, Kind.MEMBER_SET], [900, 99, 1])[0]
    asked = {"scope": None, "duration": 3600, "renewable_for": None, "partial": False}
    facts: dict[str, object] = {"store": "default", "asked": asked}
    if kind is Kind.VEND_ISSUED:
        path = f"s3://cdm-lake/tenant-general-warehouse/{tenant}/"
        facts |= {
            "lease": f"l_{number // LEASES_EACH:020x}",
            "access_key_id": f"AKID{number:016X}",
            "granted": [
                {"path": f"s3://cdm-lake/users-general-warehouse/{person}/", "access": "read_write", "source": "home"},
                {"path": path, "access": "read", "source": f"tenant:{tenant}"},
            ],
            "revision": "1234",
            "policy_sha256": f"{number:064x}",
            "policy_bytes": 812,
            "expires_at": "2026-11-21T07:00:00Z",
            "audit_context": {"job": f"spark-{number}", "reason": "nightly"},
        }
    elif kind is Kind.MEMBER_SET:
        facts = {"tenant": tenant, "user": person, "access": "read_only", "before": None, "as_admin": False}
    event = Event(kind, 1_763_704_800.0, actor, origin, facts=facts)
    if kind is Kind.VEND_DENIED:
        event.refuse(kind, "scope_not_granted")
    return event.text()


def fill(url: str, first: int, count: int) -> None:
    """Put events into the stream."""
    with redis.Redis.from_url(url) as connection:
        for start in range(first, first + count, 1000):
            with connection.pipeline(transaction=False) as pipe:
                for number in range(start, min(start + 1000, first + count)):
                    pipe.xadd(STREAM, {"event": made_up(number)})
                pipe.execute()


@dataclass
class Filled:
    """A stack whose log is long, and where its events are."""

    stack: Stack
    events: int
    found: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.redis: Any = redis.Redis.from_url(self.stack.valkey.url, decode_responses=True)
        self.web = httpx2.Client(
            base_url=self.stack.gateway.url,
            headers={"authorization": f"Bearer {self.stack.tokens['carol']}"},
            trust_env=False,
            timeout=60,
        )

    def memory_mb(self) -> float:
        """Memory of the gateway."""
        return float(psutil.Process(self.stack.gateway.child.pid).memory_info().rss / 2**20)

    def fill(self) -> None:
        """Fill the log; Redis need not have it on disk for this."""
        self.redis.config_set("appendonly", "no")
        began = time.perf_counter()
        share = -(-self.events // 2)
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            pool.starmap(fill, [(self.stack.valkey.url, at * share, share) for at in range(2)])
        self.found["filled_per_second"] = round(self.events / (time.perf_counter() - began))
        self._caught_up(began)

    def _caught_up(self, began: float) -> None:
        """Wait until the gateway has sealed and indexed everything."""
        last = self.redis.xinfo_stream(STREAM)["last-generated-id"]
        left: dict[str, Callable[[], str]] = {"sealed": self._sealed, "indexed": self._indexed}
        while left:
            for name, look in list(left.items()):
                if look() == last:
                    self.found[f"{name}_per_second"] = round(self.events / (time.perf_counter() - began))
                    del left[name]
            time.sleep(0.2)

    def _indexed(self) -> str:
        return str(self.redis.hget(f"{STREAM}:index", "at"))

    def _sealed(self) -> str:
        newest = self.redis.xrevrange(f"{STREAM}:checkpoints", count=1)
        return str(json.loads(payload_of(newest[0][1]["jws"]))["last"]) if newest else ""

    def cursor(self, depth: float) -> str:
        """Where the log stands after that part of its events, about."""
        ends = [int(self.redis.xinfo_stream(STREAM)[end][0].partition("-")[0]) for end in ("first-entry", "last-entry")]
        return f"{int(ends[0] + depth * (ends[1] - ends[0]))}-0"

    def event_at(self, depth: float) -> dict[str, Any]:
        """An issued lease that lies there."""
        for _, fields in self.redis.xrange(STREAM, min=self.cursor(depth), count=100):
            event: dict[str, Any] = json.loads(fields["event"])
            if event["kind"] == "vend.issued":
                return event
        raise AssertionError(depth)


def filters(filled: Filled) -> Iterator[tuple[str, Callable[[float], dict[str, str]]]]:
    """What is asked for; some depends on where a page begins."""
    rare = {"tenant": "team49", "kind": "tenant.member_set"}
    yield "everything", lambda _depth: {}
    yield "kind, common", lambda _depth: {"kind": "vend.issued"}
    yield "kind, rare", lambda _depth: {"kind": "tenant.member_set"}
    yield "user, busy", lambda _depth: {"user": "user-0"}
    yield "user, quiet", lambda _depth: {"user": "user-998"}
    yield "user, unknown", lambda _depth: {"user": "nobody-at-all"}
    yield "user and kind", lambda _depth: {"user": "user-0", "kind": "vend.denied"}
    yield "tenant", lambda _depth: {"tenant": "team0"}
    yield "tenant and kind", lambda _depth: {"tenant": "team0", "kind": "vend.issued"}
    yield "tenant and rare kind", lambda _depth: rare
    yield "user and tenant, rare", lambda _depth: {"user": "user-0", "tenant": "team49"}
    yield "user and tenant, never", lambda _depth: {"user": "user-0", "tenant": "teamnever"}
    yield "lease", lambda depth: {"lease": filled.event_at(depth)["lease"]}
    yield "access key", lambda depth: {"access_key": filled.event_at(depth)["access_key_id"]}
    yield "lease, after everything", lambda _depth: {"lease": "l_unknown"}
    yield "kind, of a time", lambda depth: {"kind": "vend.denied", "since": _rfc3339(filled.cursor(depth))}
    yield "as OCSF", lambda _depth: {"kind": "vend.issued", "format": "ocsf"}


def _rfc3339(cursor: str) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(cursor.partition("-")[0]) / 1000))


def pages(filled: Filled, user: str) -> list[dict[str, Any]]:
    """How long a page of 100 takes for every filter at every depth: the median of five, in milliseconds."""
    rows = []
    token = filled.stack.tokens[user]
    for name, ask in filters(filled):
        for depth in DEPTHS:
            query = {"limit": "100", "after": filled.cursor(depth), **ask(depth)}
            if user != "carol" and "user" in query:
                continue
            took, count, more = [], 0, ""
            for _ in range(5):
                began = time.perf_counter()
                answer = filled.web.get(f"/v1/audit?{urlencode(query)}", headers={"authorization": f"Bearer {token}"})
                took.append((time.perf_counter() - began) * 1000)
                if answer.status_code != 200:
                    raise SystemExit(f"{query}: {answer.status_code} {answer.text}")
                count, more = len(answer.text.splitlines()), answer.headers["x-more"]
            rows.append(
                {"of": user, "filter": name, "depth": depth, "ms": round(statistics.median(took), 1)}
                | {"events": count, "more": more}
            )
    return rows


def tail_ms(filled: Filled, **headers: str) -> float:
    """How long it takes until a tail has sent its first event; from now on, one that is recorded just then."""
    began = time.perf_counter()
    with filled.web.stream("GET", "/v1/audit/tail", headers=headers) as answer:
        for line in answer.iter_lines():
            if line.startswith("retry:") and not headers:
                began = time.perf_counter()
                filled.redis.xadd(STREAM, {"event": made_up(1)})
            if line.startswith("data:"):
                return (time.perf_counter() - began) * 1000
    raise SystemExit("the tail ended")


def export(filled: Filled, file: Path, query: str = "") -> float:
    """Write an export into a file; return how many bytes came a second."""
    began, size = time.perf_counter(), 0
    with filled.web.stream("GET", f"/v1/audit/export{query}") as answer, file.open("wb") as stream:
        for piece in answer.iter_bytes(1 << 20):
            size += stream.write(piece)
    return size / (time.perf_counter() - began)


def verify(file: Path, keys: Path) -> tuple[float, float, float, str]:
    """Check an export offline; return seconds, those of the processor, megabytes at most, and what was said."""
    said = file.with_suffix(".said")
    began = time.perf_counter()
    command = [sys.executable, "-m", "vendor.operate.main", "audit", "verify", str(file), "--keys", str(keys)]
    child = os.posix_spawn(
        sys.executable,
        command,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, str(said), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)],
    )
    _, status, used = os.wait4(child, 0)
    if status != 0:
        raise SystemExit(f"verify ended with {status}")
    spent = used.ru_utime + used.ru_stime
    return time.perf_counter() - began, spent, used.ru_maxrss / 1024, said.read_text().splitlines()[0]


def measure(stack: Stack, events: int) -> dict[str, Any]:
    """Return all figures."""
    filled = Filled(stack, events)
    memory = [filled.memory_mb()]
    filled.fill()
    memory.append(filled.memory_mb())
    rows = pages(filled, "carol") + pages(filled, "alice")
    memory.append(filled.memory_mb())
    tails = {
        "now": tail_ms(filled),
        **{f"from {depth:.0%}": tail_ms(filled, **{"last-event-id": filled.cursor(depth)}) for depth in DEPTHS[:-1]},
    }
    file, keys = stack.folder.path / "export.ndjson", stack.folder.path / "keys.json"
    keys.write_bytes(filled.web.get("/.well-known/audit-keys.json").content)
    export(filled, file, f"?since={_rfc3339(filled.cursor(1.0))}")
    _, _, few_mb, _ = verify(file, keys)
    exported = export(filled, file)
    memory.append(filled.memory_mb())
    seconds, spent, most_mb, said = verify(file, keys)
    checked = int(said.split()[0])
    return {
        "name": f"audit-log/{events}",
        **filled.found,
        "worst_page_ms": max(row["ms"] for row in rows),
        "pages": rows,
        "tail_ms": {name: round(ms, 1) for name, ms in tails.items()},
        "export_mb_per_second": round(exported / 1e6, 1),
        "verify_per_second": round(checked / seconds),
        "verify_per_processor_second": round(checked / spent),
        "verify_memory_mb": [round(few_mb), round(most_mb)],
        "verified": checked,
        "gateway_memory_mb": [round(one) for one in memory],
        "redis_mb": round(filled.redis.info("memory")["used_memory"] / 2**20),
        "load": [round(one, 1) for one in psutil.getloadavg()],
    }


def missed(found: dict[str, Any]) -> list[str]:
    """Return the goals that were missed."""
    over = {
        "page_ms": found["worst_page_ms"] >= GOALS["page_ms"],
        "tail_ms": max(found["tail_ms"].values()) >= GOALS["tail_ms"],
        "verify_per_second": found["verify_per_processor_second"] < GOALS["verify_per_second"],
        "memory_mb": any(
            max(found[f"{of}_memory_mb"]) - found[f"{of}_memory_mb"][0] >= GOALS["memory_mb"]
            for of in ("gateway", "verify")
        ),
    }
    return [f"{name}: goal {GOALS[name]:g}" for name, bad in over.items() if bad]


def main() -> int:
    """Print the results; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    with running_stack("seaweedfs") as stack:
        found = measure(stack, options.events)
    if options.json:
        print(json.dumps(found))  # noqa: T201  it is a script
    else:
        for key, value in found.items():
            if key == "pages":
                for row in sorted(value, key=lambda row: -row["ms"])[:12]:
                    print("  page", row)  # noqa: T201  as above
            else:
                print(f"{key:22} {value}")  # noqa: T201  as above
    for goal in missed(found):
        print(f"missed: {goal}", file=sys.stderr)  # noqa: T201  as above
    return 1 if missed(found) else 0


if __name__ == "__main__":
    raise SystemExit(main())
