"""One POST to a store's STS endpoint, with bounds on time and size.

Never redirected, never through a proxy from the environment.  Tried once more only where there was no connection, as
while a store restarts: nothing was sent.  Any other call may have issued keys, and asking again would issue more.
"""

import asyncio
import random
from collections.abc import Mapping
from typing import Final

import aiohttp
from yarl import URL

from vendor.errors import StoreRefused, StoreUnavailable
from vendor.outgoing import open_session
from vendor.stores.credentials import Credentials
from vendor.stores.xml import parse_credentials, parse_error_code

TIMEOUT: Final = aiohttp.ClientTimeout(total=10.0, connect=2.0)
MAX_ANSWER: Final = 256 * 1024
CONNECTIONS: Final = 64
FORM: Final = "application/x-www-form-urlencoded"
_PROBE: Final = aiohttp.ClientTimeout(total=2.0)
_THROTTLED: Final = frozenset({"SlowDown", "Throttling", "ThrottlingException", "TooManyRequests"})

_PAUSE: Final = (0.05, 0.25)  # seconds before a connection is tried once more


class _NotSentError(Exception):
    """There was no connection, so the store cannot have heard of the call."""


def encoded(form: Mapping[str, str]) -> str:
    """Write a form as it is sent: as urllib does, but in C, and with commas and slashes as they are.

    Raises UnicodeEncodeError for halves of characters, which the C code would leave out: a policy would be another one.
    """
    "".join((*form, *form.values())).encode()
    return URL.build(query=form).raw_query_string


class Wire:
    """A pool of connections to one store."""

    def __init__(self, endpoint: str, timeout: aiohttp.ClientTimeout = TIMEOUT) -> None:
        self._timeout = timeout
        self._url = endpoint.rstrip("/") + "/"
        self._session: aiohttp.ClientSession | None = None
        self.refused = 0
        """How many connections did not come about, since the start."""

    @property
    def url(self) -> str:
        """Where the calls go."""
        return self._url

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def post(self, form: str, headers: Mapping[str, str] | None = None) -> Credentials:
        """Send one STS call, an encoded form, and return the credentials of its answer.

        Raises StoreUnavailable when the store is away, overloaded or broken, StoreRefused when it says no or answers
        something that cannot be used.
        """
        status, body = await self._exchange(form, headers or {"content-type": FORM})
        if status == 200:
            return parse_credentials(body)
        code = parse_error_code(body)
        if status >= 500 or status == 429 or code in _THROTTLED:
            raise StoreUnavailable(f"The store cannot issue keys at the moment ({status} {code}).")
        raise StoreRefused(f"The store refused to issue keys ({status} {code}).", details={"store_code": code})

    async def answers(self) -> bool:
        """Say whether anything that speaks HTTP is there; a refusal counts as an answer."""
        try:
            async with self._open().get(self._url, allow_redirects=False, timeout=_PROBE) as answer:
                return answer.status < 500
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def _exchange(self, body: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        try:
            return await self._exchange_once(body, headers)
        except _NotSentError:
            await asyncio.sleep(random.uniform(*_PAUSE))  # noqa: S311 - spreads those who were refused together
        try:
            return await self._exchange_once(body, headers)
        except _NotSentError as failure:
            raise StoreUnavailable("The store does not answer (no connection).") from failure

    async def _exchange_once(self, body: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        try:
            async with self._open().post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
                content = await answer.content.read(MAX_ANSWER + 1)
                while len(content) <= MAX_ANSWER and not answer.content.at_eof():
                    content += await answer.content.read(MAX_ANSWER + 1 - len(content))
                status = answer.status
        except aiohttp.ClientConnectorError as failure:
            self.refused += 1
            raise _NotSentError from failure
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            raise StoreUnavailable(f"The store does not answer ({type(failure).__name__}).") from failure
        if len(content) > MAX_ANSWER:
            raise StoreRefused("The store's answer is too long.")
        return status, content

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = open_session(CONNECTIONS, timeout=self._timeout, idle=30)
        return self._session
