"""Checks turned off, one at a time: what the corpus has to notice.

Each entry names one check and how to make it say yes to everything.  Corpus and code are honest only if every single
one of these makes at least one case go wrong.
"""

from collections.abc import Callable
from typing import Any

import pytest

from vendor import strict_json
from vendor.identity import (
    assurance,
    authenticator,
    bearer,
    claims,
    conditions,
    jwk,
    jws,
    kbase,
    kbase_client,
    key_source,
    oidc,
    roles,
    rules,
)
from vendor.identity.names_owned import NameSpaces

Patch = pytest.MonkeyPatch
Mutation = Callable[[Patch], None]


def nothing(*_args: Any, **_kwargs: Any) -> None:
    """A check that never objects."""


def without(check: claims.Check) -> Mutation:
    """Leave one of the checks of claims out."""

    def mutate(patch: Patch) -> None:
        patch.setattr(claims, "CHECKS", tuple(kept for kept in claims.CHECKS if kept is not check))

    return mutate


def replaced(where: Any, name: str, value: Any) -> Mutation:
    return lambda patch: patch.setattr(where, name, value)


def lenient_issuer(patch: Patch) -> None:
    """Look issuers up as a browser would: without regard to case, or to a slash at the end."""
    real = authenticator.Authenticator._by_jwt

    async def by_jwt(self: Any, token: Any) -> Any:
        found = {url.lower().rstrip("/"): url for url in self._enforced}.get((token.issuer or "").lower().rstrip("/"))
        if found is not None:
            token.claims["iss"] = found
        return await real(self, token)

    patch.setattr(authenticator.Authenticator, "_by_jwt", by_jwt)


def any_key(patch: Patch) -> None:
    """Take the first key there is for a `kid` that the issuer does not publish."""
    real = jwk.VerifyingKeys.find
    patch.setattr(jwk.VerifyingKeys, "find", lambda self, kid: real(self, kid) or next(iter(self.by_kid.values())))


def any_key_for_none(patch: Patch) -> None:
    """Take the first key there is for a token that names none."""
    real = jwk.VerifyingKeys.find

    def find(self: jwk.VerifyingKeys, kid: str | None) -> jwk.VerifyingKey | None:
        return next(iter(self.by_kid.values())) if kid is None else real(self, kid)

    patch.setattr(jwk.VerifyingKeys, "find", find)


def duplicates_allowed(patch: Patch) -> None:
    import json

    patch.setattr(strict_json, "_decode", json.JSONDecoder(parse_constant=strict_json._constant).decode)


def first_key_wins(patch: Patch) -> None:
    """Of two keys with one name take the first."""
    real = jwk.parse_key_set

    def parse(document: Any, allowed: Any) -> Any:
        entries = {str(entry.get("kid")): entry for entry in reversed(document["keys"]) if isinstance(entry, dict)}
        return real({"keys": list(entries.values())}, allowed)

    patch.setattr(key_source, "parse_key_set", parse)


def last_key_wins(patch: Patch) -> None:
    """Of two keys with one name take the last."""
    real = jwk.parse_key_set

    def parse(document: Any, allowed: Any) -> Any:
        entries = {str(entry.get("kid")): entry for entry in document["keys"] if isinstance(entry, dict)}
        return real({"keys": list(entries.values())}, allowed)

    patch.setattr(key_source, "parse_key_set", parse)


def keys_for_any_algorithm(patch: Patch) -> None:
    """Overlook which algorithm a key was published for."""
    patch.setattr(jwk, "_algorithms", lambda entry, key: _algorithms({**entry, "alg": None}, key))


def any_algorithm(patch: Patch) -> None:
    """Let the token's header decide which algorithm it is checked with, among those that the key can do."""
    real = jwk.parse_key_set
    patch.setattr(key_source, "parse_key_set", lambda document, _allowed: real(document, jwk.ALGORITHMS))
    patch.setattr(jwk, "_algorithms", lambda entry, key: _algorithms({**entry, "alg": None}, key))
    patch.setattr(oidc, "check_algorithm", nothing)


