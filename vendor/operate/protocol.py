"""HTTP/1.1 with bounds on what may come in before anybody is asked who they are.

uvicorn's protocol over httptools bounds neither how long the lines in front of a body are nor how long a client takes
for them, so one connection could fill the memory, and many silent ones all file descriptors.
"""

import asyncio
from typing import Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from vendor.operate.writes import Gathering

HEAD_BYTES: Final = 65_536
"""Request line and headers together; so much, too, may a chunked body be framed in beyond its size."""
HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 30.0
SLOWEST: Final = 16_384  # bytes a second, after BODY_SECONDS, that a body has to come in at
LINGER_SECONDS: Final = 2.0  # for which a refused client may go on sending, so that it gets to read the refusal
LINGER_BYTES: Final = 4 * 1024 * 1024

_REFUSAL: Final = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
    b"connection: close\r\n\r\n%s"
)
"""Closing while the client still sends would reset the connection, and the client would not read why."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection.  Whoever exceeds a bound is refused with a 400, or cut off where an answer is under way."""

    _beyond_bodies = 0
    _bound = HEAD_BYTES
    _deadline: float | None = None
    _timer: asyncio.TimerHandle | None = None
    _refused = False
    _unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Give the client some time to begin."""
        self._gathering = Gathering(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._gathering))
        self._await_until(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._deadline = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in as long as they are not too many that belong to no body."""
        self._beyond_bodies += len(data)
        if self._refused:
            if self._beyond_bodies > LINGER_BYTES:
                self.transport.abort()
            return
        super().data_received(data)
        if self._beyond_bodies > self._bound and not self.transport.is_closing():
            self._refuse("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """Begin to count anew; what is left of the bytes that are being read goes uncounted."""
        super().on_message_begin()
        self._beyond_bodies, self._bound, self._unread = 0, HEAD_BYTES, 0
        self._await_until(HEAD_SECONDS)

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        super().on_headers_complete()
        self._await_until(BODY_SECONDS)

    def on_body(self, body: bytes) -> None:
        """Give a large body the time that it takes; of a refused one take in what lets the client read why, no more."""
        super().on_body(body)
        if self.cycle.response_complete:
            self._unread += len(body)
            if self._unread > LINGER_BYTES:
                self.transport.abort()
                return
        self._beyond_bodies -= len(body)
        self._bound += len(body)
        if self._deadline is not None:
            self._deadline += len(body) / SLOWEST

    def on_message_complete(self) -> None:
        """Let the gateway take its time."""
        super().on_message_complete()
        self._deadline = None

    def on_response_complete(self) -> None:
        """Let the answer leave, its head and its body in one piece."""
        self._gathering.flush()
        super().on_response_complete()

    def _await_until(self, seconds: float) -> None:
        """Set the deadline.  The timer is set once and looks again: a request costs it nothing."""
        self._deadline = self.loop.time() + seconds
        if self._timer is None:
            self._timer = self.loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._deadline is None or self.transport.is_closing():
            return
        if self.loop.time() < self._deadline:
            self._timer = self.loop.call_at(self._deadline, self._look)
        else:
            self._refuse("The request did not arrive in time.")

    def _refuse(self, message: str) -> None:
        self._deadline = None
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None until the first head is complete
        if cycle is None or cycle.response_complete:
            self._refused = True
            self.transport.write(_REFUSAL % (len(message), message.encode("ascii")))
            self.loop.call_later(LINGER_SECONDS, self.transport.close)
        else:
            self.transport.abort()
