"""One replica reads an issuer's keys for all: what it found is left where the others see it.

Without this, a replica that may not read (another one has, within the last minute) would refuse tokens signed with a
new key until its own next read.  What is left there is public, but it decides who is believed, so it is sealed with
the gateway's own keys: whoever can write to the shared place cannot make keys up.
"""

import base64
import struct
from typing import Protocol

from vendor.times import Clock

FRESH_SECONDS = 55
MAX_SHARED_BYTES = 64 * 1024
_TIME = struct.Struct(">d")


class Board(Protocol):
    """A place that all replicas see.  It may lose things, and it may raise."""

    async def put(self, name: str, text: str, seconds: int) -> None:
        """Keep `text` for `seconds`."""
        ...

    async def get(self, name: str) -> str | None:
        """Return what is kept under `name`."""
        ...


class Seals(Protocol):
    """What the own issuer does for replicas."""

    def seal(self, purpose: str, data: bytes) -> bytes: ...

    def unseal(self, purpose: str, sealed: bytes) -> bytes | None: ...


class KeyExchange:
    """Offers key sets to other replicas, and takes theirs."""

    def __init__(self, board: Board, seals: Seals, clock: Clock) -> None:
        self._board = board
        self._seals = seals
        self._clock = clock

    async def offer(self, issuer: str, document: bytes) -> None:
        """Leave a key set that has just been read."""
        if len(document) <= MAX_SHARED_BYTES:
            sealed = self._seals.seal(_purpose(issuer), _TIME.pack(self._clock()) + document)
            await self._board.put(_name(issuer), base64.b64encode(sealed).decode("ascii"), FRESH_SECONDS)

    async def take(self, issuer: str, *, newer_than: float) -> bytes | None:
        """Return the key set that a replica has read after `newer_than`, if there is one."""
        text = await self._board.get(_name(issuer))
        data = None if text is None else self._seals.unseal(_purpose(issuer), _decoded(text))
        if data is None or len(data) < _TIME.size:
            return None
        (read_at,) = _TIME.unpack_from(data)
        fresh = newer_than < read_at and abs(self._clock() - read_at) <= 2 * FRESH_SECONDS
        return data[_TIME.size :] if fresh else None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def _name(issuer: str) -> str:
    return f"jwks:{issuer}"


def _purpose(issuer: str) -> str:
    return f"keys of {issuer}"
