"""One connection to the store, kept open between requests."""

import http.client
import ssl
import time
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

TIMEOUT: Final = 60.0  # seconds in which the store has to do something
FRESH: Final = 2.0  # seconds for which an idle connection is trusted with a body, which cannot be sent twice


class Upstream:
    """Belongs to one thread."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc
        if parts.scheme == "https":
            context = ssl.create_default_context()
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                parts.netloc, timeout=TIMEOUT, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT)
        self._used = 0.0

    def send(
        self, method: str, target: str, headers: Iterable[tuple[str, str]], body: Iterable[bytes] | None
    ) -> http.client.HTTPResponse:
        """Send one request and return the answer, whose body is still to be read.  Raises OSError, HTTPException."""
        headers = list(headers)
        if body is not None and time.monotonic() - self._used > FRESH:
            self.close()
        was_open = self._connection.sock is not None
        try:
            return self._sent(method, target, headers, body)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            if body is not None or not was_open:
                raise
            self.close()  # the store closed an idle connection just now
            return self._sent(method, target, headers, None)

    def _sent(
        self, method: str, target: str, headers: list[tuple[str, str]], body: Iterable[bytes] | None
    ) -> http.client.HTTPResponse:
        connection = self._connection
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        refused_early = False
        for piece in body or ():
            if not refused_early:
                try:
                    connection.send(piece)
                except (BrokenPipeError, ConnectionResetError):
                    refused_early = True  # it has said no; the rest is taken from the program, and goes nowhere
        self._used = time.monotonic()
        return connection.getresponse()

    def close(self) -> None:
        """Hang up; the next request connects again."""
        self._connection.close()
