"""Both sides rotate their keys under a running load of 200 vends on real servers, and no vend fails."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx2

from tests.identity.test_rotation import TRUST, Rotating
from tests.identity.world.provider import serving
from tests.support.waiting import eventually
from vendor.dev.stack import Stack
from vendor.dev.web import client
from vendor.operate.keys import rotate, show

VENDS = 200
WORKERS = 6


def test_no_vend_fails_while_both_sides_rotate(seaweedfs_stack: Stack) -> None:
    stack = seaweedfs_stack
    folder = Path(stack.gateway.settings["VENDOR_ISSUER_KEYS_DIR"])
    done, numbers, failures = threading.Semaphore(0), count(), []
    tokens = [stack.idp.token("alice")]

    def vend(web: object) -> None:
        assert hasattr(web, "post")
        number = next(numbers)
        token = stack.idp.token("alice") if number % 5 == 0 else tokens[-1]  # some new ones, some of before a rotation
        ask = {"duration": 900 + number}  # every ask is its own lease
        answer = web.post("/v1/leases", json=ask, headers={"authorization": f"Bearer {token}"})
        if answer.status_code != 201:
            failures.append(answer.text[:500])
        done.release()

    def work(share: int) -> None:
        with client(stack.gateway.url) as web:
            for _ in range(share):
                vend(web)

    def after(vends: int) -> None:
        for _ in range(vends):
            assert done.acquire(timeout=60)

    first = {key.kid for key in show(folder).keys}
    with ThreadPoolExecutor(WORKERS) as pool:
        workers = [pool.submit(work, VENDS // WORKERS + (part < VENDS % WORKERS)) for part in range(WORKERS)]
        after(50)
        stack.idp.rotate_keys()
        after(50)
        tokens.append(stack.idp.token("alice"))
        rotate(folder, lead_seconds=0)
        after(50)
        rotate(folder, lead_seconds=0)
        after(VENDS - 150)
        for worker in workers:
            worker.result()

    assert not failures
    assert first <= published(stack)
    eventually(lambda: len(published(stack)) == len(first) + 2, what="the second rotation's key")


def published(stack: Stack) -> set[str]:
    with client(stack.gateway.url) as web:
        return {key["kid"] for key in web.get("/.well-known/jwks.json").json()["keys"]}


async def test_a_key_that_the_provider_drops_is_refused_in_time(seaweedfs_stack: Stack, trust_file: Path) -> None:
    """The documented time is `refresh_seconds` and a minute; a busy gateway needs a little more than the first."""
    async with serving() as provider:
        idp = Rotating(provider)
        trust_file.write_text(TRUST.format(url=idp.url).replace("tokens =", "refresh_seconds = 10\ntokens ="))  # noqa: ASYNC240
        added = seaweedfs_stack.add_gateway
        gateway = await asyncio.to_thread(added, "identity-rotation", VENDOR_TRUST_FILE=str(trust_file))
        try:
            await _dropped_key_is_refused(gateway.url, idp)
        finally:
            await asyncio.to_thread(gateway.child.stop)


async def _dropped_key_is_refused(gateway: str, idp: Rotating) -> None:
    async with httpx2.AsyncClient(base_url=gateway, trust_env=False) as web:

        async def status(token: str) -> int:
            return (await web.get("/v1/whoami", headers={"authorization": f"Bearer {token}"})).status_code

        old = idp.token()
        assert await status(old) == 200
        idp.rotate()
        idp.rotate()  # publishes the last two, so the first is gone
        started = time.monotonic()
        while await status(old) != 401:
            assert time.monotonic() - started < 20
            await asyncio.sleep(0.25)
        assert time.monotonic() - started > 1  # it was the regular read that noticed
        assert await status(idp.token()) == 200


async def test_replicas_take_a_new_key_together_and_ask_once(seaweedfs_stack: Stack, trust_file: Path) -> None:
    async with serving() as provider:
        idp = Rotating(provider)
        trust_file.write_text(TRUST.format(url=idp.url))  # noqa: ASYNC240  one small file
        replicas = [
            await asyncio.to_thread(
                seaweedfs_stack.add_gateway, f"identity-replica-{n}", VENDOR_TRUST_FILE=str(trust_file)
            )
            for n in range(2)
        ]
        try:
            async with httpx2.AsyncClient(trust_env=False) as web:

                async def status(url: str) -> int:
                    headers = {"authorization": f"Bearer {idp.token()}"}
                    return (await web.get(f"{url}/v1/whoami", headers=headers)).status_code

                assert [await status(replica.url) for replica in replicas] == [200, 200]
                reads = provider.key_reads("idp")
                idp.rotate()
                at_once = await asyncio.gather(*(status(replica.url) for replica in replicas for _ in range(10)))
                assert set(at_once) == {200}
                assert provider.key_reads("idp") == reads + 1
        finally:
            for replica in replicas:
                await asyncio.to_thread(replica.child.stop)
