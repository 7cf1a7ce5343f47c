"""Asking identity providers over HTTP, without letting them or the network hold the gateway up.

Every call has a connect and a total timeout, answers are cut off at a size while they are read, redirects are never
followed, proxies and netrc files of the environment are not used, and compressed answers are not accepted.  Addresses
come from the operator, or from a discovery document under the rules of `jwks`; never from a token.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aiohttp

from vendor.outgoing import open_session

CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 5.0
MAX_CONNECTIONS = 32
_CHUNK = 16 * 1024


class FetchFailed(Exception):
    """No usable answer.  The message says why, in words that are safe to log and to show."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer; what its status means is the caller's to say."""

    status: int
    body: bytes


class Fetcher:
    """One pool of connections, made when it is first used, inside the loop that runs then."""

    def __init__(self, *, connect_seconds: float = CONNECT_SECONDS, max_connections: int = MAX_CONNECTIONS) -> None:
        self._connect_seconds = connect_seconds
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def get(
        self,
        url: str,
        *,
        limit: int,
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        total_seconds: float = TOTAL_SECONDS,
    ) -> Answer:
        """GET `url` and return an answer of at most `limit` bytes.  Raises FetchFailed."""
        timeout = aiohttp.ClientTimeout(total=total_seconds, connect=min(self._connect_seconds, total_seconds))
        try:
            async with self._pool().get(
                url, headers=headers, timeout=timeout, allow_redirects=False, ssl=tls if tls is not None else True
            ) as response:
                return Answer(response.status, await _read(response, limit))
        except TimeoutError:
            raise FetchFailed("it did not answer in time") from None
        except aiohttp.ClientSSLError:
            raise FetchFailed("its certificate is not trusted") from None
        except aiohttp.ClientConnectionError:
            raise FetchFailed("it cannot be reached") from None
        except (aiohttp.ClientError, ValueError):  # the text of these may quote the answer
            raise FetchFailed("it did not answer in HTTP") from None

    async def close(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _pool(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            usual = aiohttp.ClientTimeout(total=TOTAL_SECONDS, connect=self._connect_seconds)
            self._session = open_session(self._max_connections, timeout=usual, headers={"accept": "application/json"})
        return self._session


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    if 300 <= response.status < 400:
        raise FetchFailed("it answered with a redirect, which is not followed")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchFailed("it answered in a compressed form that was not asked for")
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > limit:
            response.close()  # the rest is not worth draining
            raise FetchFailed(f"its answer is longer than {limit} bytes")
    return bytes(body)


def tls_context(ca_file: Path | None) -> ssl.SSLContext | None:
    """Return a context that trusts the authorities in `ca_file` and no others; None for the system's."""
    return None if ca_file is None else ssl.create_default_context(cafile=str(ca_file))


async def read_file(path: Path, limit: int) -> bytes:
    """Read a local file under the same limit as an answer.  Raises FetchFailed."""

    def read() -> bytes:
        with path.open("rb") as stream:
            return stream.read(limit + 1)

    try:
        data = await asyncio.to_thread(read)
    except OSError as problem:
        raise FetchFailed(f"{path.name} cannot be read: {problem.strerror}") from None
    if len(data) > limit:
        raise FetchFailed(f"{path.name} is longer than {limit} bytes")
    return data
