"""S3 calls: bounded, never redirected, and sent as they were made."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests.support.waiting import reached
from vendor.errors import StoreRefused, StoreUnavailable
from vendor.secret import SecretKey, SessionToken
from vendor.stores.credentials import Credentials
from vendor.stores.s3 import CONNECTIONS, MAX_ANSWER, S3, Call, path_of

KEYS = Credentials("AKID12345678", SecretKey("secret-key"), SessionToken("session-token"), 0.0)


class Server:
    """Answers every request, and keeps what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[web.Request] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        match request.path:
            case "/lake/elsewhere":
                return web.Response(status=307, headers={"location": self.url + "/lake/caught"})
            case "/lake/endless":
                return web.Response(body=b"x" * (MAX_ANSWER + 1))
            case "/lake/slow":
                await asyncio.sleep(2.2)  # longer than making a connection may take
            case "/lake/broken":
                assert request.transport is not None
                request.transport.abort()
        return web.Response(body=b"<Error><Code>NoSuchKey</Code></Error>", status=404)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
async def s3(server: Server) -> AsyncIterator[S3]:
    opened = S3(server.url, "us-east-1")
    yield opened
    await opened.close()


async def test_a_call_is_signed_and_sent_as_it_was_made(s3: S3, server: Server) -> None:
    call = Call(
        "GET",
        path_of("lake", "ä b+") + "/../%2e%2e",
        (("prefix", "a/b"), ("prefix", "c d"), ("acl", "")),
        headers={"X-Signed": "1"},
        unsigned={"Prefix": "forged"},
    )
    reply = await s3.send(KEYS, call)

    (asked,) = server.asked
    assert asked.raw_path == "/lake/%C3%A4%20b%2B/../%2e%2e?prefix=a%2Fb&prefix=c%20d&acl"
    assert "x-signed" in asked.headers["authorization"]
    assert "prefix" not in asked.headers["authorization"]
    assert (asked.headers["prefix"], asked.headers["x-amz-security-token"]) == ("forged", "session-token")
    assert asked.headers["accept-encoding"] == "identity"
    assert (reply.status, reply.code, reply.short, reply.fine) == (404, "NoSuchKey", "404 NoSuchKey", False)


async def test_nobody_signs_nothing(s3: S3, server: Server) -> None:
    await s3.send(None, Call("GET", "/lake/a"))

    assert not {"authorization", "x-amz-security-token"} & {name.lower() for name in server.asked[0].headers}


async def test_a_redirect_is_an_answer(s3: S3, server: Server) -> None:
    assert (await s3.send(KEYS, Call("GET", "/lake/elsewhere"))).status == 307
    assert len(server.asked) == 1


async def test_an_answer_without_end_is_refused(s3: S3) -> None:
    with pytest.raises(StoreRefused, match="too long"):
        await s3.send(KEYS, Call("GET", "/lake/endless"))


async def test_a_broken_connection_is_a_store_that_is_away(s3: S3) -> None:
    with pytest.raises(StoreUnavailable):
        await s3.send(KEYS, Call("PUT", "/lake/broken", body=b"x"))


async def test_keys_are_not_shown(s3: S3) -> None:
    assert "session-token" not in repr(KEYS)
    assert "secret" not in repr(await s3.send(KEYS, Call("GET", "/lake/a"))).lower()


async def test_a_presigned_url_can_be_turned_to_another_object(s3: S3, server: Server) -> None:
    await s3.send_presigned(KEYS, Call("GET", "/lake/a"), instead=Call("GET", "/lake/b"))

    (asked,) = server.asked
    assert asked.path == "/lake/b"
    assert {"X-Amz-Signature", "X-Amz-Security-Token", "X-Amz-Expires"} <= set(asked.query)
    assert "authorization" not in asked.headers


async def test_who_waits_for_a_connection_of_a_slow_store_is_served_when_one_is_free(s3: S3, server: Server) -> None:
    slow = [asyncio.create_task(s3.send(KEYS, Call("GET", "/lake/slow"))) for _ in range(CONNECTIONS)]
    await reached(lambda: len(server.asked) == CONNECTIONS)

    assert (await s3.send(KEYS, Call("GET", "/lake/a"))).status == 404
    assert [(await one).status for one in slow] == [404] * CONNECTIONS
