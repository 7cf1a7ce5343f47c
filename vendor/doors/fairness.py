"""Nobody fills the event loop: of the requests with one credential only a few are worked on at a time.

While somebody else is being served, that is very few, so whoever sends one request waits behind few others, not behind
all that a flood has sent; alone, a caller gets as much as the process can do.  Nothing is refused here, and nothing is
read of a request that waits.  A request that takes long waits for something itself, and no longer counts.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vendor.secret import RawToken
from vendor.times import Clock

ALONE: Final = 16
IN_COMPANY: Final = 1
LONG: Final = 0.25  # seconds after which a request no longer counts
COMPANY: Final = 1.0  # seconds for which somebody counts as being served


@dataclass(slots=True)
class _Lane:
    """The requests with one credential: how many are worked on, and those that wait."""

    running: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Lanes:
    """One lane for each credential.  `queued` counts the requests that had to wait."""

    def __init__(self, monotonic: Clock = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lanes: dict[int, _Lane] = {}
        self._seen: OrderedDict[int, float] = OrderedDict()
        self.queued = 0

    @property
    def waiting(self) -> int:
        """How many requests wait now."""
        return sum(len(lane.waiting) for lane in self._lanes.values())

    async def enter(self, credential: bytes) -> Callable[[], None]:
        """Wait for one's turn; return what has to be called when the work is done (more than once does no harm)."""
        key = hash(credential)
        self._see(key)
        lane = self._lanes.setdefault(key, _Lane())
        if lane.waiting or lane.running >= self._most(key):
            self.queued += 1
            await self._wait(key, lane)
        else:
            lane.running += 1
        return self._done(key, lane)

    @asynccontextmanager
    async def place(self, credential: RawToken) -> AsyncIterator[None]:
        """Hold a place for as long as the block lasts: for doors whose callers send their token elsewhere."""
        end = await self.enter(credential.reveal().encode())
        try:
            yield
        finally:
            end()

    async def _wait(self, key: int, lane: _Lane) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                lane.running -= 1
            elif turn in lane.waiting:
                lane.waiting.remove(turn)
            self._next(key, lane)
            raise

    def _done(self, key: int, lane: _Lane) -> Callable[[], None]:
        ended = False

        def end() -> None:
            nonlocal ended
            if not ended:
                ended = True
                timer.cancel()
                lane.running -= 1
                self._next(key, lane)

        timer = asyncio.get_running_loop().call_later(LONG, end)
        return end

    def _next(self, key: int, lane: _Lane) -> None:
        while lane.waiting and lane.running < self._most(key):
            turn = lane.waiting.popleft()
            if not turn.done():
                lane.running += 1
                turn.set_result(None)
        if not lane.running and not lane.waiting:
            self._lanes.pop(key, None)

    def _see(self, key: int) -> None:
        now = self._monotonic()
        self._seen[key] = now
        self._seen.move_to_end(key)
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._seen and now - next(iter(self._seen.values())) > COMPANY:
            self._seen.popitem(last=False)

    def _most(self, key: int) -> int:
        self._forget(self._monotonic())
        others = len(self._seen) - (key in self._seen)
        return IN_COMPANY if others else ALONE


class Fair:
    """Plain ASGI wrapper.  Without an Authorization header a request passes: its door may find a token elsewhere."""

    def __init__(self, app: ASGIApp, lanes: Lanes) -> None:
        self._app = app
        self._lanes = lanes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request when it is its turn; what is left to do when its answer begins holds nobody up."""
        credential = _credential(scope) if scope["type"] == "http" else None
        if credential is None:
            await self._app(scope, receive, send)
            return
        end = await self._lanes.enter(credential)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                end()
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            end()


def _credential(scope: Scope) -> bytes | None:
    return next((bytes(value) for name, value in scope["headers"] if name == b"authorization"), None)
