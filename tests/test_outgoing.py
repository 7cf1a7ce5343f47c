"""Sessions for outgoing calls take nothing from the environment, keep nothing, and unpack nothing."""

import gzip
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from vendor.outgoing import open_session

PACKED = gzip.compress(b"x" * 1000)
TIMEOUT = aiohttp.ClientTimeout(total=5.0)


@pytest.fixture
async def seen() -> AsyncIterator[tuple[str, list[web.BaseRequest]]]:
    """A server that packs its answer although nobody asked for it, sets a cookie, and remembers what it was sent."""
    requests: list[web.BaseRequest] = []

    async def answer(request: web.Request) -> web.Response:
        requests.append(request)
        headers = {"content-encoding": "gzip", "set-cookie": "who=you; Path=/"}
        return web.Response(body=PACKED, headers=headers)

    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/")), requests


async def test_what_comes_packed_stays_packed(seen: tuple[str, list[web.BaseRequest]]) -> None:
    url, requests = seen
    async with open_session(1, timeout=TIMEOUT) as session, session.get(url) as answer:
        assert await answer.read() == PACKED
    assert requests[0].headers["accept-encoding"] == "identity"
    assert requests[0].headers["user-agent"] == "vendor"


async def test_no_cookie_is_sent_back(seen: tuple[str, list[web.BaseRequest]]) -> None:
    url, requests = seen
    async with open_session(1, timeout=TIMEOUT) as session:
        for _ in range(2):
            async with session.get(url) as answer:
                await answer.read()
    assert [request.headers.get("cookie") for request in requests] == [None, None]


async def test_a_proxy_of_the_environment_is_not_used(
    seen: tuple[str, list[web.BaseRequest]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    url, requests = seen
    async with open_session(1, timeout=TIMEOUT) as session, session.get(url) as answer:
        assert answer.status == 200
    assert len(requests) == 1


async def test_own_headers_go_with_every_call(seen: tuple[str, list[web.BaseRequest]]) -> None:
    url, requests = seen
    async with (
        open_session(1, timeout=TIMEOUT, headers={"accept": "application/json"}) as session,
        session.get(url) as answer,
    ):
        assert answer.status == 200
    assert requests[0].headers["accept"] == "application/json"
