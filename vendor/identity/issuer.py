"""The gateway as its own private OIDC issuer.

For each lease it signs one web identity token, which the gateway itself redeems at the store.  Discovery and key set
come from memory: they depend on no database and no identity provider, because stores ask for them while they start.
The tokens carry a `typ` of their own, and the front door refuses them as identity.
"""

import hmac
import math
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import jwt

from vendor.identity.followed_ring import FollowedRing
from vendor.identity.keyring import ALGORITHM, Keyring, KeyringError, SigningKey, keyring_from_pem, open_keyring
from vendor.secret import Secret, WebIdentityToken
from vendor.times import Clock

TOKEN_TYPE = "vendor-store+jwt"  # noqa: S105  the `typ` of a header, not a token
_PROOF_BYTES = 32
_OWN_CLAIMS = frozenset({"iss", "sub", "aud", "azp", "iat", "nbf", "exp", "jti"})


class OwnIssuer:
    """Signs tokens for stores, and publishes the keys that prove them.

    Keys that live in a folder are looked at again at most once a second, so `vendor keys rotate` needs no restart.
    A folder that turns unreadable leaves the last good keys in use: leases go on, and the next look tries again.
    """

    def __init__(self, *, url: str, ring: Keyring, keys_folder: Path | None, clock: Clock, monotonic: Clock) -> None:
        self.url = url
        self._ring = FollowedRing(ring, keys_folder, monotonic, complaint="issuer_keys_not_read")
        self._clock = clock

    @classmethod
    def open(
        cls,
        *,
        url: str,
        keys_folder: Path | None,
        key_pem: Secret | None,
        clock: Clock,
        monotonic: Clock = time.monotonic,
    ) -> Self:
        """Open the issuer at start; its keys come from exactly one of a folder and PEM text.  Raises KeyringError."""
        if (keys_folder is None) == (key_pem is None):
            raise KeyringError("The issuer's keys come from a folder or from PEM text: give exactly one of them.")
        if key_pem is not None:
            ring = keyring_from_pem(key_pem, clock())
        else:
            assert keys_folder is not None  # noqa: S101  the other half of the test above
            ring = open_keyring(keys_folder, clock())
        ring.signer(clock())
        return cls(url=url, ring=ring, keys_folder=keys_folder, clock=clock, monotonic=monotonic)

    def discovery(self) -> dict[str, object]:
        """Return what `/.well-known/openid-configuration` answers."""
        return {
            "issuer": self.url,
            "jwks_uri": self.url.rstrip("/") + "/.well-known/jwks.json",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
        }

    def jwks(self) -> dict[str, object]:
        """Return what `/.well-known/jwks.json` answers: the key in use, the next one, and those not yet forgotten."""
        return {"keys": [key.public_jwk() for key in self._ring.current().published(self._clock())]}

    def sign(
        self, *, subject: str, audience: str, lifetime_ends: float, claims: Mapping[str, object]
    ) -> WebIdentityToken:
        """Sign one token for a store.  `claims` are added to those of the issuer and cannot replace them."""
        if clash := _OWN_CLAIMS.intersection(claims):
            raise ValueError(f"the issuer sets {', '.join(sorted(clash))} itself")
        now = self._clock()
        payload = {
            **claims,
            "iss": self.url,
            "sub": subject,
            "aud": audience,
            "azp": audience,  # some stores look at one, some at the other
            "iat": math.floor(now),
            "exp": math.floor(lifetime_ends),
            "jti": secrets.token_urlsafe(16),
        }
        key = self._ring.current().signer(now)
        headers = {"kid": key.kid, "typ": TOKEN_TYPE}
        return WebIdentityToken(jwt.encode(payload, key.private, algorithm=ALGORITHM, headers=headers))

    def seal(self, purpose: str, data: bytes) -> bytes:
        """Return `data` with a proof, for other replicas, that a gateway with these keys wrote it for `purpose`.

        The proof is made with a key derived from the signing key, so it can never pass for a signature.
        """
        return _proof(self._ring.current().signer(self._clock()), purpose, data) + data

    def unseal(self, purpose: str, sealed: bytes) -> bytes | None:
        """Return what was sealed for `purpose`, None if it was not sealed by one of this issuer's keys."""
        proof, data = sealed[:_PROOF_BYTES], sealed[_PROOF_BYTES:]
        keys = self._ring.current().published(self._clock())
        return data if any(hmac.compare_digest(_proof(key, purpose, data), proof) for key in keys) else None


def _proof(key: SigningKey, purpose: str, data: bytes) -> bytes:
    return hmac.digest(key.derived(f"vendor {purpose}"), data, "sha256")
