"""A relay in front of the gateway that lets one ask for keys fail when it is told to, and counts them."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from vendor.doors.forms import form_of
from vendor.errors import StoreUnavailable

_PASSED = {"authorization", "content-type", "accept", "user-agent"}


class Relay:
    """Where clients ask for keys."""

    def __init__(self, gateway: str) -> None:
        self.place = urlsplit(gateway)
        self.url = ""
        self.asks = 0
        self.failed = 0
        self.keys: set[str] = set()
        self._to_fail = 0
        self._lock = threading.Lock()

    def fail_once(self) -> None:
        """Answer the next ask as the door does while the store is away."""
        with self._lock:
            self._to_fail = 1

    def take(self) -> bool:
        """Count an ask; True if it is to fail."""
        with self._lock:
            self.asks += 1
            fails = self._to_fail > 0
            self._to_fail = 0
            self.failed += fails
            return fails


@contextmanager
def relaying(gateway: str) -> Iterator[Relay]:
    """Relay as long as the block lasts."""
    relay = Relay(gateway)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # the name is the base class's
            self._relay()

        def do_POST(self) -> None:  # the name is the base class's
            self._relay()

        def _relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if relay.take():
                refusal = form_of(urlsplit(self.path).path).answer(StoreUnavailable("Told to fail."), {"type": "http"})
                self._answer(refusal.status_code, refusal.headers["content-type"], bytes(refusal.body))
                return
            host, port = relay.place.hostname, relay.place.port
            assert host is not None
            connection = http.client.HTTPConnection(host, port, timeout=10)
            try:
                sent = {name: value for name, value in self.headers.items() if name.lower() in _PASSED}
                connection.request(self.command, self.path, body or None, sent)
                answer = connection.getresponse()
                content = answer.read()
                if answer.status == 201:  # a lease, with its first keys
                    relay.keys.add(json.loads(content)["credentials"]["access_key_id"])
                self._answer(answer.status, answer.headers.get("content-type", ""), content)
            finally:
                connection.close()

        def _answer(self, status: int, media: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", media)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        relay.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            server.shutdown()
            thread.join()
