"""The front door: a token in, a principal out, or the reason why not.

A token with dots is a JWT and goes to the verifier of the issuer that it names, looked up in a table that the operator
wrote; no address in a token is ever called.  Any other token is shown to KBase, if KBase is trusted.  What the gateway
has signed for stores is no identity here, and neither are lease tokens.
"""

import asyncio
import time
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self

from vendor.errors import VendError
from vendor.identity.bearer import checked_token
from vendor.identity.claims import refused
from vendor.identity.cooldown import Cooldown, LocalCooldown
from vendor.identity.fetch import Fetcher
from vendor.identity.issuer import TOKEN_TYPE
from vendor.identity.jws import UnverifiedToken, parse
from vendor.identity.kbase import KBaseVerifier
from vendor.identity.key_cache import Braking, KeyCache
from vendor.identity.key_exchange import KeyExchange
from vendor.identity.key_source import KeySource
from vendor.identity.observe import Observation, Observer, Watch
from vendor.identity.oidc import OidcVerifier
from vendor.identity.principal import Principal
from vendor.identity.trust import Trust, load_trust
from vendor.identity.trust_shape import Issuer
from vendor.secret import RawToken, proof_of
from vendor.spans import traced
from vendor.times import Clock

READY_SECONDS = 2.0


class Authenticator:
    """Every way in."""

    def __init__(
        self,
        trust: Trust,
        *,
        own_issuer_url: str,
        clock: Clock,
        monotonic: Clock = time.monotonic,
        cooldown: Cooldown | None = None,
        exchange: KeyExchange | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.trust = trust
        self._own_issuer_url = own_issuer_url
        self._clock = clock
        self._watch = Watch(observer, monotonic)
        self._fetcher = Fetcher()
        braking = Braking(cooldown or LocalCooldown(monotonic), exchange)
        spaces = trust.name_spaces()
        verifiers = [
            OidcVerifier(
                issuer,
                keys=KeyCache(
                    KeySource(issuer, folder=trust.folder, fetcher=self._fetcher),
                    name=issuer.name,
                    url=issuer.url,
                    refresh_seconds=issuer.refresh_seconds,
                    braking=braking,
                    clock=clock,
                    monotonic=monotonic,
                ),
                spaces=spaces,
            )
            for issuer in trust.issuers
        ]
        self._enforced = {verifier.entry.url: verifier for verifier in verifiers if verifier.entry.mode == "enforce"}
        self._audited = {verifier.entry.url: verifier for verifier in verifiers if verifier.entry.mode == "audit"}
        self._kbase: KBaseVerifier | None = None
        if trust.kbase is not None:
            self._kbase = KBaseVerifier(
                trust.kbase, spaces=spaces, folder=trust.folder, fetcher=self._fetcher, clock=clock, monotonic=monotonic
            )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @traced("authenticate")
    async def authenticate(self, token: RawToken) -> Principal:
        """Return whom `token` stands for.

        Raises TooLarge, InvalidToken, ExpiredToken, RoleRequired, UnusableName or IdentityProviderUnavailable.
        """
        token = checked_token(token.reveal())
        return replace(await self._principal(token), proof=proof_of(token))

    async def _principal(self, token: RawToken) -> Principal:
        if "." in token.reveal():
            return await self._by_jwt(parse(token))
        if self._kbase is None:
            raise refused("form", "The token is not a JWT.")
        return await self._by_kbase(self._kbase, token)

    async def ready(self) -> Mapping[str, bool]:
        """Say of every enforced entry whether its tokens can be checked at present, within a few seconds."""
        parts: dict[str, Awaitable[bool]] = {
            verifier.entry.name: verifier.keys.ready() for verifier in self._enforced.values()
        }
        if self._kbase is not None and self._kbase.entry.mode == "enforce":
            parts[self._kbase.entry.name] = self._kbase.ready()
        found = await asyncio.gather(
            *(asyncio.wait_for(part, READY_SECONDS) for part in parts.values()), return_exceptions=True
        )
        return {name: answer is True for name, answer in zip(parts, found, strict=True)}

    async def observed(self) -> None:
        """Wait until everything that is being tried in audit mode has been recorded."""
        await self._watch.settled()

    def sign_in(self) -> Mapping[str, object]:
        """Return how people can sign in here, for `vend login`: no secrets, and nothing about entries on trial."""
        hints = [
            {
                "issuer": issuer.url,
                "client_id": issuer.sign_in.client_id,
                "scopes": list(issuer.sign_in.scopes),
                "token": _token_to_send(issuer),
            }
            for issuer in self.trust.issuers
            if issuer.mode == "enforce" and issuer.sign_in is not None
        ]
        kbase = self.trust.kbase
        return {"issuers": hints, "kbase": kbase is not None and kbase.mode == "enforce"}

    async def close(self) -> None:
        """Stop what runs in the background and close all connections."""
        await self._watch.close()
        for verifier in (*self._enforced.values(), *self._audited.values()):
            await verifier.keys.close()
        if self._kbase is not None:
            await self._kbase.close()
        await self._fetcher.close()

    async def _by_jwt(self, token: UnverifiedToken) -> Principal:
        check_not_our_own(token, self._own_issuer_url)
        issuer = token.issuer or ""
        if (audited := self._audited.get(issuer)) is not None:
            self._watch.later(partial(self._try, audited, token))
        verifier = self._enforced.get(issuer)
        if verifier is None:
            raise refused("iss", "The token is of an issuer that is not trusted here.")
        admission = await verifier.admit(token, self._clock())
        for observation in admission.observations:
            await self._watch.see(observation)
        return admission.result()

    async def _by_kbase(self, kbase: KBaseVerifier, token: RawToken) -> Principal:
        if kbase.entry.mode == "enforce":
            return await kbase.authenticate(token)
        self._watch.later(partial(self._try_kbase, kbase, token))
        raise refused("form", "The token is not a JWT.")

    async def _try(self, verifier: OidcVerifier, token: UnverifiedToken) -> Observation:
        """Say what an entry in audit mode would have made of `token`."""
        try:
            principal = (await verifier.admit(token, self._clock())).result()
        except VendError as problem:
            return Observation(verifier.entry.name, None, "", admitted=False, reason=problem.message)
        return _would_admit(verifier.entry.name, principal)

    async def _try_kbase(self, kbase: KBaseVerifier, token: RawToken) -> Observation:
        try:
            principal = await kbase.authenticate(token)
        except VendError as problem:
            return Observation(kbase.entry.name, None, "", admitted=False, reason=problem.message)
        return _would_admit(kbase.entry.name, principal)


def _would_admit(entry: str, principal: Principal) -> Observation:
    return Observation(entry, principal.rule, principal.subject, admitted=True, principal=principal)


def open_authenticator(
    *,
    trust_file: Path,
    own_issuer_url: str,
    clock: Clock,
    monotonic: Clock = time.monotonic,
    cooldown: Cooldown | None = None,
    exchange: KeyExchange | None = None,
    observer: Observer | None = None,
) -> Authenticator:
    """Read the trust file and make the front door; no network call is made yet.  Raises TrustError.

    `cooldown` and `exchange` are how several replicas act as one towards identity providers; without them each process
    stands alone.
    """
    trust = load_trust(trust_file, own_issuer_url=own_issuer_url)
    return Authenticator(
        trust,
        own_issuer_url=own_issuer_url,
        clock=clock,
        monotonic=monotonic,
        cooldown=cooldown,
        exchange=exchange,
        observer=observer,
    )


def check_not_our_own(token: UnverifiedToken, own_issuer_url: str) -> None:
    """Refuse what this gateway signed for stores, by its issuer and by its type."""
    if token.issuer == own_issuer_url or token.typ == TOKEN_TYPE:
        raise refused("own", "The token was made for a store; it is no proof of identity.")


def _token_to_send(issuer: Issuer) -> str | None:
    """Return which of the tokens of a sign-in is accepted, None when any may be."""
    kinds = set(issuer.tokens)
    if kinds == {"id"}:
        return "id_token"
    return "access_token" if kinds <= {"access", "plain-access"} else None
