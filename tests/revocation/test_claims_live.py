"""Two gateways with a Redis each and one prefix on one real store, and what their operator does about it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.support.gateways import api
from tests.support.waiting import eventually
from vendor.dev.gateway import Gateway, start_gateway
from vendor.dev.ports import Reservation
from vendor.dev.stack import Stack
from vendor.dev.valkey import Valkey, start_valkey
from vendor.operate.bootstrap import KEY, SECRET, run


@dataclass
class Two:
    """A gateway that was first on a prefix, and one with a state of its own that comes later."""

    stack: Stack
    first: Gateway
    later: Gateway


def gateway(stack: Stack, valkey: Valkey, name: str) -> Gateway:
    with Reservation(1) as reserved:
        port = reserved.ports[0]
    settings = {**stack.gateway.settings, "VENDOR_PORT": str(port), "VENDOR_PUBLIC_URL": stack.gateway.url}
    settings |= {"VENDOR_REDIS_URL": valkey.url, "VENDOR_REDIS_PREFIX": "claimed"}
    return start_gateway(stack.folder, stack.children, port=port, settings=settings, name=name)


@pytest.fixture
def two(stack: Stack) -> Iterator[Two]:
    servers = [start_valkey(stack.folder, stack.children, name=f"valkey-{name}") for name in ("first", "later")]
    first = gateway(stack, servers[0], "claims-first")
    first.wait_until_ready()
    with api(stack, "alice", url=first.url) as alice:
        alice.lease()
    later = gateway(stack, servers[1], "claims-later")
    yield Two(stack, first, later)
    for child in (first.child, later.child, *(server.child for server in servers)):
        child.stop()


def readiness(gateway: Gateway) -> dict[str, Any]:
    with httpx2.Client(base_url=gateway.url, trust_env=False, timeout=20) as web:
        answer = web.get("/readyz")
    light: dict[str, Any] = answer.json()["checks"]["store_checks"]["default"]
    return {"status": answer.status_code, **light}


def test_the_later_one_says_so_and_gives_nothing_until_it_takes_over(
    two: Two, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = two.stack
    with api(stack, "alice", url=two.later.url) as alice:
        assert alice.refusal("POST", "/v1/leases", {}) == (502, "store_refused")
    seen = readiness(two.later)
    assert (seen["status"], seen["state"]) == (503, "red")
    assert "claimed-state-" in seen["reason"]
    assert "--take-over" in seen["reason"]
    assert "share one prefix" in two.later.child.log.read_text()
    with api(stack, "alice", url=two.first.url) as alice:
        alice.lease(duration=900)
    assert readiness(two.first)["status"] == 200

    two.first.child.stop()
    admin = stack.store.site.admin
    environment = {**two.later.settings, KEY: admin.access_key, SECRET: admin.secret_key}
    assert run(None, None, dry_run=False, as_json=True, taking_over=True, environment=environment) == 0

    told = json.loads(capsys.readouterr().out)
    steps = {step["what"].partition("-state-")[0]: step["done"] for step in told["steps"]}
    assert steps["claim claimed"] == "removed"
    assert bool(told["warning"]) is (stack.store.site.kind == "juicefs"), "who would be in for a surprise"
    eventually(lambda: readiness(two.later)["status"] == 200, within=20, what="that the later one took over")
    with api(stack, "alice", url=two.later.url) as alice:
        alice.lease()
