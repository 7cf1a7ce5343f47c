"""KBase tokens to principals, with a short memory so that KBase is not asked for every request.

The memory is keyed by the token's SHA-256 and never holds the token.  A good answer is used for `cache_seconds` at
most, less if KBase says so (`cachefor`) or the token ends before; that is also how long a token that was revoked, or a
role that was taken away, may go on working in one process.  A refusal is remembered for `negative_cache_seconds`.
Failures of the service are never remembered.
"""

import asyncio
import hashlib
import re
import time
from pathlib import Path

from vendor.errors import ExpiredToken, InvalidToken, RoleRequired, VendError
from vendor.identity.claims import refused
from vendor.identity.expiring import Expiring
from vendor.identity.fetch import Fetcher
from vendor.identity.kbase_client import KBaseClient, KBaseLogin
from vendor.identity.names_owned import NameSpaces
from vendor.identity.principal import Assurance, Principal, PrincipalKind
from vendor.identity.roles import check_required_roles, is_admin
from vendor.identity.rules import principal_name
from vendor.identity.trust_shape import KBase
from vendor.secret import RawToken
from vendor.tasks import give_up
from vendor.times import Clock

MAX_LOGINS = 10_000
MAX_REFUSALS = 10_000  # a table of its own: a flood of bad tokens cannot push good ones out
MAX_ASKING = 16
READY_SECONDS = 10.0
# KBase tokens are base 32.  What cannot be one is not shown to KBase: a broken JWT or a lease token is a secret, too.
KBASE_TOKEN = re.compile(r"(?!vlt_)[A-Za-z0-9_-]{8,256}", re.ASCII)


class KBaseVerifier:
    """Turns a KBase token into a principal."""

    def __init__(
        self,
        kbase: KBase,
        *,
        spaces: NameSpaces,
        folder: Path,
        fetcher: Fetcher,
        clock: Clock,
        monotonic: Clock = time.monotonic,
    ) -> None:
        self.entry = kbase
        self._spaces = spaces
        self._client = KBaseClient(kbase, folder=folder, fetcher=fetcher)
        self._clock = clock
        self._monotonic = monotonic
        self._logins: Expiring[KBaseLogin] = Expiring(MAX_LOGINS, monotonic)
        self._refusals: Expiring[str] = Expiring(MAX_REFUSALS, monotonic)
        self._asking: dict[bytes, asyncio.Task[KBaseLogin]] = {}
        self._places = asyncio.Semaphore(MAX_ASKING)
        self._answered: tuple[float, bool] | None = None

    async def authenticate(self, token: RawToken) -> Principal:
        """Return the principal of `token`.  Raises InvalidToken, ExpiredToken, RoleRequired, UnusableName or
        IdentityProviderUnavailable."""
        if not KBASE_TOKEN.fullmatch(token.reveal()):
            raise refused("form", "The token is neither a JWT nor a KBase token.")
        login = await self._login(token)
        if login.expires_at <= self._clock():
            raise ExpiredToken("The KBase token has expired.", details={"reason": "exp"})
        return self._principal(login)

    async def ready(self) -> bool:
        """Say whether KBase answered lately."""
        if self._answered is None or self._monotonic() - self._answered[0] > READY_SECONDS:
            self._answered = (self._monotonic(), await self._client.answers())
        return self._answered[1]

    async def close(self) -> None:
        """Give up the questions that are under way."""
        await give_up(self._asking.values())

    async def _login(self, token: RawToken) -> KBaseLogin:
        key = hashlib.sha256(token.reveal().encode("ascii")).digest()
        if (login := self._logins.get(key)) is not None:
            return login
        if self._refusals.get(key) is not None:
            raise refused("kbase", "KBase does not accept the token.")
        task = self._asking.get(key)
        if task is None:
            task = asyncio.create_task(self._ask(key, token), name="ask KBase")
            self._asking[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)  # a caller that goes away leaves the answer to the others

    def _forget(self, key: bytes, done: asyncio.Task[KBaseLogin]) -> None:
        self._asking.pop(key, None)
        if not done.cancelled():
            done.exception()  # looked at, so that nobody is told of it when all callers have gone away

    async def _ask(self, key: bytes, token: RawToken) -> KBaseLogin:
        try:
            async with asyncio.timeout(self.entry.timeout_seconds):  # the queue in front of KBase has an end, too
                await self._places.acquire()
        except TimeoutError:
            raise self._client.unavailable("too many questions are waiting for it") from None
        try:
            login = await self._client.login(token)
        except VendError as problem:
            if isinstance(problem, InvalidToken):
                self._refusals.put(key, problem.code, self.entry.negative_cache_seconds)
            raise
        finally:
            self._places.release()
        limits = (self.entry.cache_seconds, login.expires_at - self._clock(), login.cache_seconds)
        self._logins.put(key, login, min(limit for limit in limits if limit is not None))
        return login

    def _principal(self, login: KBaseLogin) -> Principal:
        entry = self.entry
        if login.token_type not in entry.token_types:
            raise _not_admitted(
                "token_type", f"KBase tokens of this type are not admitted here, only {', '.join(entry.token_types)}."
            )
        if entry.require_mfa and login.mfa != "Used":
            raise _not_admitted("mfa", "The KBase login was made without a second factor.")
        check_required_roles(entry, login.roles)
        return Principal(
            name=principal_name(login.user, entry, self._spaces),
            kind=PrincipalKind.USER,
            issuer=entry.url,
            subject=login.user,
            expires_at=login.expires_at,
            roles=login.roles,
            admin=is_admin(entry, login.roles),
            max_lease_seconds=entry.max_lease_seconds,
            display_name=login.display_name,
            email=login.email,
            assurance=Assurance(mfa=None if login.mfa in (None, "Unknown") else login.mfa == "Used"),
            trusted_by=entry.name,
        )


def _not_admitted(reason: str, message: str) -> RoleRequired:
    return RoleRequired(message, remedy="Sign in to KBase in the way the message asks for.", details={"reason": reason})
