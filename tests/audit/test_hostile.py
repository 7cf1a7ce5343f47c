"""A gateway whose sinks are broken, whose Redis takes no writes, that is told to end, and that is sent hostile text."""

import json
import re
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis

from tests.support.gateways import Api, api
from tests.support.scrape import scrape
from tests.support.sweeping import sweep
from tests.support.waiting import eventually
from vendor.dev.gateway import Gateway
from vendor.dev.ports import is_free
from vendor.dev.stack import Stack
from vendor.dev.valkey import Valkey, start_valkey
from vendor.sealed.keys import read_keys
from vendor.sealed.verify import verify

STREAM = "{beset}:audit"


@dataclass
class Beset:
    """A gateway of the module's own with its own Redis; `secrets` is all that may stand nowhere."""

    stack: Stack
    gateway: Gateway
    valkey: Valkey
    secrets: set[str] = field(default_factory=set, repr=False)

    def api(self, user: str = "alice") -> Api:
        return api(self.stack, user, url=self.gateway.url)

    def redis(self) -> "redis.Redis":
        return redis.Redis.from_url(self.valkey.url, decode_responses=True)

    def lease(self, **members: object) -> dict[str, Any]:
        """A new lease, whose secrets are noted."""
        with self.api() as alice:
            made = alice.lease(audit_context={"n": uuid.uuid4().hex}, renewable_for=3600, **members)
        self.note(made)
        return made

    def note(self, made: dict[str, Any]) -> None:
        keys = made["credentials"]
        self.secrets |= {keys["secret_access_key"], keys["session_token"], made["lease_token"]}


@pytest.fixture(scope="module")
def beset(seaweedfs_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beset]:
    """Its files cannot be written, and its webhook never answers."""
    stack = seaweedfs_stack
    blocked = tmp_path_factory.mktemp("sinks") / "a-file"
    blocked.write_text("no folder can be here")
    silent = socket.create_server(("127.0.0.1", 0))
    valkey = start_valkey(stack.folder, stack.children, name="valkey-beset")
    gateway = stack.add_gateway(
        "gateway-beset",
        VENDOR_REDIS_URL=valkey.url,
        VENDOR_REDIS_PREFIX="beset",  # two gateways with the same one would write each other's ceilings
        VENDOR_AUDIT_FILE_DIR=str(blocked / "log"),
        VENDOR_AUDIT_WEBHOOK_URL=f"http://127.0.0.1:{silent.getsockname()[1]}/",
        VENDOR_AUDIT_WEBHOOK_SECRET="only-for-this",
    )
    made = Beset(stack, gateway, valkey, {*stack.tokens.values(), valkey.password, "only-for-this"})
    yield made
    sweep(valkey.url, *made.secrets)
    gateway.child.stop()
    valkey.child.stop()
    silent.close()


def test_broken_sinks_hold_nobody_up_and_are_seen(beset: Beset) -> None:
    beset.lease()

    def behind() -> bool:
        found = scrape(beset.gateway.url)
        return all(found.of("vendor_audit_sink_lag_events", sink=name) > 0 for name in ("file", "webhook"))

    eventually(behind, within=20, what="that sinks are behind")
    began = time.monotonic()
    for _ in range(5):
        beset.lease()
    assert time.monotonic() - began < 15
    with beset.api("carol") as carol:
        exported = carol.call("GET", "/v1/audit/export").content
    keys = read_keys(httpx2.get(f"{beset.gateway.url}/.well-known/audit-keys.json", trust_env=False).content)
    assert verify(exported.splitlines(keepends=True), keys).events >= 6


@pytest.mark.parametrize(
    ("setting", "broken", "whole"),
    [("maxmemory", "1", "0"), ("min-replicas-to-write", "1", "0")],
    ids=["full", "read-only"],
)
def test_where_nothing_can_be_recorded_there_are_no_keys(beset: Beset, setting: str, broken: str, whole: str) -> None:
    with beset.redis() as connection, beset.api() as alice, beset.api("carol") as carol:
        beset.lease()
        connection.config_set(setting, broken)
        try:
            answer = alice.call("POST", "/v1/leases", {"audit_context": {"n": uuid.uuid4().hex}})
            change = carol.refusal("PUT", f"/v1/tenants/t{uuid.uuid4().hex[:8]}", {})
        finally:
            connection.config_set(setting, whole)
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] in {"audit_unavailable", "state_unavailable"}
        assert int(answer.headers["retry-after"]) > 0
        assert not re.search("ASIA|secret_access|session_token", answer.text)
        assert change[0] == 503
        beset.lease()


