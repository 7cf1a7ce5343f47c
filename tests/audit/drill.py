"""A crash drill: gateways and Redis are killed at random moments while people vend and change who may do what.

What was acknowledged is written down outside, by those who were told.  Afterwards the log has to know of all of it.
"""

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import redis

from tests.support.waiting import eventually
from vendor.dev.gateway import Gateway
from vendor.dev.ports import LOOPBACK
from vendor.dev.stack import Stack, running_stack

STREAM = "{vendor}:audit"
SECRET = "of-the-webhook"
BUCKET = "audit-log"


@dataclass
class Told:
    """What clients were told, and what they must never be told."""

    keys: dict[str, str] = field(default_factory=dict)
    """Access key ids that somebody received, with the lease."""
    changes: dict[str, str] = field(default_factory=dict)
    """Requests whose change was acknowledged, by their id, with what they were."""
    odd: Counter[str] = field(default_factory=Counter)
    """Answers that no outage explains."""
    unavailable: int = 0

    def take(self, answer: httpx2.Response) -> Any:
        """Return the JSON of a success; None for a refusal because something is away, or is being changed."""
        if answer.status_code in {409, 502, 503}:
            self.unavailable += 1
            return None
        if not answer.is_success:
            self.odd[f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}"] += 1
            return None
        return answer.json() if answer.content else {}


