"""The endpoint: takes requests signed with a pair that never changes, and passes them on signed with a lease.

It listens on 127.0.0.1 alone.  Bodies stream through in pieces.  What the lease allows is for the store to say; what
is not signed in headers (presigned addresses, forms, other versions) is refused here.
"""

import contextlib
import http.client
import time
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Final, Protocol
from xml.sax.saxutils import escape

from vendor.client import tools
from vendor.client.answers import Vended
from vendor.client.bounded import BoundedServer
from vendor.client.errors import ClientError, GatewayError
from vendor.client.text import printable
from vendor.integrations.proxy import chunks, sigv4
from vendor.integrations.proxy.chunks import Limited
from vendor.integrations.proxy.sigv4 import Pair, Signed, Unacceptable
from vendor.integrations.proxy.upstream import Upstream
from vendor.secret import SecretKey
from vendor.times import Clock

MOST_CONNECTIONS: Final = 256
STRANGER: Final = 5.0
"""Seconds for which a connection that has not shown the pair yet keeps its place while others wait for one."""
PATIENCE: Final = 60.0
"""The same while nobody waits."""
MOST_DRAINED: Final = 1024 * 1024
STATUS: Final = {"IncompleteBody": 400, "MissingContentLength": 411, "NotImplemented": 501, "ServiceUnavailable": 503}
"""Of S3's error codes; all others are 403."""
_UNSIGNED_TRAILER: Final = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_DECODED: Final = frozenset({chunks.SIGNED, chunks.SIGNED_TRAILER})
_PASSED: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-md5",
        "content-type",
        "expires",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-unmodified-since",
        "range",
        "user-agent",
    }
)
_REPLACED: Final = frozenset({"x-amz-date", "x-amz-content-sha256", "x-amz-security-token"})
_OF_CHUNKS: Final = frozenset({"x-amz-decoded-content-length", "x-amz-trailer"})
_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "date", "server"})


class Holder(Protocol):
    """Whoever holds living keys, such as a `Keeper`."""

    def current(self, wait: float = ..., /) -> Vended:
        """Return them.  Raises ClientError when there are none."""


