"""Free TCP ports on loopback.

A port is picked below the range from which the kernel takes ports for outgoing connections, so that a busy machine
does not take it by accident, and is kept bound until its server starts.  Between `release` and the server's own bind
somebody else may still come first: whoever starts the server notices (see `process`) and asks for other ports.
"""

import random
import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"

_FIRST, _LAST = 20_000, 32_000
_ATTEMPTS = 500


class PortTakenError(RuntimeError):
    """Another process came first; starting again with other ports helps."""


class Reservation:
    """Ports held for servers that are about to start.  `release` (or the end of the `with` block) lets them go."""

    def __init__(self, count: int) -> None:
        self._sockets: list[socket.socket] = []
        try:
            for _ in range(count):
                self._sockets.append(_bind_any())
        except BaseException:
            self.release()
            raise
        self.ports: Sequence[int] = tuple(held.getsockname()[1] for held in self._sockets)

    def release(self) -> None:
        """Let the ports go; their servers start now.  Repeat is fine."""
        while self._sockets:
            self._sockets.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_free(port: int) -> bool:
    """Say whether a server could listen on `port` now.  Connections of an earlier server that linger do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _bound(probe, port)


def _bind_any() -> socket.socket:
    for _ in range(_ATTEMPTS):
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if _bound(held, random.randint(_FIRST, _LAST)):  # noqa: S311  # spreads load, guards nothing
            return held
        held.close()
    raise PortTakenError(f"no free port found between {_FIRST} and {_LAST} on {LOOPBACK}")


def _bound(sock: socket.socket, port: int) -> bool:
    try:
        sock.bind((LOOPBACK, port))
    except OSError:
        return False
    return True
