"""The load of `vendor bench` and of the benchmark, against servers that do as real ones do, and as broken ones do."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from vendor.operate.bench import driving
from vendor.operate.bench.driving import drive
from vendor.operate.bench.generator import Generator
from vendor.operate.bench.load import NUMBER, Broken, Load, Refused, json_request

Answer = Callable[[asyncio.StreamWriter, int], Awaitable[None]]

FINE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
LAST = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}"


@asynccontextmanager
async def serving(answer: Answer, servers: list[asyncio.Server] | None = None) -> AsyncIterator[str]:
    """A server that answers the n-th request of a connection as it is told; its base address."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 0
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
                await reader.readexactly(int(length.partition(b":")[2]))
                number += 1
                await answer(writer, number)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    if servers is not None:
        servers.append(server)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def load(url: str, **more: Any) -> Load:
    asked = json_request(url, "/v1/leases", {"n": NUMBER.decode()}, "t")
    return replace(Load(url, [asked], connections=2, seconds=20.0, most=20, keep=True), **more)


async def test_a_connection_that_the_server_closes_is_followed_by_another() -> None:
    connections = 0

    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        nonlocal connections
        connections += number == 1
        writer.write(LAST if number == 3 else FINE)
        if number == 3:
            writer.close()

    async with serving(answer) as url:
        outcome = await drive(load(url))

    assert (outcome.statuses, outcome.broken, len(outcome.kept)) == ({200: 20}, "", 20)
    assert connections >= 6


async def test_what_was_answered_before_a_break_is_kept() -> None:
    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        if number <= 3:
            writer.write(FINE)
        else:
            writer.close()

    async with serving(answer) as url:
        outcome = await drive(load(url))

    assert 3 <= len(outcome.kept) <= 6
    assert "closed while an answer was due" in outcome.broken
    with pytest.raises(Broken):
        outcome.require_good(url)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", "no HTTP", id="another-protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + b"x" * 100_000, "100 bytes", id="long"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000, "100 bytes", id="long-head"),
        pytest.param(b"", "due for more than", id="silence"),
    ],
)
async def test_a_server_that_misbehaves_ends_the_load(said: bytes, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driving, "MAX_ANSWER_BYTES", 100)
    if not said:
        monkeypatch.setattr(driving, "_PATIENCE", 0.1)

    async def answer(writer: asyncio.StreamWriter, _number: int) -> None:
        writer.write(said)

    async with serving(answer) as url:
        outcome = await drive(load(url, seconds=20.0 if said else 0.1))

    assert why in outcome.broken
    assert outcome.good == 0


async def test_a_server_that_goes_away_is_a_break() -> None:
    servers: list[asyncio.Server] = []

    async def answer(writer: asyncio.StreamWriter, _number: int) -> None:
        servers[0].close()
        writer.write(LAST)

    async with serving(answer, servers) as url:
        outcome = await drive(load(url, connections=1))
        with pytest.raises(OSError, match="Connect call failed"):
            await drive(load(url))

    assert outcome.good == 1
    assert "no further connection could be opened" in outcome.broken


async def test_the_first_refusal_ends_it_where_that_is_wanted() -> None:
    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(FINE if number < 3 else FINE.replace(b"200 OK", b"429 \x1b[2JToo Many").replace(b"{}", b"\x1b["))

    async with serving(answer) as url:
        outcome = await drive(load(url, ends_when_refused=True))
        on = await drive(load(url, connections=1))

    assert sum(outcome.statuses.values()) <= 6
    assert outcome.refused == (429, b"\x1b[")
    assert on.statuses == {200: 2, 429: 18}
    with pytest.raises(Refused) as said:
        outcome.require_good(url)
    assert "\x1b" not in str(said.value)


async def test_stopping_waits_for_nothing_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driving, "_GRACE", 0.1)
    asked = asyncio.Event()
    monkeypatch.setattr(driving, "enough", asked.is_set)

    async def answer(_writer: asyncio.StreamWriter, _number: int) -> None:
        asked.set()

    async with serving(answer) as url:
        outcome = await drive(load(url, seconds=600.0))

    assert outcome.seconds < 20
    assert outcome.broken == "it was stopped while answers were due"


async def test_a_base_path_is_kept() -> None:
    assert json_request("http://h/base/", "/v1/leases", {}, "t").startswith(b"POST /base/v1/leases HTTP/1.1\r\nhost: h")


async def test_a_load_ends_early_and_ctrl_c_does_not_end_its_process() -> None:
    async def answer(writer: asyncio.StreamWriter, _number: int) -> None:
        writer.write(FINE)

    asked: list[int] = []

    def enough() -> bool:
        if not asked:
            (process,) = generator._pool._processes.values()
            os.kill(process.pid or 0, signal.SIGINT)
        asked.append(1)
        return len(asked) > 3

    async with serving(answer) as url:
        with Generator() as generator:
            outcome = await asyncio.to_thread(generator.outcome, load(url, seconds=600.0, most=None), enough=enough)

    assert outcome.good
    assert outcome.seconds < 60
    assert outcome.broken == ""
