"""Signing in at an OpenID Connect provider as a public client: device flow, refresh, sign-out.

Authlib does the protocol.  This module keeps it inside our bounds (https, no redirects, limited answers) and turns
its failures into ours.  Tokens are not verified here: they go to the gateway, and it verifies them.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self, get_args

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client

from vendor.client import http
from vendor.client.address import ServiceUrl, parse_service_url
from vendor.client.answers import IssuerHint, TokenKind
from vendor.client.errors import BadAnswer, ClientError, SignInNeeded, Unavailable
from vendor.client.text import printable
from vendor.client.tokens import parse_token, unverified_claims
from vendor.secret import RawToken, Secret
from vendor.times import Clock

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_WHAT = "identity provider"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in brought: one or two tokens that the gateway may take, and perhaps one that gets the next."""

    found: Mapping[TokenKind, RawToken]
    refresh_token: Secret | None
    expires_in: int | None


@dataclass(frozen=True, slots=True)
class DevicePrompt:
    """What to show a person who signs in on another device; times are in seconds."""

    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    device_code: Secret
    interval: float
    expires_in: float


@dataclass(frozen=True, slots=True)
class BrowserRequest:
    """A sign-in that has begun in a browser: the address to open, and what its answer has to fit."""

    url: str = field(repr=False)
    redirect_uri: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: Secret


class Provider:
    """One identity provider, discovered, with its HTTP client."""

    def __init__(self, hint: IssuerHint, *, insecure_http: bool = False) -> None:
        self.hint = hint
        self._insecure_http = insecure_http
        self.issuer = parse_service_url(hint.issuer, insecure_http=insecure_http, what="issuer")
        try:
            self._oauth: Any = OAuth2Client(
                client_id=hint.client_id,
                token_endpoint_auth_method="none",  # noqa: S106 - a public client has no secret
                code_challenge_method="S256",
                **http.options(self.issuer),
            )
        except (ImportError, ValueError) as error:
            raise http.unusable_environment(error) from None
        self._metadata = self._discover()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._oauth.close()

    def _discover(self) -> dict[str, Any]:
        with self._mapped():
            response = self._oauth.request(
                "GET", f"{self.issuer}/.well-known/openid-configuration", withhold_token=True
            )
        metadata = _object(response, self.issuer)
        if str(metadata.get("issuer", "")).rstrip("/") != self.issuer:
            # Otherwise one provider could speak for another (RFC 8414, section 3.3).
            raise BadAnswer(f"The {_WHAT} at {self.issuer} calls itself {printable(str(metadata.get('issuer')))}.")
        return metadata

    def endpoint(self, name: str) -> ServiceUrl | None:
        """Return one of the provider's addresses, checked, or None if it has none of that name."""
        value = self._metadata.get(name)
        if not isinstance(value, str) or not value:
            return None
        return parse_service_url(value, insecure_http=self._insecure_http, what=f"provider's {name}")

    def _token_endpoint(self) -> ServiceUrl:
        endpoint = self.endpoint("token_endpoint")
        if endpoint is None:
            raise BadAnswer(f"The {_WHAT} at {self.issuer} names no token endpoint.")
        return endpoint

    def begin_device(self) -> DevicePrompt:
        """Start a device sign-in (RFC 8628) and return what to show."""
        endpoint = self.endpoint("device_authorization_endpoint")
        if endpoint is None:
            raise SignInNeeded(
                f"The {_WHAT} at {self.issuer} has no device sign-in.",
                remedy="Sign in with the browser on this machine, or hand a token in with 'vend login --token -'.",
            )
        data = {"client_id": self.hint.client_id, "scope": " ".join(self.hint.scopes)}
        with self._mapped():
            response = self._oauth.request("POST", endpoint, data=data, withhold_token=True)
        return _prompt(_object(response, self.issuer))

    def finish_device(
        self,
        prompt: DevicePrompt,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Clock = time.monotonic,
    ) -> Tokens:
        """Wait until the person has confirmed, as slowly as the provider asks, and return the tokens."""
        end, pause = clock() + prompt.expires_in, prompt.interval
        while clock() + pause < end:
            sleep(pause)
            try:
                return self._fetch(grant_type=DEVICE_GRANT, device_code=prompt.device_code.reveal())
            except OAuthError as error:
                pause += _more_patience(error)
            except BadAnswer:
                raise
            except Unavailable:
                pause = min(pause * 2, 60.0)  # RFC 8628, section 3.5: back off when the connection fails
        raise SignInNeeded("Nobody confirmed the code in time.", remedy="Run 'vend login' again.")

    def begin_browser(self, redirect_uri: str) -> BrowserRequest:
        """Start a sign-in with authorization code and PKCE (RFC 7636)."""
        endpoint = self.endpoint("authorization_endpoint")
        if endpoint is None:
            raise SignInNeeded(f"The {_WHAT} at {self.issuer} has no sign-in by browser.", remedy="Use --device.")
        verifier, state, nonce = (secrets.token_urlsafe(48) for _ in range(3))
        url, _state = self._oauth.create_authorization_url(
            endpoint,
            state=state,
            code_verifier=verifier,
            nonce=nonce,
            redirect_uri=redirect_uri,
            scope=" ".join(self.hint.scopes),
        )
        return BrowserRequest(url, redirect_uri, state, nonce, Secret(verifier))

    def finish_browser(self, request: BrowserRequest, code: str) -> Tokens:
        """Redeem the code that came back."""
        try:
            with self._mapped():
                answer = self._oauth.fetch_token(
                    self._token_endpoint(),
                    grant_type="authorization_code",
                    code=code,
                    redirect_uri=request.redirect_uri,
                    code_verifier=request.verifier.reveal(),
                )
        except OAuthError as error:
            raise SignInNeeded(f"The {_WHAT} refused the sign-in ({_said(error)}).") from None
        id_token = answer.get("id_token")
        if isinstance(id_token, str) and unverified_claims(id_token).get("nonce") != request.nonce:
            raise BadAnswer(f"The {_WHAT} at {self.issuer} answered for another sign-in.")
        return self._read(answer)

    def refresh(self, refresh_token: Secret) -> Tokens:
        """Get a new token.  Raises SignInNeeded if the provider has ended the sign-in."""
        try:
            with self._mapped():
                answer = self._oauth.refresh_token(self._token_endpoint(), refresh_token=refresh_token.reveal())
            return self._read(answer)
        except OAuthError as error:
            raise SignInNeeded(f"Your sign-in has ended ({_said(error)}).", remedy="Run 'vend login' again.") from None

    def revoke(self, refresh_token: Secret) -> bool:
        """End the sign-in at the provider (RFC 7009); say whether it knows how to."""
        endpoint = self.endpoint("revocation_endpoint")
        if endpoint is None:
            return False
        data = {
            "token": refresh_token.reveal(),
            "token_type_hint": "refresh_token",
            "client_id": self.hint.client_id,
        }
        with self._mapped():
            response = self._oauth.request("POST", endpoint, data=data, withhold_token=True)
        return bool(response.status_code == 200)

    def _fetch(self, **parameters: str) -> Tokens:
        with self._mapped():
            answer = self._oauth.fetch_token(self._token_endpoint(), **parameters)
        return self._read(answer)

    def _read(self, answer: dict[str, Any]) -> Tokens:
        kinds: tuple[TokenKind, ...] = (self.hint.token,) if self.hint.token else get_args(TokenKind)
        found = {kind: parse_token(text, f"the {_WHAT}") for kind in kinds if isinstance(text := answer.get(kind), str)}
        if not found:
            raise BadAnswer(f"The {_WHAT} at {self.issuer} sent no {' and no '.join(kinds)}.")
        refresh = answer.get("refresh_token")
        seconds = answer.get("expires_in")
        return Tokens(
            found,
            Secret(refresh) if isinstance(refresh, str) and refresh else None,
            seconds if isinstance(seconds, int) and not isinstance(seconds, bool) else None,
        )

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except ClientError:
            raise
        except httpx2.HTTPStatusError as error:
            raise Unavailable(f"The {_WHAT} at {self.issuer} answered {error.response.status_code}.") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise http.explain(error, self.issuer, what=_WHAT) from None
        except ValueError:
            raise BadAnswer(f"The {_WHAT} at {self.issuer} did not answer with JSON.") from None


