"""A store that misbehaves: each fault is a typed refusal, and none of them yields keys."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stores.test_xml import answer
from tests.support.waiting import reached
from vendor.dev.ports import Reservation
from vendor.errors import StoreRefused, StoreUnavailable, VendError
from vendor.stores.wire import MAX_ANSWER, Wire, encoded

Play = Callable[[asyncio.StreamWriter], Awaitable[None]]


def http(status: str, body: bytes = b"", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def says(content: bytes) -> Play:
    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()

    return play


async def hangs(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def drips(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"<")
        await writer.drain()
        await asyncio.sleep(0.05)


async def resets(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@asynccontextmanager
async def store(play: Play) -> AsyncIterator[tuple[Wire, list[bytes]]]:
    """A server that reads a request, then does as told; with the wire to it, and what it was asked."""
    asked: list[bytes] = []
    serving: list[asyncio.Task[None]] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.ensure_future(serve(reader, writer)))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        try:
            await play(writer)
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wire = Wire(f"http://127.0.0.1:{port}", aiohttp.ClientTimeout(total=0.5))
    try:
        yield wire, asked
    finally:
        await wire.close()
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


ERROR = b"<ErrorResponse><Error><Code>%s</Code></Error></ErrorResponse>"


@pytest.mark.parametrize(
    ("play", "refusal"),
    [
        pytest.param(says(http("403 Forbidden", ERROR % b"AccessDenied")), StoreRefused, id="denied"),
        pytest.param(says(http("400 Bad Request", ERROR % b"MalformedPolicyDocument")), StoreRefused, id="bad-policy"),
        pytest.param(says(http("400 Bad Request", ERROR % b"Throttling")), StoreUnavailable, id="throttled"),
        pytest.param(says(http("429 Too Many Requests")), StoreUnavailable, id="too-many"),
        pytest.param(says(http("500 Internal Server Error", b"<html>oops")), StoreUnavailable, id="broken"),
        pytest.param(says(http("503 Slow Down", ERROR % b"SlowDown")), StoreUnavailable, id="slow-down"),
        pytest.param(says(http("302 Found", b"", "Location: http://127.0.0.1:1/")), StoreRefused, id="redirect"),
        pytest.param(says(http("200 OK", b"<html>a captive portal")), StoreRefused, id="html"),
        pytest.param(says(http("200 OK", answer()[:-30])), StoreRefused, id="truncated-xml"),
        pytest.param(says(http("200 OK", answer(Expiration=""))), StoreRefused, id="no-expiration"),
        pytest.param(says(http("200 OK", b"<a>" + b" " * MAX_ANSWER)), StoreRefused, id="endless"),
        pytest.param(says(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n<a>"), StoreUnavailable, id="cut-off"),
        pytest.param(says(b"not http at all\r\n\r\n"), StoreUnavailable, id="no-http"),
        pytest.param(hangs, StoreUnavailable, id="hangs"),
        pytest.param(drips, StoreUnavailable, id="drips"),
        pytest.param(resets, StoreUnavailable, id="resets"),
    ],
)
async def test_no_keys_and_a_typed_refusal(play: Play, refusal: type[VendError]) -> None:
    async with store(play) as (wire, asked):
        with pytest.raises(refusal) as said:
            await wire.post("Action=X&WebIdentityToken=eyJsecret")

        assert len(asked) == 1, "a call that may have issued keys is never repeated"
        assert "eyJsecret" not in str(said.value)


async def test_nobody_there() -> None:
    wire = Wire("http://127.0.0.1:1")
    with pytest.raises(StoreUnavailable):
        await wire.post("Action=X")
    assert await wire.answers() is False
    await wire.close()


async def test_good_keys_and_nothing_secret_in_the_line_of_the_request() -> None:
    async with store(says(http("200 OK", answer()))) as (wire, asked):
        credentials = await wire.post("Action=X&WebIdentityToken=eyJsecret")

    assert credentials.access_key_id == "AKIDEXAMPLE000000000"
    line, *headers = asked[0].decode().split("\r\n")
    assert line == "POST / HTTP/1.1"
    assert not [header for header in headers if "eyJ" in header]


async def test_a_store_that_comes_back_at_once_is_asked_again() -> None:
    """Nothing was sent on a connection that was refused, so trying once more cannot issue keys twice."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(http("200 OK", answer()))
        await writer.drain()
        writer.close()

    with Reservation(1) as reserved:
        port = reserved.ports[0]
    wire = Wire(f"http://127.0.0.1:{port}")
    asking = asyncio.create_task(wire.post("Action=X"))
    await reached(lambda: wire.refused == 1)
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        assert (await asking).access_key_id
        assert len(asked) == 1
    finally:
        await wire.close()
        server.close()


async def test_a_store_that_stays_away_is_tried_twice() -> None:
    wire = Wire("http://127.0.0.1:1")
    with pytest.raises(StoreUnavailable):
        await wire.post("Action=X")
    assert wire.refused == 2
    await wire.close()


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=4))
def test_an_encoded_form_is_read_as_what_it_was(form: dict[str, str]) -> None:
    text = encoded(form)

    assert parse_qsl(text, keep_blank_values=True, strict_parsing=True) == list(form.items())
    assert not set(text) & set(' "#;<>[]{}\r\n\0')
    assert text.isascii()


@pytest.mark.parametrize("text", ["\ud800", "s3://lake/a\udfff/", "é\ud83d", "\udc00\ud800"])
def test_a_form_is_not_sent_without_what_cannot_be_encoded(text: str) -> None:
    """Left out of a policy it would make another policy."""
    with pytest.raises(UnicodeEncodeError):
        encoded({"Action": "X", "Policy": text})
    with pytest.raises(UnicodeEncodeError):
        encoded({"Action": "X", text: "a"})
    with pytest.raises(UnicodeEncodeError):
        encoded({"Action": "\ud83d", "Policy": "\ude00"})
