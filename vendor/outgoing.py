"""HTTP sessions for calls that the gateway makes: nothing of the environment, no cookies, no compression.

A proxy that the environment names would see tokens and keys; what is not decompressed cannot burst.  Redirects are
switched off with each call, since a session cannot.
"""

from collections.abc import Mapping
from typing import Final

import aiohttp

_IDLE_SECONDS: Final = 15.0


def open_session(
    connections: int,
    *,
    timeout: aiohttp.ClientTimeout,
    idle: float = _IDLE_SECONDS,
    headers: Mapping[str, str] | None = None,
) -> aiohttp.ClientSession:
    """Return a session of at most `connections`, which are kept for `idle` seconds; `headers` go with every call."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=idle),
        timeout=timeout,
        trust_env=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"user-agent": "vendor", "accept-encoding": "identity", **(headers or {})},
    )
