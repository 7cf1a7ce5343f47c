"""The few HTTP calls the development stack makes itself: to loopback, never through a proxy, never redirected."""

from collections.abc import Mapping

import httpx2

SECONDS = 10.0


def client(base_url: str = "", *, token: str | None = None) -> httpx2.Client:
    """Return a client for one server; with `token` it speaks as its holder."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx2.Client(base_url=base_url, headers=headers, timeout=SECONDS, trust_env=False, follow_redirects=False)


def answers(url: str, headers: Mapping[str, str] | None = None) -> bool:
    """Say whether a GET of `url` gives 200 at this moment."""
    try:
        with client() as web:
            return web.get(url, headers=dict(headers or {}), timeout=2.0).status_code == 200
    except httpx2.HTTPError:
        return False
