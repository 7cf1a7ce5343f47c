"""A running gateway as a client sees it."""

from typing import Any

import httpx2

from tests.support.contract import held
from vendor.dev.stack import Stack
from vendor.dev.store import KeyPair, s3_client


class Api:
    """HTTP calls to one gateway, for one token."""

    def __init__(self, url: str, token: str | None) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._web = httpx2.Client(base_url=url, headers=headers, trust_env=False, timeout=20)

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self._web.close()

    def call(self, method: str, path: str, body: object = None, **more: Any) -> httpx2.Response:
        """Send one request; `body` becomes JSON.  An answer that the API's document does not tell of is a failure."""
        if body is not None:
            more["json"] = body
        return held(self._web.request(method, path, **more))

    def lease(self, *scope: tuple[str, str], **members: object) -> dict[str, Any]:
        """Ask for a lease on (path, access) pairs, or on everything, and return the answer."""
        body: dict[str, object] = dict(members)
        if scope:
            body["scope"] = [{"path": path, "access": access} for path, access in scope]
        answer = self.call("POST", "/v1/leases", body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def refusal(self, method: str, path: str, body: object = None, **more: Any) -> tuple[int, str]:
        """Send a request that must be refused and return its status and code."""
        answer = self.call(method, path, body, **more)
        assert answer.status_code >= 400, answer.text
        error = answer.json()["error"]
        assert error["message"]
        assert error["remedy"]
        assert error["request_id"] == answer.headers["x-request-id"]
        return answer.status_code, error["code"]


def api(stack: Stack, user: str | None, *, url: str | None = None) -> Api:
    """Return calls to a stack's gateway (or another one's `url`) as one of its users; None for nobody."""
    return Api(url or stack.gateway.url, stack.tokens[user] if user else None)


def s3_of(lease: dict[str, Any]) -> Any:
    """Return a plain S3 client with the keys of a lease."""
    keys = lease["credentials"]
    pair = KeyPair(keys["access_key_id"], keys["secret_access_key"])
    return s3_client(lease["endpoint"]["url"], pair, keys["session_token"])
