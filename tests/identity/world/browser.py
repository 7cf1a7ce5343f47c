"""A person at a browser, as far as sign-in pages need one: follows redirects, fills in forms, stops at the client."""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2

CALLBACK = "http://127.0.0.1:9/callback"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Form(HTMLParser):
    """The first form of a page: where it goes, and its fields."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self._inside = False
        self._seen = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and not self._seen:
            self._inside = self._seen = True
            self.action = values.get("action", "")
        elif self._inside and tag in ("input", "button") and "name" in values:
            self.fields.setdefault(values["name"], values.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


class Browser:
    """One browser session of one person, who knows what to write into which field."""

    def __init__(self, knows: Mapping[str, str]) -> None:
        self._knows = knows
        self._web = httpx2.Client(trust_env=False, follow_redirects=False, timeout=20)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self._web.close()

    def visit(self, url: str) -> tuple[str, str]:
        """Go on from `url` until the client's callback or a page without a form; return the address and the page."""
        answer = self._web.get(url)
        for _ in range(20):
            if answer.is_redirect:
                url = urljoin(url, answer.headers["location"])
                if url.startswith(CALLBACK):
                    return url, ""
                answer = self._web.get(url)
                continue
            form = Form(answer.text)
            if answer.status_code >= 400 or form.action is None:
                return url, answer.text
            url = urljoin(url, form.action)
            filled = {name: self._knows.get(name, value) for name, value in form.fields.items()}
            answer = self._web.post(url, data=filled)
        raise AssertionError("the sign-in goes round in circles")


def discovered(issuer: str) -> dict[str, Any]:
    """The provider's discovery document."""
    with httpx2.Client(trust_env=False) as web:
        found: dict[str, Any] = web.get(f"{issuer}/.well-known/openid-configuration").raise_for_status().json()
    return found


def code_with_pkce(
    issuer: str, client_id: str, knows: Mapping[str, str], *, verifier: str | None = None, **more: str
) -> httpx2.Response:
    """Sign in by authorization code with PKCE, and return the token endpoint's answer.

    `verifier` is what the client shows at the end; by default the right one.
    """
    secret, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).rstrip(b"=").decode()
    where = discovered(issuer)
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "scope": "openid profile email",
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **more,
    }
    with Browser(knows) as browser:
        back, page = browser.visit(f"{where['authorization_endpoint']}?{httpx2.QueryParams(query)}")
    answer = parse_qs(urlsplit(back).query)
    assert answer.get("state") == [state], page[:2000]
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"][0],
        "redirect_uri": CALLBACK,
        "client_id": client_id,
        "code_verifier": verifier or secret,
        **({"resource": more["resource"]} if "resource" in more else {}),
    }
    with httpx2.Client(trust_env=False) as web:
        return web.post(where["token_endpoint"], data=form)


def device_flow(issuer: str, client_id: str, knows: Mapping[str, str], **more: str) -> dict[str, Any]:
    """Sign in by device flow, asking for the tokens before and after a person has agreed."""
    where = discovered(issuer)
    with httpx2.Client(trust_env=False) as web:
        asked = {"client_id": client_id, "scope": "openid profile email", **more}
        started = web.post(where["device_authorization_endpoint"], data=asked).raise_for_status().json()
        form = {"grant_type": DEVICE_GRANT, "device_code": started["device_code"], "client_id": client_id, **more}
        assert web.post(where["token_endpoint"], data=form).json()["error"] == "authorization_pending"
        address = started.get("verification_uri_complete") or started["verification_uri"]
        with Browser({"user_code": started["user_code"], "action": "authorize", **knows}) as browser:
            browser.visit(address)
        deadline = time.monotonic() + 30
        while True:
            answer = web.post(where["token_endpoint"], data=form)
            if answer.status_code == 200:
                tokens: dict[str, Any] = answer.json()
                return tokens
            assert answer.json()["error"] in ("authorization_pending", "slow_down"), answer.text
            assert time.monotonic() < deadline, answer.text
            time.sleep(started.get("interval", 1))
