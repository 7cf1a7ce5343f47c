"""A gateway that starts on a store which does not enforce session policies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from tests.probe.liar import Liar, Lie
from tests.support.gateways import api
from vendor.dev.gateway import Gateway, start_gateway
from vendor.dev.ports import Reservation
from vendor.dev.stack import Stack


@asynccontextmanager
async def gateway_on(liar: Liar, stack: Stack, name: str, **settings: str) -> AsyncIterator[Gateway]:
    """Start a gateway whose store is the liar.  In a thread, because the liar serves in this one."""
    with Reservation(1) as reserved:
        port = reserved.ports[0]
    complete = {**stack.gateway.settings, "VENDOR_STORE_ENDPOINT": liar.url, "VENDOR_PORT": str(port), **settings}
    complete["VENDOR_REDIS_PREFIX"] = name
    started = await asyncio.to_thread(
        start_gateway, stack.folder, stack.children, port=port, settings=complete, name=name
    )
    try:
        yield started
    finally:
        await asyncio.to_thread(started.child.stop)


async def ready(gateway: Gateway) -> tuple[int, dict[str, Any]]:
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as web:
        answer = await web.get(f"{gateway.url}/readyz")
        return answer.status_code, answer.json()


async def shows(gateway: Gateway, colour: str) -> tuple[int, dict[str, Any]]:
    """Wait until readiness shows a colour for the store, after it was tried."""
    async with asyncio.timeout(15):
        while True:
            status, seen = await ready(gateway)
            light = seen["checks"]["store_checks"]["default"]
            if light["state"] == colour and "not tried" not in light.get("reason", ""):
                return status, seen
            await asyncio.sleep(0.05)


async def lease(gateway: Gateway, stack: Stack) -> tuple[int, dict[str, Any]]:
    with api(stack, "alice", url=gateway.url) as alice:
        answer = await asyncio.to_thread(alice.call, "POST", "/v1/leases", {})
    return answer.status_code, answer.json()


async def test_no_leases_until_the_store_enforces_session_policies(liar: Liar, seaweedfs_stack: Stack) -> None:
    liar.lie = Lie(form=lambda form: {name: value for name, value in form.items() if name != "Policy"})
    async with gateway_on(liar, seaweedfs_stack, "gateway-enforcing") as gateway:
        status, seen = await shows(gateway, "red")
        assert (status, seen["status"], seen["checks"]["stores"]) == (503, "not_ready", {"default": True})
        status, answer = await lease(gateway, seaweedfs_stack)
        assert (status, answer["error"]["code"]) == (502, "store_refused")
        assert "session policies are not enforced" in answer["error"]["message"]
        assert "vendor probe" in answer["error"]["remedy"]

        liar.lie = Lie()
        status, seen = await shows(gateway, "green")
        assert (status, seen["status"]) == (200, "ready")
        assert (await lease(gateway, seaweedfs_stack))[0] == 201


async def test_a_warning_is_all_where_that_is_wanted(liar: Liar, seaweedfs_stack: Stack) -> None:
    liar.lie = Lie(form=lambda form: {name: value for name, value in form.items() if name != "Policy"})
    async with gateway_on(liar, seaweedfs_stack, "gateway-warning", VENDOR_STORE_CHECK="warn") as gateway:
        status, seen = await shows(gateway, "amber")
        assert (status, seen["status"]) == (200, "degraded")
        assert (await lease(gateway, seaweedfs_stack))[0] == 201
        assert "store is not sound" in gateway.child.log.read_text()