HOSTILE = [
    "<script>alert(1)</script>",
    '=HYPERLINK("http://evil.example","x")',
    "+1|cmd' /C calc'!A0",
    "\u202egnp.exe",
    "a\r\nX-Evil: 1\r\n\r\ndata: {}\nid: 9-9",
    "\x00\x1b[2J\x7f",
    "\u2028\u2029\U0001f600",
    '"}],"kind":"vend.issued","x":[{"',
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_text(beset: Beset, text: str) -> None:
    with beset.api() as alice:
        body = {"audit_context": {"reason": text}, "renewable_for": 3600}
        answer = alice.call("POST", "/v1/leases", body, headers={"user-agent": "x" * 10_000})
        if answer.status_code == 400:  # told, not stored
            assert answer.json()["error"]["code"] == "invalid_request"
            return
        made = answer.json()
        beset.note(made)
        lease = made["lease"]["id"]
        listed = alice.call("GET", f"/v1/audit?lease={lease}")
        (line,) = listed.text.split("\n")[:-1]
        event = json.loads(line)

    assert event["audit_context"]["reason"] == text
    assert event["kind"] == "vend.issued"
    assert len(event["client"]["user_agent"]) <= 512
    assert line.isascii()
    assert listed.headers["x-content-type-options"] == "nosniff"
    assert listed.headers["content-type"].startswith("application/x-ndjson")
    headers = {"authorization": f"Bearer {beset.stack.tokens['alice']}", "last-event-id": "0-0"}
    url = f"{beset.gateway.url}/v1/audit/tail?lease={lease}"
    with httpx2.stream("GET", url, headers=headers, trust_env=False, timeout=20) as tail:
        found: list[str] = []
        for one in tail.iter_lines():
            found.append(one)
            if one.startswith("data:"):
                break
    assert found == ["retry: 2000", "", f"id: {event['cursor']}", "event: vend.issued", f"data: {line}"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/audit/tail?since=2026-11-21T06:00:00Z&until=2026-11-21T05:00:00Z",
        "/v1/audit/tail?after=1-1%0d%0aid:%201-1",
        "/v1/audit/proof?cursor=../../etc",
        "/v1/audit/export?since=2026-13-01T00:00:00Z",
        "/v1/audit/review?tenant=kbase&since=2999-01-01T00:00:00Z",
        "/v1/audit/review?tenant=*&since=2026-01-01T00:00:00Z",
        "/v1/audit/review.csv?tenant=kbase&since=1900-01-01T00:00:00Z",
        "/v1/audit?user=%7Bvendor%7D:audit",
        "/v1/audit?lease=%2A%0d%0aDEL",
        "/v1/audit?format=native&format=ocsf",
    ],
)
def test_what_nobody_may_ask(beset: Beset, path: str) -> None:
    with beset.api("carol") as carol:
        answer = carol.call("GET", path)
        found_nothing = answer.status_code == 200 and answer.text == ""
        assert found_nothing or answer.status_code in {400, 404}, answer.text


def test_told_to_end_it_finishes_what_was_begun(beset: Beset) -> None:
    """Leases are under way, at a store that is frozen just then, when SIGTERM comes."""
    beset.lease()
    inside = threading.Semaphore(0)

    def vend(number: int) -> httpx2.Response:
        headers = {"authorization": f"Bearer {beset.stack.tokens['alice']}"}
        body = {"audit_context": {"n": f"{number}-{uuid.uuid4().hex}"}, "renewable_for": 3600}
        with httpx2.Client(headers=headers, trust_env=False, timeout=30) as web:
            web.get(f"{beset.gateway.url}/livez")
            inside.release()
            return web.post(f"{beset.gateway.url}/v1/leases", json=body)

    def all_are_there() -> bool:
        return scrape(beset.gateway.url).of("vendor_http_requests_under_way") > len(asked)  # and this one

    (port,) = beset.gateway.child.program.ports
    store = beset.stack.store.child
    store.freeze()
    try:
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(vend, number) for number in range(8)]
            for _ in asked:
                inside.acquire()
            eventually(all_are_there, what="that all of them are being answered")
            beset.gateway.child.ask_to_stop()
            eventually(lambda: is_free(port), what="that it takes no more")
            store.thaw()
            answers = [one.result() for one in asked]
    finally:
        store.thaw()
    assert {answer.status_code for answer in answers} == {201}
    eventually(lambda: beset.gateway.child.status is not None, within=20, what="its end")
    assert beset.gateway.child.status in {0, -signal.SIGTERM}  # uvicorn ends with the signal that it was sent
    with beset.redis() as connection:
        recorded = {json.loads(fields["event"]).get("access_key_id") for _, fields in connection.xrange(STREAM)}
    for answer in answers:
        beset.note(answer.json())
        assert answer.json()["credentials"]["access_key_id"] in recorded


def test_no_secret_of_all_this_was_written_down(beset: Beset) -> None:
    """Comes last: logs of all gateways, whatever ran before, and everything that lies in Redis as it is on disk."""
    logs = {file.name: file.read_text(errors="replace") for file in beset.stack.logs if "gateway" in file.name}
    assert logs
    assert len(beset.secrets) > 20
    for name, text in logs.items():
        assert not re.search(r"vlt_[A-Za-z0-9_-]{8}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}|-----BEGIN", text), name
        for secret in beset.secrets:
            assert secret not in text, name
    disk = b"".join(
        file.read_bytes() for file in Path(beset.stack.folder.path / "valkey-beset").rglob("*") if file.is_file()
    )
    assert b"vend.issued" in disk
    for secret in beset.secrets - {beset.valkey.password}:  # which is in its configuration
        assert secret.encode() not in disk
