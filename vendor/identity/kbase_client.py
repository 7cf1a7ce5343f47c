"""What the KBase auth service says of a token: its two calls, and what their answers mean.

Only a JSON answer of KBase's own counts as a verdict on the token.  Everything else (slow, 5xx, HTML of a proxy, half
an answer) is a failure of the service, and says nothing about the caller.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vendor.errors import IdentityProviderUnavailable, RoleRequired
from vendor.identity.claims import refused
from vendor.identity.fetch import Answer, Fetcher, FetchFailed, tls_context
from vendor.identity.trust_shape import KBase
from vendor.secret import RawToken
from vendor.strict_json import BadJson, parse_object

MAX_ANSWER_BYTES = 256 * 1024
_MAX_ROLES = 1000
_CLIENT_ERRORS = frozenset({400, 401})  # 400: a token that KBase cannot even read


@dataclass(frozen=True, slots=True)
class KBaseLogin:
    """A token that KBase vouches for, and the user it stands for.  Times are seconds since the epoch."""

    user: str
    token_type: str
    expires_at: float
    cache_seconds: float | None
    mfa: str | None
    roles: frozenset[str]
    display_name: str | None
    email: str | None


class KBaseClient:
    """Asks `api/V2/token` and `api/V2/me`, with the raw token in the Authorization header as KBase wants it."""

    def __init__(self, kbase: KBase, *, folder: Path, fetcher: Fetcher) -> None:
        self._kbase = kbase
        self._base = kbase.url.rstrip("/") + "/"
        self._fetcher = fetcher
        self._tls = tls_context(folder / kbase.ca_file if kbase.ca_file else None)

    async def login(self, token: RawToken) -> KBaseLogin:
        """Return what KBase says of `token`.  Raises InvalidToken, RoleRequired or IdentityProviderUnavailable."""
        about = await self._ask("api/V2/token", token)
        me = await self._ask("api/V2/me", token)
        login = _login(about, me)
        if login is None:
            raise self.unavailable("its answer is not what was agreed")
        return login

    async def answers(self) -> bool:
        """Say whether the service is there and is what it should be."""
        try:
            answer = await self._get("", {})
            return answer.status == 200 and parse_object(answer.body).get("servicename") == "Authentication Service"
        except (FetchFailed, BadJson):
            return False

    def unavailable(self, why: str) -> IdentityProviderUnavailable:
        """Return the failure of the service."""
        return IdentityProviderUnavailable(f"The KBase auth service ({self._kbase.name}) cannot be asked: {why}.")

    async def _ask(self, path: str, token: RawToken) -> dict[str, object]:
        try:
            answer = await self._get(path, {"Authorization": token.reveal()})
            body = parse_object(answer.body)
        except FetchFailed as problem:
            raise self.unavailable(str(problem)) from None
        except BadJson:
            raise self.unavailable("its answer is not JSON") from None
        if answer.status == 200:
            return body
        error = body.get("error")
        if isinstance(error, Mapping) and answer.status in _CLIENT_ERRORS:
            raise refused("kbase", "KBase does not accept the token.")
        if isinstance(error, Mapping) and answer.status == 403:
            text = "KBase refuses this account."
            raise RoleRequired(text, remedy="Ask KBase about the account.", details={"reason": "kbase_account"})
        raise self.unavailable(f"it answered with status {answer.status}")

    async def _get(self, path: str, headers: Mapping[str, str]) -> Answer:
        return await self._fetcher.get(
            self._base + path,
            limit=MAX_ANSWER_BYTES,
            headers=headers,
            tls=self._tls,
            total_seconds=self._kbase.timeout_seconds,
        )


def _login(about: Mapping[str, object], me: Mapping[str, object]) -> KBaseLogin | None:
    """Put the two answers together; None if they lack what was agreed, or are about two users."""
    user, expires, roles = about.get("user"), about.get("expires"), me.get("customroles", [])
    cache = about.get("cachefor")
    if not isinstance(user, str) or not user or me.get("user") != user:
        return None
    if type(expires) is not int or not 0 <= expires < 2**53:
        return None
    if not isinstance(roles, list) or len(roles) > _MAX_ROLES or not all(isinstance(role, str) for role in roles):
        return None
    return KBaseLogin(
        user=user,
        token_type=_text(about.get("type")) or "",
        expires_at=expires / 1000,
        cache_seconds=cache / 1000 if type(cache) is int and cache >= 0 else None,
        mfa=_text(about.get("mfa")),
        roles=frozenset(roles),
        display_name=_text(me.get("display")),
        email=_text(me.get("email")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and 1 <= len(value) <= 200 and value.isprintable() else None