_algorithms = jwk._algorithms


def published_private_keys(patch: Patch) -> None:
    """Use the public half of a key whose private half is published."""
    real = jwk._public_key
    members = jwk._PRIVATE_MEMBERS
    patch.setattr(jwk, "_PRIVATE_MEMBERS", frozenset())
    patch.setattr(jwk, "_public_key", lambda entry: real({n: v for n, v in entry.items() if n not in members}))


def first_header_counts(patch: Patch) -> None:
    patch.setattr(bearer, "len", lambda value: 1 if isinstance(value, list) else len(value), raising=False)


def no_required_roles(patch: Patch) -> None:
    patch.setattr(rules, "check_required_roles", nothing)


MUTATIONS: dict[str, Mutation] = {
    # header and form
    "two-headers": first_header_counts,
    "size": replaced(bearer, "MAX_TOKEN_BYTES", 10**9),
    "json-duplicates": duplicates_allowed,
    "json-depth": replaced(strict_json, "_check_depth", nothing),
    "json-surrogates": replaced(strict_json, "_check_surrogates", nothing),
    "header-rules": replaced(jws, "_check_header", nothing),
    **{
        f"header-{name}": replaced(
            jws, "_FORBIDDEN_HEADERS", tuple(other for other in jws._FORBIDDEN_HEADERS if other != name)
        )
        for name in ("crit", "b64", "jku", "jwk", "x5u", "zip", "enc", "cty")
    },
    # algorithm and key
    "alg": any_algorithm,
    "signature": replaced(jwk.VerifyingKey, "verify", lambda *_: True),
    "kid": any_key,
    "kid-missing": any_key_for_none,
    "kid-of-two-keys": first_key_wins,
    "kid-of-two-keys-the-last": last_key_wins,
    "key-algorithm": keys_for_any_algorithm,
    "key-strength": replaced(jwk, "MIN_RSA_BITS", 512),
    "key-use": replaced(jwk, "_for_verifying", lambda entry: not jwk._PRIVATE_MEMBERS.intersection(entry)),
    "key-private-half": published_private_keys,
    # claims
    "iss": lenient_issuer,
    "aud": without(claims.check_audience),
    "exp-nbf-iat": without(claims.check_times),
    "typ": without(claims.check_type),
    "lifetime": without(claims.check_lifetime),
    "sub": without(claims.check_subject),
    "cnf": without(claims.check_confirmation),
    "client": without(claims.check_client),
    "require": without(claims.check_required),
    "other-uses": replaced(claims, "_other_use", lambda _claims: False),
    # rules and names
    "conditions": replaced(conditions.Condition, "why_not", lambda *_: None),
    "email-verified": replaced(rules, "_is_email", lambda _path: False),
    "name-owner": replaced(NameSpaces, "problem", lambda *_: None),
    "required-roles": no_required_roles,
    "role-entries": replaced(roles, "MAX_ENTRIES", 10**9),
    "role-length": replaced(roles, "MAX_ENTRY_LENGTH", 10**9),
    "overage": replaced(roles, "_refuse_overage", nothing),
    "profile": replaced(assurance, "_check_profile", nothing),
    "principal-type": replaced(assurance, "_check_principal_type", nothing),
    "break-glass": replaced(assurance, "BREAK_GLASS", "no such level"),
    # providers
    "jwks-host": replaced(key_source, "same_host", lambda *_: True),
    "jwks-count": replaced(jwk, "MAX_KEYS", 10**6),
    "kbase-roles": replaced(kbase, "check_required_roles", nothing),
    "kbase-form": replaced(kbase_client, "_login", lambda about, me: _anything(about, me)),
}


def _anything(about: Any, me: Any) -> kbase_client.KBaseLogin:
    """Believe KBase whatever it says."""
    return kbase_client.KBaseLogin(
        str(about.get("user")), "Login", 2e9, None, "Used", frozenset(["BERDL_USER"]), None, None
    )
