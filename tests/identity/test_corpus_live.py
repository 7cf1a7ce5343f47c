"""The same corpus over HTTP, against a gateway that runs: the same answers, no 500, no secret in its log."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.identity.corpus.all import CORPUS
from tests.identity.corpus.case import Case
from tests.identity.test_no_secrets import secrets_of
from tests.identity.world.world import World, small_world
from vendor.dev.gateway import Gateway
from vendor.dev.stack import Stack

OVER_HTTP = [case for case in CORPUS if case.over_http]
SENT: set[str] = set()


@pytest.fixture(scope="module")
async def live_world() -> AsyncIterator[World]:
    async with small_world() as made:
        yield made


@pytest.fixture(scope="module")
def gateway(seaweedfs_stack: Stack, live_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that trusts the world of the corpus, with governance of its own."""
    file = tmp_path_factory.mktemp("trust") / "trust.toml"
    file.write_text(live_world.trust(), encoding="utf-8")
    more = {"VENDOR_TRUST_FILE": str(file), "VENDOR_REDIS_PREFIX": "corpus"}
    # Some of its providers are broken for good, so it never is ready; it serves nonetheless.
    added = _started(seaweedfs_stack, more)
    yield added
    added.child.stop()


def _started(stack: Stack, more: dict[str, str]) -> Gateway:
    from vendor.dev.gateway import start_gateway
    from vendor.dev.ports import Reservation

    with Reservation(1) as reserved:
        port = reserved.ports[0]
    settings = {**stack.gateway.settings, "VENDOR_PORT": str(port), **more}
    return start_gateway(stack.folder, stack.children, port=port, settings=settings, name="identity-corpus")


async def whoami(gateway: Gateway, headers: list[str]) -> tuple[int, dict[str, Any], str]:
    """Ask as a client would that checks nothing: the header values go out byte for byte."""
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [
        "GET /v1/whoami HTTP/1.1",
        f"Host: {host}",
        "Connection: close",
        *(f"Authorization: {value}" for value in headers),
    ]
    try:
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8"))
        answer = (await asyncio.wait_for(reader.read(), 30)).decode()
    finally:
        writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    found: dict[str, Any] = json.loads(body) if body.startswith("{") else {}
    return int(head.split(" ")[1]), found, head


@pytest.mark.parametrize("case", OVER_HTTP, ids=[case.id for case in OVER_HTTP])
async def test_every_token_gets_its_answer(case: Case, live_world: World, gateway: Gateway) -> None:
    headers = list(case.headers(live_world))
    SENT.update(secrets_of(headers))
    status, body, head = await whoami(gateway, headers)

    if status in case.http_status:
        return
    code = body.get("principal") or body.get("error", {}).get("code")
    assert (status, code) == (case.status, case.code)
    if status == 401:
        assert "\r\nwww-authenticate: Bearer" in head
        assert ('error="invalid_token"' in head) is (case.code != "missing_token")
    if status == 503:
        assert "\r\nretry-after: " in head


async def test_nothing_was_fetched_from_an_address_in_a_token(live_world: World, gateway: Gateway) -> None:
    assert not [path for path in live_world.provider.hits if path.startswith("/bait")]


async def test_a_thousand_unknown_keys_cost_one_read(live_world: World, gateway: Gateway) -> None:
    assert (await whoami(gateway, [f"Bearer {live_world.token('mail')}"]))[0] == 200
    before = live_world.provider.key_reads("mail")

    async def flood(first: int) -> set[int]:
        found = set()
        for number in range(first, first + 125):
            token = live_world.token("mail", header={"kid": f"invented-{number}"})
            found.add((await whoami(gateway, [f"Bearer {token}"]))[0])
        return found

    statuses = await asyncio.gather(*(flood(125 * part) for part in range(8)))
    assert set().union(*statuses) == {401}
    assert live_world.provider.key_reads("mail") <= before + 2  # one a minute, and this takes less than two


def test_no_secret_is_in_the_log(gateway: Gateway) -> None:
    log = Path(gateway.child.program.log).read_text(errors="replace")
    assert "/v1/whoami" in log or "whoami" in log
    assert len(SENT) > 200
    assert not [secret[:8] for secret in SENT if secret in log]
    assert "Traceback" not in log
