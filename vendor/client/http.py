"""One way to open an HTTP client: explicit timeouts, no redirects, answers of bounded size and duration.

The bounds are put under every response by a hook, so they hold for Authlib's clients (which are httpx2 clients) too.
"""

import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from vendor.client.address import ServiceUrl
from vendor.client.errors import BadAnswer, BadInput, Unavailable
from vendor.loopback import is_loopback

MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_ANSWER_SECONDS = 60.0
TIMEOUT = httpx2.Timeout(connect=5.0, read=30.0, write=10.0, pool=5.0)


def user_agent() -> str:
    """Return what this client calls itself; the audit trail of the gateway shows it."""
    try:
        return f"vend/{version('sts-vendor')}"
    except PackageNotFoundError:
        return "vend"


def options(base: ServiceUrl, *, asynchronous: bool = False, ca_file: Path | None = None) -> dict[str, Any]:
    """Return the keyword arguments that every httpx2 client of ours for `base` is opened with.

    The certificates in `ca_file` are trusted instead of the system's.  Raises BadInput if they cannot be read.
    """
    chosen: dict[str, Any] = {
        "timeout": TIMEOUT,
        "follow_redirects": False,  # a redirect could carry the token to another host
        "headers": {"accept": "application/json", "accept-encoding": "identity", "user-agent": user_agent()},
        "event_hooks": {"response": [_bound_async if asynchronous else _bound]},
    }
    if is_loopback(urlsplit(base).hostname or ""):
        # A proxy of the environment cannot reach our loopback; the environment's certificates still count there.
        chosen |= {"trust_env": False, "verify": _certificates(base)}
    if ca_file is not None:
        chosen["verify"] = _only(ca_file)
    return chosen


def _certificates(base: ServiceUrl) -> ssl.SSLContext:
    if base.startswith("https:"):
        try:
            return httpx2.create_ssl_context()
        except OSError as error:
            raise unusable_environment(error) from None
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody; reading the certificates would take 50 ms


def _only(ca_file: Path) -> ssl.SSLContext:
    try:
        if not ca_file.is_file():  # a pipe would be waited for
            raise FileNotFoundError
        return ssl.create_default_context(cafile=ca_file)
    except OSError:  # which ssl's errors are, too
        raise BadInput(
            f"The file of certificates {ca_file} cannot be used.",
            remedy="Name a PEM file with the certificates to trust.",
        ) from None


class _Meter:
    """Counts an answer while it arrives."""

    def __init__(self) -> None:
        self.left = MAX_ANSWER_BYTES
        self.deadline = time.monotonic() + MAX_ANSWER_SECONDS

    def take(self, chunk: bytes) -> bytes:
        self.left -= len(chunk)
        if self.left < 0:
            raise BadAnswer(f"The answer is longer than {MAX_ANSWER_BYTES} bytes.")
        if time.monotonic() > self.deadline:
            raise Unavailable(f"The answer took longer than {MAX_ANSWER_SECONDS:.0f} s to arrive.")
        return chunk


class _Bounded(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream) -> None:
        self._inner, self._meter = inner, _Meter()

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._inner:
            yield self._meter.take(chunk)

    def close(self) -> None:
        self._inner.close()


class _BoundedAsync(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner, self._meter = inner, _Meter()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            yield self._meter.take(chunk)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _refuse_encodings(response: httpx2.Response) -> None:
    # We asked for none; unpacking one would defeat the size limit.
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadAnswer("The answer came in a content encoding that was not asked for.")


def _bound(response: httpx2.Response) -> None:
    _refuse_encodings(response)
    if isinstance(response.stream, httpx2.SyncByteStream):
        response.stream = _Bounded(response.stream)


async def _bound_async(response: httpx2.Response) -> None:
    _refuse_encodings(response)
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _BoundedAsync(response.stream)


def explain(error: httpx2.HTTPError | httpx2.InvalidURL, base: str, *, what: str = "gateway") -> Unavailable:
    """Say in one sentence why `base` did not answer."""
    causes: tuple[tuple[type[Exception], Callable[[], str]], ...] = (
        (httpx2.ConnectTimeout, lambda: "did not answer in time"),
        (httpx2.ConnectError, lambda: _connect_cause(error)),
        (httpx2.TimeoutException, lambda: "did not answer in time"),
        (httpx2.ProxyError, lambda: "cannot be reached through the proxy of the environment"),
        (httpx2.UnsupportedProtocol, lambda: "has an address of an unknown kind"),
        (httpx2.RemoteProtocolError, lambda: "does not speak HTTP there, or hung up"),
    )
    cause = next((say() for kind, say in causes if isinstance(error, kind)), "hung up")
    return Unavailable(f"The {what} at {base} {cause}.")


def _connect_cause(error: Exception) -> str:
    text = str(error).lower()
    if "certificate" in text:
        return "shows a TLS certificate that this machine does not trust"
    if "ssl" in text or "tls" in text:
        return "does not speak TLS there"
    if "name or service" in text or "nodename" in text or "name resolution" in text:
        return "has a host name that cannot be found"
    if "refused" in text:
        return "refuses connections"
    return "cannot be reached"


def unusable_environment(error: Exception) -> BadInput:
    """Explain a client that cannot even be opened, which is always something that the environment names."""
    if isinstance(error, OSError):
        return BadInput(
            "The certificates that the environment names cannot be read.",
            remedy="Correct or unset SSL_CERT_FILE and SSL_CERT_DIR.",
        )
    kind = "needs SOCKS, which is not supported" if isinstance(error, ImportError) else "is not usable"
    return BadInput(
        f"The proxy in the environment {kind}.", remedy="Correct or unset HTTP_PROXY, HTTPS_PROXY and ALL_PROXY."
    )
