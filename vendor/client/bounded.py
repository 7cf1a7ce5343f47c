"""A server on loopback that a local process without its secret can neither hold up nor fill up.

Everybody on this machine can connect.  So there is a limit to connections, and whoever has not shown the secret is a
stranger: they are hung up on after a while however busily they send, and sooner when others wait for a place.
"""

import contextlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

_LOOK_EVERY: Final = 0.25


class BoundedServer(ThreadingHTTPServer):
    """Serves on a port of 127.0.0.1, in a thread from the moment it is made until `close`.

    `most` connections at a time.  A stranger keeps a place for `patience` seconds, or for `stranger` seconds where all
    are taken.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, port: int, handler: type[BaseHTTPRequestHandler], *, most: int, stranger: float, patience: float
    ) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self._places = threading.BoundedSemaphore(most)
        self._stranger = stranger
        self._patience = patience
        self._strangers: dict[socket.socket, float] = {}
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name=type(self).__name__.lower(), daemon=True)

    def start(self) -> None:
        """Begin to serve, once everything that handlers need is there."""
        self._thread.start()

    def _serve(self) -> None:
        self.serve_forever(poll_interval=_LOOK_EVERY)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own; wait while there are too many."""
        while not self._places.acquire(timeout=_LOOK_EVERY):
            if self._closing:
                self.shutdown_request(request)
                return
            self._hang_up_on_strangers(self._stranger)
        self._strangers[request] = time.monotonic()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.is_known(request)
            self._places.release()

    def service_actions(self) -> None:
        """Look now and then at who has been here for long and shown nothing."""
        self._hang_up_on_strangers(self._patience)

    def is_known(self, request: socket.socket) -> None:
        """Note that whoever is at the other end of a connection has shown the secret."""
        self._strangers.pop(request, None)

    def _hang_up_on_strangers(self, seconds: float) -> None:
        latest = time.monotonic() - seconds
        for request, since in self._strangers.copy().items():
            if since < latest:
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop serving."""
        self._closing = True
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet about programs that hang up; the terminal may be somebody else's."""
