"""Stored sign-ins, one per profile, and the tokens they give.

A sign-in belongs to the gateway it was made for; its token is never sent to another one, whatever the address given.
Its refresh token lies in the system keyring, or, where there is none, in the private file with the rest.  Refreshing
happens under a file lock, because providers hand out each refresh token only once.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from vendor.client import files
from vendor.client.answers import IssuerHint, Reader
from vendor.client.errors import BadAnswer, SignInNeeded, Unavailable, UnsafeFile
from vendor.client.tokens import parse_token, unverified_claims
from vendor.client.vault import Vault
from vendor.secret import RawToken, Secret
from vendor.times import Clock, rfc3339

REFRESH_BEFORE = 60.0
"""A token with less than this many seconds left is refreshed before it is used."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """What is kept of a sign-in.  `provider` is None for a token that was handed in; it cannot be refreshed.

    `in_vault` says that there is a refresh token and that it lies in the keyring.
    """

    gateway: str
    token: RawToken
    expires_at: float | None = None
    provider: IssuerHint | None = None
    refresh_token: Secret | None = None
    in_vault: bool = False


class SignIns:
    """The sign-ins under one folder.  `vault` finds the keyring; it is asked only where a refresh token is at stake."""

    def __init__(
        self, folder: Path, *, clock: Clock = time.time, vault: Callable[[], Vault | None] = lambda: None
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._vault = vault

    def path(self, profile: str) -> Path:
        """Return where the sign-in of `profile` lies."""
        return self._folder / f"{profile}.json"

    def load(self, profile: str) -> SignIn | None:
        """Return the sign-in of `profile`, or None.  Raises UnsafeFile for a file that is not safely ours."""
        path = self.path(profile)
        content = files.read_private(path)
        if content is None:
            return None
        try:
            return _read(json.loads(content))
        except (ValueError, BadAnswer, RecursionError, SignInNeeded):
            raise UnsafeFile(f"{path} is damaged, so it is not used.", remedy="Run 'vend login' again.") from None

    def save(self, profile: str, sign_in: SignIn) -> SignIn:
        """Keep `sign_in` for `profile`, and return it as it is kept: with its refresh token in the keyring, or not."""
        kept = self._with_vault(profile, sign_in)
        files.write_private(self.path(profile), json.dumps(_written(kept), indent=1).encode())
        return kept

    def remove(self, profile: str) -> bool:
        """Forget the sign-in of `profile`; say whether there was one."""
        try:
            sign_in = self.load(profile)
            if sign_in is not None and sign_in.in_vault and (vault := self._vault()) is not None:
                vault.remove(_name(profile, sign_in))
        except SignInNeeded:
            pass  # damaged, or the keyring is locked: the file goes, and with it the use of the rest
        return files.remove_private(self.path(profile))

    def refresh_token(self, profile: str, sign_in: SignIn) -> Secret | None:
        """Return the refresh token of a stored sign-in, from wherever it lies.  Raises SignInNeeded."""
        if not sign_in.in_vault:
            return sign_in.refresh_token
        vault = self._vault()
        found = vault.get(_name(profile, sign_in)) if vault is not None else None
        if found is None:
            raise SignInNeeded(
                "What refreshes your sign-in lies in the system keyring, and is not to be found there.",
                remedy="Run 'vend login' again.",
            )
        return found

    def _with_vault(self, profile: str, sign_in: SignIn) -> SignIn:
        vault = self._vault() if sign_in.refresh_token is not None else None
        if vault is None or sign_in.refresh_token is None:
            return replace(sign_in, in_vault=False)
        try:
            vault.put(_name(profile, sign_in), sign_in.refresh_token)
        except SignInNeeded:
            return replace(sign_in, in_vault=False)
        return replace(sign_in, refresh_token=None, in_vault=True)

    def token(self, profile: str, gateway: str, *, insecure_http: bool = False) -> RawToken:
        """Return a token of `profile` for `gateway` that lives for some time yet, refreshed if need be."""
        sign_in = self._of(profile, gateway)
        if self._left(sign_in) >= REFRESH_BEFORE:
            return sign_in.token
        if sign_in.provider is None or (sign_in.refresh_token is None and not sign_in.in_vault):
            return self._last_of(sign_in)
        with files.locked(self.path(profile)):
            sign_in = self._of(profile, gateway)  # another process may have refreshed it meanwhile
            if self._left(sign_in) >= REFRESH_BEFORE:
                return sign_in.token
            sign_in = replace(sign_in, refresh_token=self.refresh_token(profile, sign_in))
            try:
                fresh = refreshed(sign_in, clock=self._clock, insecure_http=insecure_http)
            except Unavailable:
                if self._left(sign_in) > 5:
                    return sign_in.token
                raise
            self.save(profile, fresh)
            return fresh.token

    def _of(self, profile: str, gateway: str) -> SignIn:
        sign_in = self.load(profile)
        if sign_in is None:
            raise SignInNeeded("You are not signed in.")
        if sign_in.gateway != gateway:
            raise SignInNeeded(
                f"You are signed in at {sign_in.gateway}, not at {gateway}.",
                remedy=f"Run 'vend login --gateway {gateway}', best with a --profile of its own.",
            )
        return sign_in

    def _left(self, sign_in: SignIn) -> float:
        return float("inf") if sign_in.expires_at is None else sign_in.expires_at - self._clock()

    def _last_of(self, sign_in: SignIn) -> RawToken:
        if self._left(sign_in) <= 0 and sign_in.expires_at is not None:
            raise SignInNeeded(
                f"Your sign-in ended at {rfc3339(sign_in.expires_at)}.", remedy="Run 'vend login' again."
            )
        return sign_in.token


def refreshed(sign_in: SignIn, *, clock: Clock = time.time, insecure_http: bool = False) -> SignIn:
    """Return `sign_in` with a new token from its provider."""
    from vendor.client.oidc import Provider  # only now: Authlib is slow to import

    if sign_in.provider is None or sign_in.refresh_token is None:
        raise SignInNeeded("This sign-in cannot be refreshed.")
    with Provider(sign_in.provider, insecure_http=insecure_http) as provider:
        tokens = provider.refresh(sign_in.refresh_token)
    token = next(iter(tokens.found.values()))  # one of the kind that the gateway took at the sign-in
    return replace(
        sign_in,
        token=token,
        refresh_token=tokens.refresh_token or sign_in.refresh_token,  # not every provider rotates them
        expires_at=expiry(token, tokens.expires_in, clock),
    )


def expiry(token: Secret, expires_in: int | None, clock: Clock = time.time) -> float | None:
    """Return when a token ends, as far as one can tell without verifying it: by its own claim, else as announced."""
    claimed = unverified_claims(token.reveal()).get("exp")
    if isinstance(claimed, int | float) and not isinstance(claimed, bool) and 0 < claimed < 2**40:
        return float(claimed)
    return None if expires_in is None else clock() + expires_in


def _name(profile: str, sign_in: SignIn) -> str:
    return f"{profile} at {sign_in.gateway}"


def _written(sign_in: SignIn) -> dict[str, object]:
    provider = sign_in.provider
    return {
        "version": 1,
        "gateway": sign_in.gateway,
        "token": sign_in.token.reveal(),
        "expires_at": sign_in.expires_at,
        "refresh_token": sign_in.refresh_token.reveal() if sign_in.refresh_token else None,
        "in_keyring": sign_in.in_vault,
        "provider": None
        if provider is None
        else {
            "issuer": provider.issuer,
            "client_id": provider.client_id,
            "scopes": list(provider.scopes),
            "token": provider.token,
        },
    }


def _read(value: object) -> SignIn:
    entry = Reader(value)
    if entry.raw.get("version") != 1:
        raise BadAnswer("unknown version")
    expires_at = entry.raw.get("expires_at")
    refresh = entry.text_or_none("refresh_token")
    return SignIn(
        gateway=entry.key("gateway"),
        token=parse_token(entry.text("token"), "the stored sign-in"),
        expires_at=float(expires_at) if isinstance(expires_at, int | float) else None,
        provider=IssuerHint.read(entry.object("provider")) if entry.raw.get("provider") is not None else None,
        refresh_token=Secret(refresh) if refresh else None,
        in_vault=entry.flag("in_keyring"),
    )


def provider_of(sign_ins: SignIns, profile: str, gateway: str, *, insecure_http: bool) -> Callable[[], RawToken]:
    """Return the token provider of a stored sign-in."""
    return lambda: sign_ins.token(profile, gateway, insecure_http=insecure_http)