def _more_patience(error: OAuthError) -> float:
    """Return by how much to slow down, or raise if waiting is in vain (RFC 8628, section 3.5)."""
    if error.error == "authorization_pending":
        return 0.0
    if error.error == "slow_down":
        return 5.0
    if error.error == "access_denied":
        raise SignInNeeded("The sign-in was denied.", remedy="Run 'vend login' again.") from None
    if error.error == "expired_token":
        raise SignInNeeded("Nobody confirmed the code in time.", remedy="Run 'vend login' again.") from None
    raise SignInNeeded(f"The {_WHAT} refused the sign-in ({_said(error)}).") from None


def _prompt(answer: dict[str, Any]) -> DevicePrompt:
    uri, complete = answer.get("verification_uri"), answer.get("verification_uri_complete")
    code, device_code = answer.get("user_code"), answer.get("device_code")
    if not all(isinstance(text, str) and text for text in (uri, code, device_code)):
        raise BadAnswer(f"The {_WHAT} did not start a device sign-in as it should.")
    return DevicePrompt(
        user_code=printable(str(code), 40),
        verification_uri=_web_page(str(uri)),
        verification_uri_complete=_web_page(complete) if isinstance(complete, str) and complete else None,
        device_code=Secret(str(device_code)),
        interval=_seconds(answer.get("interval"), default=5.0, least=1.0, most=60.0),
        expires_in=_seconds(answer.get("expires_in"), default=600.0, least=1.0, most=3600.0),
    )


def _web_page(text: str) -> str:
    if not text.startswith(("https://", "http://")) or any(not 0x21 <= ord(character) <= 0x7E for character in text):
        raise BadAnswer(f"The {_WHAT} named a sign-in page that is not a web address.")
    return text


def _seconds(value: object, *, default: float, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return min(max(float(value), least), most)


def _object(response: httpx2.Response, base: str) -> dict[str, Any]:
    try:
        value = response.json()
    except (ValueError, RecursionError):
        value = None
    if response.status_code >= 500:
        raise Unavailable(f"The {_WHAT} at {base} answered {response.status_code}.")
    if isinstance(value, dict) and "error" in value:
        raise SignInNeeded(
            f"The {_WHAT} at {base} refused ({printable(str(value['error']), 80)}).",
            remedy="Check the client id; the operator of the gateway knows the right one.",
        )
    if response.status_code != 200 or not isinstance(value, dict):
        raise BadAnswer(f"The {_WHAT} at {base} did not answer as one (status {response.status_code}).")
    return value


def _said(error: OAuthError) -> str:
    return printable(": ".join(str(part) for part in (error.error, error.description) if part), 200)
