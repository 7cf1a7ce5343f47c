"""Load over HTTP/1.1: so many connections, each with one request after the other, for so many seconds.

It does as little as it can for a request: the bytes are made beforehand, answers are read by a C parser, nothing is
decoded.  It runs in a process of its own (see `Generator`), so that it shares no interpreter with what is measured.
"""

import asyncio
import itertools
import json
import multiprocessing
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self, TypeVar, cast
from urllib.parse import urlsplit

import httptools
import uvloop

NUMBER: Final = b"@@@@@@@@@@"
"""Where this stands in a request a number is put that no other request of the load has; as long, so lengths hold."""
_PATIENCE: Final = 30.0  # seconds for one answer
_KEPT: Final = 1_000  # bytes of the first refusal
_Asked = TypeVar("_Asked")


class Refused(Exception):
    """An answer that makes the measurement worthless."""


@dataclass(frozen=True, slots=True)
class Load:
    """What to send, to whom, and for how long.  The `requests` are sent in turn; after `most` of them it ends.

    With a `rate` no more than so many are sent a second, and one that is late is counted from when it was due.
    """

    url: str
    requests: Sequence[bytes] = field(repr=False)
    connections: int = 1
    seconds: float = 1.0
    most: int | None = None
    rate: float | None = None
    first_number: int = 0
    keep: bool = False
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: milliseconds of every answer, in order of size, and how many there were of each status.

    `kept` are the bodies of good answers, if the load said so; they may hold keys.
    """

    seconds: float
    took: list[float] = field(repr=False)
    statuses: dict[int, int] = field(default_factory=dict)
    refusal: str = ""
    kept: list[bytes] = field(default_factory=list, repr=False)

    @property
    def good(self) -> int:
        """How many were answered as they should be."""
        return sum(count for status, count in self.statuses.items() if 200 <= status < 300)

    @property
    def per_second(self) -> float:
        """Good answers a second."""
        return self.good / self.seconds

    def percentile(self, percent: float) -> float:
        """Return how many milliseconds that part of all answers took at most."""
        if not self.took:
            return float("nan")
        return self.took[max(0, -(-int(len(self.took) * percent) // 100) - 1)]

    def require_good(self, url: str) -> None:
        """Raise Refused if any answer was not a good one, or there was none."""
        if self.good != sum(self.statuses.values()) or not self.good:
            raise Refused(f"{url} answered {self.statuses or 'nothing'}: {self.refusal}")

    def figures(self) -> dict[str, float]:
        """Return the three figures that are told of most loads."""
        return {"per_second": self.per_second, "p50_ms": self.percentile(50), "p99_ms": self.percentile(99)}


def request(
    url: str, method: str, path: str, *, body: bytes = b"", media: str = "application/json", **headers: str
) -> bytes:
    """Return one request as it goes over the wire.  Underscores in names of headers stand for hyphens."""
    lines = [f"{method} {path} HTTP/1.1", f"host: {urlsplit(url).netloc}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body or method in {"POST", "PUT"}:
        lines += [f"content-type: {media}", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def json_request(url: str, path: str, content: object, token: str) -> bytes:
    """Return one POST of JSON with a bearer token."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return request(url, "POST", path, body=body, authorization=f"Bearer {token}")


class Generator:
    """A process that makes load."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    def __enter__(self) -> Self:
        self._pool.submit(abs, 0).result()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)

    def __call__(self, load: Load) -> Outcome:
        """Make the load and return what came of it.  Raises Refused if any answer was not a good one."""
        outcome = self.run(_drive, load)
        outcome.require_good(load.url)
        return outcome

    def outcome(self, load: Load) -> Outcome:
        """Make the load and return what came of it, good or not."""
        return self.run(_drive, load)

    def run(self, making: Callable[[_Asked], Awaitable[Outcome]], asked: _Asked) -> Outcome:
        """Make load of another kind in the process; `making` is a function of a module."""
        return self._pool.submit(_run, making, asked).result()


def _run(making: Callable[[_Asked], Awaitable[Outcome]], asked: _Asked) -> Outcome:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_awaited(making, asked))


async def _awaited(making: Callable[[_Asked], Awaitable[Outcome]], asked: _Asked) -> Outcome:
    return await making(asked)


async def _drive(load: Load) -> Outcome:
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
