"""Making load: so many connections, each with one request after the other.

It does as little as it can for a request: the bytes are made beforehand, answers are read by a C parser, nothing is
decoded.  A server that closes a connection after an answer, and has said so, gets a new one.
"""

import asyncio
import itertools
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, cast
from urllib.parse import urlsplit

import httptools

from vendor.operate.bench.load import NUMBER, Load, Outcome

_PATIENCE: Final = 30.0  # seconds for one answer, and for a connection
_GRACE: Final = 3.0  # the same once it is to end
_KEPT: Final = 64_000  # bytes of the first refusal, and of the first good answer
_LOOK_EVERY: Final = 0.05
MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024  # with its headers

enough: Callable[[], bool] = bool
"""Says whether a load is to end early; the process that makes loads puts its own here."""


async def drive(load: Load) -> Outcome:
    """Make the load and return what came of it.  Raises OSError or TimeoutError if there is no connection."""
    place = urlsplit(load.url)
    secure = ssl.create_default_context(cafile=load.ca_file) if place.scheme == "https" else None
    host, port = place.hostname or "", place.port or (443 if secure else 80)
    loop = asyncio.get_running_loop()
    run = _Run(load)

    async def connect(connection: _Connection) -> None:
        async with asyncio.timeout(_PATIENCE):
            await loop.create_connection(lambda: connection, host, port, ssl=secure)

    connections = [_Connection(run, connect) for _ in range(load.connections)]
    for connection in connections:
        await connect(connection)
    began = time.perf_counter()
    run.ends = began + load.seconds
    for connection in connections:
        connection.turn()
    looking = asyncio.ensure_future(_look(run, connections))
    await asyncio.wait([one.done for one in connections])
    seconds = time.perf_counter() - began
    looking.cancel()
    for connection in connections:
        connection.close()
    return Outcome(seconds, sorted(run.took), dict(run.statuses), run.refused, run.broken, run.kept, run.first)


async def _look(run: "_Run", connections: "Sequence[_Connection]") -> None:
    """End the load when that is wanted, and waiting for what does not come."""
    patience, why = _PATIENCE, f"an answer was due for more than {_PATIENCE:g} seconds"
    while True:
        if enough() and patience != _GRACE:
            patience, why = _GRACE, "it was stopped while answers were due"
            run.end()
        for connection in connections:
            connection.give_up(patience, why)
        await asyncio.sleep(_LOOK_EVERY)


class _Run:
    """What the connections of one load have in common."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.ends = 0.0
        self.took: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.refused: tuple[int, bytes] | None = None
        self.broken = ""
        self.kept: list[bytes] = []
        self.first = b""
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

    def end(self, why: str = "") -> None:
        """Send nothing more, and say why if that was not meant."""
        self.ends = 0.0
        self.broken = self.broken or why

    def request(self) -> bytes:
        """Return the next request."""
        return next(self._requests).replace(NUMBER, b"%010d" % next(self._numbers), 1)

    def note(self, took: float, status: int, body: bytes) -> None:
        """Take one answer down."""
        self.took.append(took * 1000)
        self.statuses[status] += 1
        if not 200 <= status < 300:
            self.refused = self.refused or (status, body[:_KEPT])
            if self.load.ends_when_refused:
                self.end()
            return
        self.first = self.first or body[:_KEPT]
        if self.load.keep:
            self.kept.append(body)


class _Connection(asyncio.Protocol):
    """One connection after the other to a server; the callbacks with `on_` are the parser's."""

    def __init__(self, run: _Run, connect: Callable[["_Connection"], Awaitable[None]]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._run = run
        self._connect = connect
        self._body: list[bytes] = []
        self._began = 0.0
        self._since: float | None = None  # when what is waited for was asked for
        self._over = False  # the server said that it closes this one
        self._again: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._parser = httptools.HttpResponseParser(self)
        self._size = 0

    def turn(self) -> None:
        """Send the next request, now or when it is due; or be done."""
        self._since = None
        due = self._run.due()
        if due is None:
            self._finish()
            return
        early = due - time.perf_counter()
        if early > 0:
            asyncio.get_running_loop().call_later(early, self._send, 0.0)
        else:
            self._send(due)

    def close(self) -> None:
        """Use it no more."""
        self._finish()
        self._transport.abort()
        if self._again is not None:
            self._again.cancel()

    def give_up(self, patience: float, why: str) -> None:
        """Wait no more if it has been so many seconds."""
        if self._since is not None and time.perf_counter() - self._since > patience:
            self._finish(why)

    def _send(self, since: float) -> None:
        if not self.done.done():
            data = self._run.request()
            self._since = time.perf_counter()
            self._began = since or self._since
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MAX_ANSWER_BYTES:
            self._finish(f"an answer has more than {MAX_ANSWER_BYTES} bytes")
            self._transport.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as failure:
            self._finish(f"what was answered is no HTTP ({type(failure).__name__})")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        took = time.perf_counter() - self._began
        self._run.note(took, self._parser.get_status_code(), b"".join(self._body))
        self._body.clear()
        self._size = 0
        if not self._parser.should_keep_alive():
            self._over = True
            self._transport.abort()  # its loss is when there is a new one
            return
        self._parser = httptools.HttpResponseParser(self)
        self.turn()

    def connection_lost(self, failure: Exception | None) -> None:
        if self._over and not self.done.done():
            self._over = False
            self._again = asyncio.ensure_future(self._anew())
        else:
            self._finish(f"a connection was closed while an answer was due ({failure or 'without a reason'})")

    async def _anew(self) -> None:
        try:
            await self._connect(self)
        except (OSError, TimeoutError) as failure:
            self._finish(f"no further connection could be opened ({str(failure) or 'in time'})")
        else:
            self.turn()

    def _finish(self, why: str = "") -> None:
        if not self.done.done():
            self.done.set_result(None)
            if why:
                self._run.end(why)
