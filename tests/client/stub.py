"""A web server that answers whatever a test wants, for what no real gateway or provider ever says."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Seen:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int = 200
    body: object = b""
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Stub:
    """Where it listens, what it has seen, and what it says next."""

    url: str
    answer: Callable[[Seen], Reply]
    seen: list[Seen] = field(default_factory=list)

    def says(self, status: int = 200, body: object = b"", kind: str = "application/json", **headers: str) -> None:
        """Answer everything the same from now on."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = lambda _seen: Reply(status, body, kind, names)


@contextmanager
def stub_server(tls: ssl.SSLContext | None = None) -> Iterator[Stub]:
    """Run one, over TLS if there is a context for it."""
    made = Stub("", lambda _seen: Reply(404))

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            seen = Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            made.seen.append(seen)
            reply = made.answer(seen)
            self.send_response_only(reply.status)  # without a Date of its own
            self.send_header("content-type", reply.kind)
            self.send_header("content-length", str(len(reply.content)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.content)

        do_GET = do_POST = do_DELETE = do_PUT = _serve  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = _Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what some tests are about."""
