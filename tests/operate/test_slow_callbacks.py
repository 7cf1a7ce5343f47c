"""What holds up the event loop is told, with where it was; what does not is not, and no secret gets into the lines."""

import asyncio
import gc
import json
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import structlog
import uvloop

from tests.support.gateways import Api
from tests.support.waiting import eventually
from vendor import slow_callbacks
from vendor.dev.stack import Stack
from vendor.slow_callbacks import COLLECTION, EVENT, telling_slow_callbacks

SECRET = "a-secret-that-a-callback-was-called-with"
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def told(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[Any]]]:
    """Runs a coroutine function on a new loop, with a bound of 100 ms unless told otherwise, and returns the lines.

    Those of what did not compute for so long are left out unless asked for: a busy machine makes any callback slow.
    """
    monkeypatch.setattr(slow_callbacks, "_log", structlog.get_logger())

    def run(
        work: Callable[[], Coroutine[Any, Any, object]], bound: int | None = 100, *, idle: bool = False
    ) -> list[Any]:
        async def watched() -> None:
            with telling_slow_callbacks(bound):
                await asyncio.create_task(work())

        with structlog.testing.capture_logs() as lines, asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(watched())
        return [line for line in lines if idle or line.get("cpu_ms", bound) >= bound]

    yield run
    assert not [one for one in gc.callbacks if "slow_callbacks" in repr(one)]


def spin(seconds: float, _secret: str = "") -> None:
    """Compute for so long."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_only_the_slow_step_of_a_task_is_told_with_where_it_was(told: Callable[..., list[Any]]) -> None:
    async def slow(_secret: str = SECRET) -> None:
        for _ in range(6):
            spin(0.02)
            await asyncio.sleep(0)
        spin(0.2)

    (line,) = told(slow)

    assert line["event"] == EVENT
    assert "test_slow_callbacks.py" in line["callback"]
    assert line["callback"].endswith("slow")
    assert line["ms"] >= line["cpu_ms"] >= 190
    assert line["gc_ms"] < 100
    assert "spin" in line["seen"]
    assert SECRET not in json.dumps(line)


@pytest.mark.parametrize("how", ["call_soon", "call_soon_threadsafe", "call_later", "call_at"])
def test_plain_callbacks_and_timers_are_told_once(told: Callable[..., list[Any]], how: str) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        when = {"call_later": (0.001,), "call_at": (loop.time() + 0.001,)}.get(how, ())
        getattr(loop, how)(*when, spin, 0.15, SECRET)
        cancelled = loop.call_later(0.001, spin, 0.15)
        cancelled.cancel()
        await asyncio.sleep(0.01)

    (line,) = told(work)

    assert line["callback"].endswith("spin")
    assert SECRET not in json.dumps(line)


def test_waiting_is_not_slow_and_nothing_is_told_when_it_is_off(told: Callable[..., list[Any]]) -> None:
    async def waits() -> None:
        await asyncio.sleep(0.15)
        await asyncio.to_thread(time.sleep, 0.15)

    async def spins() -> None:
        spin(0.15)

    assert told(waits) == []
    assert told(spins, bound=None) == []


def test_sleeping_in_a_callback_takes_time_but_no_processor(told: Callable[..., list[Any]]) -> None:
    async def sleeps() -> None:
        time.sleep(0.3)  # noqa: ASYNC251 - what is to be found

    (line,) = [line for line in told(sleeps, idle=True) if line["callback"].endswith("sleeps")]

    assert line["ms"] >= 290
    assert line["cpu_ms"] < 150


def test_a_callback_that_fails_is_told_and_fails_as_ever(told: Callable[..., list[Any]]) -> None:
    async def fails() -> None:
        spin(0.15)
        raise ValueError("as ever")

    async def sees_it() -> None:
        with pytest.raises(ValueError, match="as ever"):
            await asyncio.create_task(fails())

    (line,) = told(sees_it)

    assert line["callback"].endswith("fails")


@pytest.fixture(scope="module")
def much() -> Iterator[None]:
    """So many objects that looking through them takes a while."""
    kept = [[number] for number in range(1_500_000)]
    yield
    kept.clear()


@pytest.mark.usefixtures("much")
def test_garbage_is_told_apart(told: Callable[..., list[Any]]) -> None:
    async def collects() -> None:
        gc.collect()

    lines = told(collects, bound=20)

    (line,) = [line for line in lines if line["callback"].endswith("collects")]
    assert line["ms"] >= line["gc_ms"] > 20


@pytest.mark.usefixtures("much")
def test_a_collection_between_callbacks_is_told(told: Callable[..., list[Any]]) -> None:
    def collect_later() -> None:
        time.sleep(0.05)  # until the loop has nothing to do
        gc.collect()

    async def waits_for_a_thread() -> None:
        await asyncio.to_thread(collect_later)
        await asyncio.sleep(0.05)

    lines = told(waits_for_a_thread, bound=20)

    (line,) = [line for line in lines if line["callback"] == COLLECTION]
    assert line["ms"] > 20


def test_a_gateway_tells_of_its_own_code_and_of_no_secret(seaweedfs_stack: Stack) -> None:
    gateway = seaweedfs_stack.add_gateway("gateway-watched", VENDOR_SLOW_CALLBACK_MS="1")
    try:
        token = seaweedfs_stack.tokens["alice"]
        with Api(gateway.url, token) as alice:
            leases = [alice.lease(renewable_for=3600, audit_context={"n": str(number)}) for number in range(5)]
        lines = eventually(lambda: told_by(gateway.child.log.read_text()), what="a slow callback")
    finally:
        gateway.child.stop()

    log = gateway.child.log.read_text()
    secrets = [token, *(lease["lease_token"] for lease in leases)]
    secrets += [lease["credentials"][name] for lease in leases for name in ("secret_access_key", "session_token")]
    assert not [secret for secret in secrets if secret in log]
    assert all(line["ms"] >= 1 for line in lines)
    assert {"callback", "ms"} < set(lines[0])
    assert any("vendor/" in line.get("seen", "") for line in lines)
    assert any(line.get("request_id") for line in lines)


def told_by(log: str) -> list[dict[str, Any]]:
    """Return the lines about slow callbacks."""
    lines = (json.loads(line) for line in log.splitlines() if line.startswith("{"))
    return [line for line in lines if line["event"] == EVENT]