class Proxy(BoundedServer):
    """The endpoint.  It serves in a thread from the moment it is made until `close`.

    Nobody without the pair may keep others from it, nor us from ending.
    """

    def __init__(self, holder: Holder, pair: Pair, port: int = 0, *, clock: Clock = time.time) -> None:
        super().__init__(port, _Handler, most=MOST_CONNECTIONS, stranger=STRANGER, patience=PATIENCE)
        self.holder = holder
        self.pair = pair
        self.clock = clock
        self.start()

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"
    server_version = "vend"
    sys_version = ""
    timeout = 60.0
    upstream: Upstream | None = None
    upstream_url = ""
    body: Limited

    def _pass_on(self) -> None:
        try:
            self._passed_on()
        except Unacceptable as refused:
            self._refuse(refused.code, str(refused))
        except ClientError as error:
            over = isinstance(error, GatewayError) and error.status < 500
            self._refuse("AccessDenied" if over else "ServiceUnavailable", str(error))
        except (OSError, http.client.HTTPException) as error:
            self._refuse("ServiceUnavailable", f"The store cannot be reached ({type(error).__name__}).")

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on  # noqa: N815 - the names that the base class looks for

    def _passed_on(self) -> None:
        self.body = Limited(self.rfile, 0)
        headers = sigv4.lower(self.headers.items())
        if not self.path.startswith("/") or not self.path.isascii() or "transfer-encoding" in self.headers:
            raise Unacceptable("NotImplemented", "This form of a request is not taken.")
        length = self._length()
        signed = sigv4.check(self.server.pair, self.command, self.path, headers, self.server.clock())
        self.server.is_known(self.connection)
        vended = self.server.holder.current()
        upstream = self._upstream(vended.endpoint.url)
        payload, onward, body = self._onward(headers, signed, length)
        path, _, query = self.path.partition("?")
        target = sigv4.canonical_path(path) + (f"?{query}" if query else "")
        key, secret, token = tools.keys(vended)
        lease = Pair(key, SecretKey(secret))
        region = vended.endpoint.region
        if "100-continue" in self.headers.get("expect", "").lower():
            self.send_response_only(100)
            self.end_headers()
        answer = upstream.send(
            self.command,
            target,
            sigv4.signed(
                lease,
                token,
                region,
                self.command,
                target,
                [("host", upstream.host), *onward],
                payload,
                self.server.clock(),
            ),
            body,
        )
        self._answer(answer)

    def _length(self) -> int:
        text = self.headers.get("content-length", "")
        if not text and self.command not in {"PUT", "POST"}:
            return 0
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise Unacceptable("MissingContentLength", "The length of the body has to be said before.")
        self.body = Limited(self.rfile, int(text))
        return int(text)

    def _onward(
        self, headers: sigv4.Headers, signed: Signed, length: int
    ) -> tuple[str, list[tuple[str, str]], Iterable[bytes] | None]:
        """Return how the body is signed for the store, the headers that go there, and the body."""
        onward = [
            (name, value)
            for name, value in headers
            if name in _PASSED or (name.startswith("x-amz-") and name not in _REPLACED)
        ]
        payload = signed.payload
        has_body = self.command in {"PUT", "POST"} or length > 0
        body: Iterator[bytes] | None = self.body.pieces() if has_body else None
        if payload in _DECODED:
            length = self._decoded_length()
            onward = [_without_chunks(header) for header in onward if header[0] not in _OF_CHUNKS]
            onward = [header for header in onward if header[1]]
            payload, body = sigv4.UNSIGNED, chunks.decoded(self.body, signed, length)
        elif payload.startswith("STREAMING-") and payload != _UNSIGNED_TRAILER:
            raise Unacceptable("NotImplemented", "This way of signing a body is not known here.")
        if has_body:
            onward.append(("content-length", str(length)))
        return payload, onward, body

    def _decoded_length(self) -> int:
        text = self.headers.get("x-amz-decoded-content-length", "")
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise Unacceptable("MissingContentLength", "The length of the decoded body has to be said before.")
        return int(text)

    def _upstream(self, url: str) -> Upstream:
        if self.upstream is None or self.upstream_url != url:
            self._hang_up()
            self.upstream, self.upstream_url = Upstream(url), url
        return self.upstream

    def _answer(self, answer: http.client.HTTPResponse) -> None:
        self.send_response_only(answer.status, answer.reason)
        length = answer.headers.get("content-length")
        for name, value in answer.headers.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        empty = self.command == "HEAD" or answer.status in {204, 304}
        if not empty and length is None:
            self.send_header("transfer-encoding", "chunked")
        if self.body.left:
            self.close_connection = True  # the store answered before the end of the body
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        try:
            while not empty and (piece := answer.read(chunks.PIECE)):
                self.wfile.write(piece if length is not None else b"%x\r\n%s\r\n" % (len(piece), piece))
            if not empty and length is None:
                self.wfile.write(b"0\r\n\r\n")
            answer.read()
        except (OSError, http.client.HTTPException):
            self._hang_up()  # too late for an error of ours: the program sees that the answer is cut
            self.close_connection = True

    def _refuse(self, code: str, message: str) -> None:
        self._hang_up()  # a request that was cut short must not become a good one
        self.close_connection = True
        text = f"<Error><Code>{code}</Code><Message>{escape(printable(message))}</Message></Error>"
        content = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
        self.send_response_only(STATUS.get(code, 403))
        self.send_header("content-type", "application/xml")
        self.send_header("content-length", str(len(content)))
        self.send_header("connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self._drain()

    def _drain(self) -> None:
        """Take a little of what the program still sends: a connection that is cut at once may swallow our answer."""
        if "expect" in self.headers:
            return
        self.body.left = min(self.body.left, MOST_DRAINED)
        with contextlib.suppress(OSError):
            for _ in self.body.pieces():
                pass

    def _hang_up(self) -> None:
        if self.upstream is not None:
            self.upstream.close()
            self.upstream = None

    def handle_expect_100(self) -> bool:
        """Say 'go on' only once the signature was found right."""
        return True

    def finish(self) -> None:
        self._hang_up()
        super().finish()

    def log_message(self, *_: object) -> None:
        """Say nothing: what programs ask for is theirs, and the terminal may be somebody else's."""


def _without_chunks(header: tuple[str, str]) -> tuple[str, str]:
    """Return a header without `aws-chunked`, which the body is not any more."""
    name, value = header
    if name != "content-encoding":
        return header
    kept = [part.strip() for part in value.split(",") if part.strip().lower() != "aws-chunked"]
    return name, ",".join(kept)
