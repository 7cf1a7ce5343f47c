"""Making load: so many connections, each with one request after the other.

It does as little as it can for a request: the bytes are made beforehand, answers are read by a C parser, nothing is
decoded.
"""

import asyncio
import itertools
import ssl
import time
from collections import Counter
from typing import Final, cast
from urllib.parse import urlsplit

import httptools

from vendor.operate.bench.load import NUMBER, Load, Outcome

_PATIENCE: Final = 30.0  # seconds for one answer
_KEPT: Final = 1_000  # bytes of the first refusal


async def drive(load: Load) -> Outcome:
    """Make the load and return what came of it."""
    place = urlsplit(load.url)
    secure = ssl.create_default_context(cafile=load.ca_file) if place.scheme == "https" else None
    host, port = place.hostname or "", place.port or (443 if secure else 80)
    loop = asyncio.get_running_loop()
    run = _Run(load)
    opened = [
        await loop.create_connection(lambda: _Connection(run), host, port, ssl=secure) for _ in range(load.connections)
    ]
    began = time.perf_counter()
    run.ends = began + load.seconds
    for _, connection in opened:
        connection.turn()
    async with asyncio.timeout(load.seconds + _PATIENCE):
        await asyncio.gather(*(connection.done for _, connection in opened))
    seconds = time.perf_counter() - began
    for transport, _ in opened:
        transport.close()
    return Outcome(seconds, sorted(run.took), dict(run.statuses), run.refusal, run.kept)


class _Run:
    """What the connections of one load have in common."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.ends = 0.0
        self.took: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.refusal = ""
        self.kept: list[bytes] = []
        self._requests = itertools.cycle(load.requests)
        self._numbers = itertools.count(load.first_number)
        self._left = load.most
        self._sent = 0

    def due(self) -> float | None:
        """Return when the next request is to be sent, 0 for at once; None when it is over."""
        load = self.load
        due = self.ends - load.seconds + self._sent / load.rate if load.rate else 0.0
        if max(due, time.perf_counter()) >= self.ends or self._left == 0:
            return None
        self._sent += 1
        if self._left is not None:
            self._left -= 1
        return due

    def request(self) -> bytes:
        """Return the next request."""
        return next(self._requests).replace(NUMBER, b"%010d" % next(self._numbers), 1)

    def note(self, took: float, status: int, body: bytes) -> None:
        """Take one answer down."""
        self.took.append(took * 1000)
        self.statuses[status] += 1
        if not 200 <= status < 300:
            self.refusal = self.refusal or f"{status} {body[:_KEPT].decode(errors='replace')}"
        elif self.load.keep:
            self.kept.append(body)


class _Connection(asyncio.Protocol):
    """One connection; the callbacks with `on_` are the parser's."""

    def __init__(self, run: _Run) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._run = run
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def turn(self) -> None:
        """Send the next request, now or when it is due; or be done."""
        due = self._run.due()
        if due is None:
            self._finish(None)
            return
        early = due - time.perf_counter()
        if early > 0:
            asyncio.get_running_loop().call_later(early, self._send, 0.0)
        else:
            self._send(due)

    def _send(self, since: float) -> None:
        if not self.done.done():
            data = self._run.request()
            self._began = since or time.perf_counter()
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as failure:
            self._finish(failure)

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        took = time.perf_counter() - self._began
        status = self._parser.get_status_code()
        self._run.note(took, status, b"".join(self._body))
        self._body.clear()
        self._parser = httptools.HttpResponseParser(self)
        self.turn()

    def connection_lost(self, failure: Exception | None) -> None:
        self._finish(failure or ConnectionResetError("closed while an answer was due"))

    def _finish(self, failure: Exception | None) -> None:
        if self.done.done():
            return
        if failure is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(failure)
