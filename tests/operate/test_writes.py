"""Writes of one turn leave in one piece, in order, and nothing is lost or kept at the end."""

import asyncio
import socket
import struct
from functools import partial
from typing import Any, cast

import pytest
import uvloop
from starlette.types import Receive, Scope, Send

from tests.operate.test_protocol import serving
from tests.support.waiting import reached
from vendor.operate.writes import MOST, Gathering


class _Transport:
    def __init__(self) -> None:
        self.done: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("close")

    def abort(self) -> None:
        self.done.append("abort")

    def is_closing(self) -> bool:
        return "close" in self.done

    def get_extra_info(self, name: str) -> str:
        return f"of {name}"


@pytest.fixture
async def gathering() -> tuple[Gathering, _Transport]:
    transport = _Transport()
    return Gathering(cast("asyncio.Transport", transport), asyncio.get_running_loop()), transport


async def test_what_is_written_in_one_turn_leaves_together_at_its_end(
    gathering: tuple[Gathering, _Transport],
) -> None:
    gathered, transport = gathering

    gathered.write(b"a")
    gathered.write(b"b")
    assert transport.done == []
    await asyncio.sleep(0)
    gathered.write(b"c")
    gathered.flush()

    assert transport.done == [b"ab", b"c"]
    await asyncio.sleep(0)
    assert transport.done == [b"ab", b"c"]
    assert gathered.get_extra_info("peername") == "of peername"


async def test_no_more_than_so_much_is_held_back(gathering: tuple[Gathering, _Transport]) -> None:
    gathered, transport = gathering

    gathered.write(b"head")
    gathered.write(b"x" * MOST)

    assert transport.done == [b"head" + b"x" * MOST]


async def test_closing_waits_for_what_was_written_and_aborting_for_nothing(
    gathering: tuple[Gathering, _Transport],
) -> None:
    gathered, transport = gathering

    gathered.write(b"a")
    gathered.abort()
    gathered.write(b"b")
    gathered.close()
    await asyncio.sleep(0)

    assert transport.done == ["abort", b"b", "close"]
    assert gathered.is_closing()


async def test_head_and_body_of_an_answer_are_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    flush = Gathering.flush

    def noted(self: Gathering) -> None:
        written.extend([b"".join(self._held)] if self._held else [])
        flush(self)

    monkeypatch.setattr(Gathering, "flush", noted)
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b"00000000"), 10)
        writer.close()
        await writer.wait_closed()

    assert len(written) == 1
    assert written[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert written[0].endswith(b"\r\n\r\n00000000")


def test_what_was_held_back_for_a_connection_that_broke_is_dropped() -> None:
    """Broken in the very turn in which something was written: uvloop takes no write on it any more."""
    raised: list[dict[str, Any]] = []

    async def break_and_write() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: raised.append(context))
        ours, theirs = socket.socketpair()
        with theirs:
            transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
            gathering = Gathering(transport, loop)
            transport.abort()
            gathering.write(b"a")
            await asyncio.sleep(0.01)
            gathering.write(b"b")
            gathering.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(break_and_write())

    assert raised == []


def test_clients_that_break_off_cause_no_errors() -> None:
    """Whoever can connect could fill the log with them."""
    raised: list[dict[str, Any]] = []
    answered: list[str] = []

    async def long_answer(scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(10):
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body"})
        answered.append(scope["path"])

    def break_off(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closes with a reset

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: raised.append(context))
        async with serving(long_answer) as port:
            for number in range(1, 11):
                break_off(port)
                await reached(partial(lambda expected: len(answered) == expected, number))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())

    assert raised == []
