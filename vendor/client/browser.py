"""Signing in with the browser of this machine: authorization code with PKCE and a loopback redirect (RFC 8252).

The code comes back to a server on 127.0.0.1 that lives for this one sign-in.  It takes the first answer that carries
our `state`; whatever else calls (a browser looking for an icon, another page, another program) changes nothing, and
cannot take all connections either.
"""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler
from typing import Final
from urllib.parse import parse_qs, urlsplit

from vendor.client.bounded import BoundedServer
from vendor.client.errors import SignInNeeded
from vendor.client.oidc import BrowserRequest, Provider, Tokens
from vendor.client.text import printable

PATH = "/callback"
WAIT = 300.0
"""Seconds that a person has for the sign-in."""
MOST_CONNECTIONS: Final = 16
STRANGER: Final = 1.0
"""Seconds for which a connection without our `state` keeps its place while others wait for one."""
PATIENCE: Final = 5.0
"""The same while nobody waits; a browser may connect before it has anything to ask."""
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>vend</title>'
    "<body style='font-family: sans-serif; margin: 4em'><h1>{title}</h1><p>{text}</p></body></html>"
)


def sign_in(
    provider: Provider,
    *,
    show: Callable[[str], None],
    wait: float = WAIT,
) -> Tokens:
    """Let a person sign in; `show` gets the address to open.  Raises SignInNeeded when it comes to nothing."""
    with closing(_Callback()) as callback:
        request = provider.begin_browser(callback.redirect_uri)
        callback.expect(request.state)
        show(request.url)
        return provider.finish_browser(request, _code(callback.wait(wait), provider, request))


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the provider sent back with the browser."""

    code: str | None = field(repr=False)
    error: str | None
    issuer: str | None


def _code(answer: _Answer | None, provider: Provider, request: BrowserRequest) -> str:
    if answer is None:
        raise SignInNeeded("Nobody signed in in time.", remedy="Run 'vend login' again, or 'vend login --device'.")
    if answer.issuer is not None and answer.issuer.rstrip("/") != provider.issuer:
        # RFC 9207: another provider's answer must not be redeemed here.
        raise SignInNeeded("The answer came from another identity provider.", remedy="Run 'vend login' again.")
    if answer.code is None:
        raise SignInNeeded(
            f"The sign-in was refused ({printable(answer.error or 'no code', 200)}).", remedy="Run 'vend login' again."
        )
    return answer.code


class _Callback(BoundedServer):
    def __init__(self) -> None:
        super().__init__(0, _Handler, most=MOST_CONNECTIONS, stranger=STRANGER, patience=PATIENCE)
        self._state: str | None = None
        self._answer: _Answer | None = None
        self._arrived = threading.Event()
        self.start()

    @property
    def redirect_uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{PATH}"

    def expect(self, state: str) -> None:
        self._state = state

    def offer(self, query: str) -> _Answer | None:
        """Take an answer if it is the one that is waited for."""
        said = {name: values[0] for name, values in parse_qs(query, max_num_fields=20).items() if len(values) == 1}
        if self._state is None or not compare_digest(said.get("state", "").encode(), self._state.encode()):
            return None
        if not self._arrived.is_set():
            self._answer = _Answer(said.get("code"), said.get("error"), said.get("iss"))
            self._arrived.set()
        return self._answer

    def wait(self, seconds: float) -> _Answer | None:
        end = time.monotonic() + seconds
        while not self._arrived.wait(0.2) and time.monotonic() < end:
            pass  # short waits, so that Ctrl-C is noticed everywhere
        return self._answer


class _Handler(BaseHTTPRequestHandler):
    server: _Callback
    server_version = "vend"
    sys_version = ""
    timeout = PATIENCE

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        try:
            answer = self.server.offer(target.query) if target.path == PATH else None
        except ValueError:  # too many members
            answer = None
        if answer is not None:
            self.server.is_known(self.connection)
        if answer is None:
            self._say(404, "Nothing here", "This page is only for the sign-in that 'vend login' has just started.")
        elif answer.code is None:
            self._say(200, "Not signed in", "The identity provider refused. See the terminal.")
        else:
            self._say(200, "Nearly done", "You can close this page and go back to the terminal.")

    def _say(self, status: int, title: str, text: str) -> None:
        content = _PAGE.format(title=title, text=text).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")  # the address of this page carries the code
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing: the request line carries the code."""
