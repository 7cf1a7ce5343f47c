"""What a server writes in one turn of the event loop leaves in one piece.

uvicorn writes the head of an answer, then its body, and uvloop makes a system call of each write at once.  On a busy
gateway these calls are what the server costs most.
"""

import asyncio
from typing import Any, Final

MOST: Final = 65_536  # bytes that are held back; an answer in many parts is not gathered as a whole


class Gathering:
    """A transport that holds writes back until `flush`, until the turn of the event loop is over, or there are many.

    All else is the transport's own.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write it, soon."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._size += len(data)
        if self._size > MOST:
            self.flush()

    def flush(self) -> None:
        """Write what was held back; not to a connection that broke meanwhile, on which uvloop takes no write."""
        if self._held:
            held, self._held, self._size = self._held, [], 0
            if not self._transport.is_closing():
                self._transport.write(b"".join(held))

    def is_closing(self) -> bool:
        """Say whether nothing can be written any more."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close after all that was written."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._held.clear()
        self._transport.abort()