class Webhook(ThreadingHTTPServer):
    """Takes what is sent; now and then it says that it did not although it did, or does not."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Taking)
        self.bodies: list[bytes] = []
        self.calls = 0
        self.turn = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_address[1]}/"


class _Taking(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if len(body) != int(self.headers["content-length"]):  # the sender died
            return
        with self.server.turn:
            self.server.calls += 1
            turn = self.server.calls % 7
            if turn != 2:
                self.server.bodies.append(body)
        self.send_response(500 if turn in {1, 2} else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@dataclass
class Drill:
    """Two gateways on one Redis, with all kinds of sinks that keep what they took."""

    stack: Stack
    gateways: Sequence[Gateway]
    webhook: Webhook
    folder: Path
    told: Told = field(default_factory=Told)
    leaders: set[str] = field(default_factory=set)
    kills: Counter[str] = field(default_factory=Counter)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def redis(self) -> "redis.Redis":
        return redis.Redis.from_url(self.stack.valkey.url, decode_responses=True, socket_timeout=10)

    def round(self, chance: random.Random, victim: str) -> None:
        """Kill one of them at some moment, and start it again."""
        self._note_leader()
        time.sleep(chance.uniform(0.0, 0.6))  # the moment is random: that is what is tried
        self.kills[victim] += 1
        if victim == "redis":
            self.stack.valkey.child.stop(kill=True)
            self.stack.valkey.child.restart()
            eventually(self._redis_answers, within=60, what="that Redis answers")
            return
        gateway = self.gateways[int(victim)]
        gateway.child.stop(kill=True)
        gateway.child.restart()
        gateway.wait_until_ready()

    def _redis_answers(self) -> bool:
        try:
            with self.redis() as connection:
                return bool(connection.ping())
        except redis.RedisError:
            return False

    def _note_leader(self) -> None:
        with self.redis() as connection:
            leader = connection.get(f"{STREAM}:leader")
        if leader:
            self.leaders.add(str(leader))

    @contextmanager
    def load(self, people: int = 3) -> Iterator[None]:
        """Have people vend and change things as long as the block lasts."""
        work: list[Callable[[httpx2.Client, str], None]] = [*[self._vend] * people, self._govern]
        names = ("alice", "bob", "carol", "carol")
        threads = [
            threading.Thread(target=self._repeat, args=(one, names[at % 3] if one == self._vend else "carol", at))
            for at, one in enumerate(work)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()

    def _repeat(self, work: Callable[[httpx2.Client, str], None], user: str, seed: int) -> None:
        chance = random.Random(seed)
        headers = {"authorization": f"Bearer {self.stack.tokens[user]}"}
        with httpx2.Client(headers=headers, trust_env=False, timeout=10) as web:
            while not self._stopped.is_set():
                try:
                    work(web, chance.choice(self.gateways).url)
                except httpx2.HTTPError:
                    self._stopped.wait(0.02)

    def _vend(self, web: httpx2.Client, url: str) -> None:
        body = {"audit_context": {"n": uuid.uuid4().hex}, "renewable_for": 3600}
        made = self.told.take(web.post(f"{url}/v1/leases", json=body))
        if made is None:
            return
        lease = str(made["lease"]["id"])
        self.told.keys[made["credentials"]["access_key_id"]] = lease
        headers = {"authorization": f"Bearer {made['lease_token']}"}
        renewed = self.told.take(web.post(f"{url}/v1/leases/renew", headers=headers))
        if renewed is not None:
            self.told.keys[renewed["credentials"]["access_key_id"]] = lease

    def _govern(self, web: httpx2.Client, url: str) -> None:
        tenant = f"drill{uuid.uuid4().hex[:12]}"
        for method, path, body in (
            ("PUT", "", {"display_name": "Drill"}),
            ("PATCH", "", {"description": tenant}),
            ("PUT", "/members/bob", {"access": "read_only"}),
            ("DELETE", "/members/bob", None),
        ):
            answer = web.request(method, f"{url}/v1/tenants/{tenant}{path}", json=body)
            if self.told.take(answer) is None:
                return
            self.told.changes[answer.headers["x-request-id"]] = f"{method} {path}"

    def settle(self, sinks: Sequence[str], within: float = 120.0) -> bytes:
        """Wait until the log is sealed and every sink has all of it; return an export."""
        headers = {"authorization": f"Bearer {self.stack.tokens['carol']}"}
        with httpx2.Client(base_url=self.gateways[0].url, headers=headers, trust_env=False, timeout=60) as web:
            exported = web.get("/v1/audit/export").raise_for_status().content
        with self.redis() as connection:
            newest: Any = connection.xrevrange(f"{STREAM}:checkpoints", count=1)
            number = int(newest[0][0].partition("-")[0])

            def all_have_it() -> bool:
                return all(int(connection.hget(f"{STREAM}:sinks", one) or 0) >= number for one in sinks)

            eventually(all_have_it, within=within, what="that every sink has all of it")
        return exported

    def recorded(self) -> list[str]:
        """The texts of all events that Redis has."""
        with self.redis() as connection:
            entries: Any = connection.xrange(STREAM)
        return [fields["event"] for _, fields in entries]

    @property
    def keys(self) -> bytes:
        """The public keys."""
        return httpx2.get(f"{self.gateways[0].url}/.well-known/audit-keys.json", trust_env=False).content

    def received(self) -> dict[str, bytes]:
        """What each sink received, in the order of delivery."""
        files = b"".join(file.read_bytes() for file in sorted(self.folder.glob("audit-*.ndjson")))
        return {"file": files, "webhook": b"".join(self.webhook.bodies)}

    def objects(self) -> bytes:
        """What lies in the bucket."""
        s3 = self.stack.store.site.client()
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        names = sorted(found["Key"] for page in pages for found in page.get("Contents", []))
        return b"".join(s3.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in names)


@contextmanager
def drilling(folder: Path, *, bucket: bool = False) -> Iterator[Drill]:
    """Bring everything up for a drill.  The first gateway is the one that seals at first."""
    webhook = Webhook()
    thread = threading.Thread(target=webhook.serve_forever)
    thread.start()
    settings = {
        "VENDOR_AUDIT_FILE_DIR": str(folder),
        "VENDOR_AUDIT_FILE_BYTES": "262144",
        "VENDOR_AUDIT_WEBHOOK_URL": webhook.url,
        "VENDOR_AUDIT_WEBHOOK_SECRET": SECRET,
    }
    with ExitStack() as closing:
        closing.callback(thread.join)
        closing.callback(webhook.server_close)
        closing.callback(webhook.shutdown)
        stack = closing.enter_context(running_stack("seaweedfs", settings=settings))
        gateways = [stack.gateway]
        if bucket:
            site = stack.store.site
            site.client().create_bucket(Bucket=BUCKET)
            more = {
                "VENDOR_AUDIT_S3_ENDPOINT": site.endpoint,
                "VENDOR_AUDIT_S3_BUCKET": BUCKET,
                "VENDOR_AUDIT_S3_ACCESS_KEY": site.admin.access_key,
                "VENDOR_AUDIT_S3_SECRET_KEY": site.admin.secret_key,
            }
            gateways = [stack.add_gateway("gateway-first", **more), stack.add_gateway("gateway-second", **more)]
            stack.gateway.child.stop()
        else:
            gateways.append(stack.add_gateway("gateway-second"))
        yield Drill(stack, gateways, webhook, folder)
