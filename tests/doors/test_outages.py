"""What callers are told while a part of the gateway's world is away, and that it comes back by itself."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import jwt
import pytest

from tests.support.gateways import Api, api
from tests.support.sweeping import sweep
from tests.support.waiting import eventually
from vendor.dev.gateway import Gateway, start_gateway
from vendor.dev.ports import LOOPBACK, Reservation
from vendor.dev.stack import Stack
from vendor.dev.trust import write_trust
from vendor.dev.valkey import Valkey, start_valkey


def ready(gateway: str) -> tuple[int, dict[str, object]]:
    with httpx2.Client(trust_env=False, timeout=20) as web:
        answer = web.get(f"{gateway}/readyz")
        assert web.get(f"{gateway}/livez").status_code == 200
        return answer.status_code, answer.json()["checks"]


def told(calls: Api) -> tuple[int, str, int]:
    """Ask for a lease and return status, code and how long to wait."""
    answer = calls.call("POST", "/v1/leases", {})
    return answer.status_code, answer.json()["error"]["code"], int(answer.headers.get("retry-after", "0"))


@dataclass(frozen=True)
class Alone:
    """A gateway with a Valkey that no other test uses, on the shared store."""

    stack: Stack
    gateway: Gateway
    valkey: Valkey

    def api(self) -> Api:
        return api(self.stack, "alice", url=self.gateway.url)


@pytest.fixture(scope="module")
def alone(seaweedfs_stack: Stack) -> Iterator[Alone]:
    stack = seaweedfs_stack
    valkey = start_valkey(stack.folder, stack.children, name="valkey-alone")
    gateway = stack.add_gateway("gateway-alone", VENDOR_REDIS_URL=valkey.url, VENDOR_REDIS_PREFIX="alone")
    yield Alone(stack, gateway, valkey)
    sweep(valkey.url, *stack.tokens.values(), valkey.password)
    gateway.child.stop()
    valkey.child.stop()


@pytest.mark.parametrize("frozen", [False, True], ids=["redis-ended", "redis-hangs"])
def test_without_redis_there_are_no_keys_and_with_it_there_are_again(alone: Alone, frozen: bool) -> None:
    redis = alone.valkey.child
    with alone.api() as alice:
        alice.lease()
        redis.freeze() if frozen else redis.stop()
        try:
            began = time.monotonic()
            assert told(alice) == (503, "state_unavailable", 5)
            assert time.monotonic() - began < 10
            eventually(lambda: ready(alone.gateway.url)[0] == 503, within=5, what="that it is not ready")
            assert ready(alone.gateway.url)[1]["redis"] is False
        finally:
            redis.thaw() if frozen else redis.restart()
        eventually(lambda: ready(alone.gateway.url)[0] == 200, what="readiness")
        alice.lease()


def test_discovery_needs_neither_redis_nor_the_identity_provider(alone: Alone) -> None:
    alone.valkey.child.freeze()
    try:
        with httpx2.Client(trust_env=False, timeout=5) as web:
            assert web.get(f"{alone.gateway.url}/.well-known/openid-configuration").status_code == 200
            assert web.get(f"{alone.gateway.url}/.well-known/jwks.json").json()["keys"]
    finally:
        alone.valkey.child.thaw()


def start_beside(stack: Stack, name: str, **settings: str) -> Gateway:
    """Start a gateway that is not going to be ready."""
    with Reservation(1) as reserved:
        port = reserved.ports[0]
    return start_gateway(
        stack.folder,
        stack.children,
        port=port,
        settings={**stack.gateway.settings, **settings, "VENDOR_PORT": str(port)},
        name=name,
    )


def test_a_store_that_is_away_at_the_start(seaweedfs_stack: Stack) -> None:
    stack = seaweedfs_stack
    with Reservation(1) as reserved:
        nowhere = f"http://{LOOPBACK}:{reserved.ports[0]}"
    gateway = start_beside(stack, "gateway-no-store", VENDOR_STORE_ENDPOINT=nowhere)
    try:
        status, checks = ready(gateway.url)
        assert (status, checks["stores"], checks["redis"]) == (503, {"default": False}, True)
        with api(stack, "alice", url=gateway.url) as alice:
            assert told(alice) == (503, "store_unavailable", 5)
        assert gateway.child.status is None
    finally:
        gateway.child.stop()


def test_an_identity_provider_that_is_away_at_the_start(seaweedfs_stack: Stack) -> None:
    stack = seaweedfs_stack
    with Reservation(1) as reserved:
        nowhere = f"http://{LOOPBACK}:{reserved.ports[0]}"
    trust = stack.folder.path / "trust-nowhere.toml"
    write_trust(trust, issuer=nowhere, kbase=stack.kbase.url)
    gateway = start_beside(stack, "gateway-no-idp", VENDOR_TRUST_FILE=str(trust))
    try:
        status, _ = ready(gateway.url)
        assert status == 503
        claims = jwt.decode(stack.tokens["alice"], options={"verify_signature": False}) | {"iss": nowhere}
        token = jwt.encode(claims, stack.idp.signing_key(), algorithm="RS256", headers={"kid": "k"})
        with Api(gateway.url, token) as calls:
            answered, code, wait = told(calls)
        assert (answered, code) == (503, "identity_provider_unavailable")
        assert wait > 0
        with Api(gateway.url, stack.kbase.token("alice")) as by_kbase:
            by_kbase.lease()
    finally:
        gateway.child.stop()


def test_kbase_away_is_no_verdict_on_the_token(alone: Alone) -> None:
    kbase = alone.stack.kbase
    token = kbase.issue("alice")
    kbase.child.freeze()
    try:
        with Api(alone.gateway.url, token) as calls:
            status, code, wait = told(calls)
    finally:
        kbase.child.thaw()
    assert (status, code) == (503, "identity_provider_unavailable")
    assert wait > 0
