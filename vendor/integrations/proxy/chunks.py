"""Bodies that come in signed chunks (`aws-chunked`): taken apart piece by piece, each chunk checked as it ends.

Pieces are passed on before their chunk's signature is seen, so that a chunk may be of any size.  The last piece is held
back until every signature was seen: whoever passes the pieces on has sent too little when `Unacceptable` is raised.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from vendor.integrations.proxy.sigv4 import ALGORITHM, EMPTY, Signed, Unacceptable

SIGNED: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
PIECE: Final = 64 * 1024
MOST_TRAILERS: Final = 16 * 1024
_LINE: Final = 256
_END: Final = 4  # bytes that ends of lines may take behind the last of them
_HEAD: Final = re.compile(rb"([0-9A-Fa-f]{1,10});chunk-signature=([0-9a-f]{64})\r\n")


class Reading(Protocol):
    """Where the bytes come from."""

    def read(self, size: int, /) -> bytes: ...

    def readline(self, size: int, /) -> bytes: ...


@dataclass
class Limited:
    """So many bytes of a stream, and no more.  Ends early only with an error."""

    stream: Reading
    left: int

    def read(self, size: int, /) -> bytes:
        return self._taken(self.stream.read(min(size, self.left)))

    def readline(self, size: int, /) -> bytes:
        return self._taken(self.stream.readline(min(size, self.left)))

    def _taken(self, taken: bytes) -> bytes:
        self.left -= len(taken)
        if not taken and self.left:
            raise ConnectionResetError("the program hung up")
        return taken

    def pieces(self) -> Iterator[bytes]:
        """Yield all that is left."""
        while self.left:
            yield self.read(PIECE)


def decoded(body: Limited, signed: Signed, length: int) -> Iterator[bytes]:
    """Yield what the chunks hold, `length` bytes.  Raises Unacceptable when it is not what was signed."""
    held = b""
    for piece in _pieces(body, signed):
        length -= len(piece)
        if length < 0:
            raise _broken()
        if held:
            yield held
        held = piece
    if length:
        raise _broken()
    yield held


def _pieces(body: Limited, signed: Signed) -> Iterator[bytes]:
    previous = signed.signature
    while True:
        head = _HEAD.fullmatch(body.readline(_LINE))
        if head is None:
            raise _broken()
        size = int(head[1], 16)
        digest = hashlib.sha256()
        for piece in Limited(body, size).pieces():
            digest.update(piece)
            yield piece
        previous = _checked(signed, "PAYLOAD", previous, f"{EMPTY}\n{digest.hexdigest()}", head[2].decode())
        if size == 0:
            break
        if body.readline(2) != b"\r\n":
            raise _broken()
    if signed.payload == SIGNED_TRAILER:
        _check_trailers(body, signed, previous)
    elif body.readline(2) != b"\r\n":
        raise _broken()
    if body.left:
        raise _broken()


def _check_trailers(body: Limited, signed: Signed, previous: str) -> None:
    """Check the signature of what follows the last chunk.  Checksums there go no further: the chunks are signed."""
    text, size = "", 0
    while (line := body.readline(_LINE)) and not line.startswith(b"x-amz-trailer-signature:"):
        size += len(line)
        if size > MOST_TRAILERS or not line.endswith(b"\n"):
            raise _broken()
        if stripped := line.decode("latin-1").strip():
            text += f"{stripped}\n"
    digest = hashlib.sha256(text.encode("latin-1")).hexdigest()
    _checked(signed, "TRAILER", previous, digest, line.decode("latin-1").partition(":")[2].strip())
    if body.left > _END or body.read(_END).strip():
        raise _broken()


def _checked(signed: Signed, kind: str, previous: str, content: str, given: str) -> str:
    text = f"{ALGORITHM}-{kind}\n{signed.time}\n{signed.scope}\n{previous}\n{content}"
    expected = signed.key(text)
    if not hmac.compare_digest(expected, given):
        raise Unacceptable("SignatureDoesNotMatch", "A part of the body is not what was signed.")
    return expected


def _broken() -> Unacceptable:
    return Unacceptable("IncompleteBody", "The chunks of the body are not formed as they should be.")
