"""The bounds on connections, with a real server on loopback: what exceeds them is cut off, what does not is served."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from vendor.operate import protocol
from vendor.operate.protocol import HEAD_BYTES, LINGER_BYTES, BoundedProtocol

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the length of the body."""
    size, more = 0, scope["type"] == "http"
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"8")]})
    await send({"type": "http.response.body", "body": b"%08d" % size})


@asynccontextmanager
async def serving(app: ASGIApp = application) -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, http=BoundedProtocol, ws="none", lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task


async def exchange(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send parts one after the other for as long as the server takes them, and return everything that it says."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    "parts",
    [
        [HEAD, *[b"X-A: " + b"a" * 1000 + b"\r\n"] * 2000],
        [HEAD + b"X-A: ", *[b"a" * 1000] * 2000],
        [b"GET /", *[b"a" * 1000] * 2000],
        [CHUNKED, b"2;", *[b"a" * 1000] * 2000],
        [CHUNKED, b"2\r\n{}\r\n0\r\n", *[b"X-A: " + b"a" * 1000 + b"\r\n"] * 2000],
    ],
    ids=["headers", "one header", "path", "chunk extension", "trailers"],
)
async def test_a_flood_is_cut_off(parts: list[bytes]) -> None:
    async with serving() as port:
        answer = await exchange(port, *parts)

        assert b" 200 " not in answer
        assert b" 200 " in await exchange(port, b"GET / HTTP/1.0\r\n\r\n")


@pytest.mark.parametrize(
    "parts",
    [[], [HEAD], [HEAD + b"Content-Length: 5\r\n\r\nab"], [CHUNKED, b"1\r\na\r\n"]],
    ids=["silence", "half a head", "half a body", "half the chunks"],
)
async def test_who_does_not_go_on_is_cut_off(parts: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(protocol, "BODY_SECONDS", 0.2)
    async with serving() as port:
        assert b" 200 " not in await exchange(port, *parts)


async def test_dripping_does_not_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(protocol, "BODY_SECONDS", 0.3)
    async with serving() as port:
        answer = await exchange(port, HEAD + b"Content-Length: 40\r\n\r\n", *[b"a"] * 40, pause=0.05)

    assert b" 200 " not in answer


async def test_ordinary_requests_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"a" * 3_000_000
    small = HEAD + b"X-A: " + b"a" * (HEAD_BYTES - 100) + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    pieces = b"".join(b"40\r\n" + b"a" * 64 + b"\r\n" for _ in range(10_000))
    async with serving() as port:
        sized = await exchange(port, HEAD + b"Connection: close\r\nContent-Length: 3000000\r\n\r\n" + body)
        chunked = await exchange(
            port, HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n", pieces, b"0\r\n\r\n"
        )
        again = await exchange(port, *[HEAD + b"Content-Length: 1\r\n\r\na"] * 300, b"GET / HTTP/1.0\r\n\r\n")
        large_head = await exchange(port, small)

    assert sized.endswith(b"03000000")
    assert chunked.endswith(b"00640000")
    assert again.count(b" 200 ") == 301
    assert b" 200 " in large_head


async def test_a_body_may_take_as_long_as_its_size_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "BODY_SECONDS", 0.2)
    monkeypatch.setattr(protocol, "SLOWEST", 1000)
    async with serving() as port:
        answer = await exchange(
            port, HEAD + b"Connection: close\r\nContent-Length: 1000\r\n\r\n", *[b"a" * 100] * 10, pause=0.05
        )

    assert answer.endswith(b"00001000")


async def test_of_a_refused_body_no_more_is_taken_in_than_lets_the_client_read_why() -> None:
    async def refuses(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 403, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async with serving(refuses) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        length = LINGER_BYTES * 20
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % length)
        assert b" 403 " in await reader.readuntil(b"\r\n\r\n")
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < length:
                writer.write(b"a" * 65_536)
                await writer.drain()
                sent += 65_536
        writer.close()

    assert sent < LINGER_BYTES * 10, "what the buffers between us hold comes on top"
