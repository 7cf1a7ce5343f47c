"""Public keys out of a key set (RFC 7517): those that can be used, each for its own algorithms only.

A set is a statement of the issuer's, so a key that cannot be used is left out rather than failing the set; a set with
no usable key, or an absurd one, is refused as a whole.
"""

import base64
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import Algorithm, get_default_algorithms
from jwt.exceptions import InvalidKeyError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""All algorithms that can be allowed.  None of them is symmetric: what verifies must not be able to sign."""

MAX_KEYS = 100
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192  # verification time grows with the square
_CURVE_ALGORITHM = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_CRYPTO: Mapping[str, Algorithm] = {name: get_default_algorithms()[name] for name in ALGORITHMS}

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class BadKeySet(ValueError):
    """The document is not a key set that can be stored."""


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """One public key and the algorithms it may be used with."""

    kid: str | None
    algorithms: frozenset[str]
    key: PublicKey

    def fits(self, algorithm: str) -> bool:
        """Say whether the key may be used with `algorithm`."""
        return algorithm in self.algorithms

    def verify(self, algorithm: str, message: bytes, signature: bytes) -> bool:
        """Say whether `signature` is this key's over `message`."""
        return _CRYPTO[algorithm].verify(message, self.key, signature)


@dataclass(frozen=True, slots=True)
class VerifyingKeys:
    """A set of keys.  A `kid` is an exact name in a table here, never a path or a pattern."""

    by_kid: Mapping[str, VerifyingKey]
    only: VerifyingKey | None
    """The key, when the set has just one: a token may then leave the `kid` out."""

    def find(self, kid: str | None) -> VerifyingKey | None:
        """Return the key of that name."""
        return self.only if kid is None else self.by_kid.get(kid)


def parse_key_set(document: Mapping[str, object], allowed: Collection[str]) -> VerifyingKeys:
    """Return the usable keys of a JWKS document.  Raises BadKeySet when there are none, or far too many entries.

    Two usable keys of one name are both left out: which of them was meant is not ours to guess.
    """
    entries = document.get("keys")
    if not isinstance(entries, list):
        raise BadKeySet("it has no list of keys")
    if len(entries) > MAX_KEYS:
        raise BadKeySet(f"it has {len(entries)} keys; at most {MAX_KEYS} are read")
    keys = list(_usable(entries, frozenset(allowed)))
    names = [key.kid for key in keys]
    keys = [key for key in keys if key.kid is None or names.count(key.kid) == 1]
    if not keys:
        raise BadKeySet("it has no key that this issuer may sign with")
    return VerifyingKeys({key.kid: key for key in keys if key.kid is not None}, keys[0] if len(names) == 1 else None)


def thumbprint(jwk: Mapping[str, object]) -> str:
    """Return the SHA-256 thumbprint of an EC key (RFC 7638), its name in our own key set."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _usable(entries: list[Any], allowed: frozenset[str]) -> Iterator[VerifyingKey]:
    for entry in entries:
        if not isinstance(entry, dict) or not _for_verifying(entry):
            continue
        key = _public_key(entry)
        if key is None:
            continue
        algorithms = _algorithms(entry, key) & allowed
        if algorithms:
            yield VerifyingKey(entry.get("kid"), algorithms, key)


def _for_verifying(entry: dict[str, Any]) -> bool:
    kid, use, operations = entry.get("kid"), entry.get("use", "sig"), entry.get("key_ops", ["verify"])
    return (
        (kid is None or (isinstance(kid, str) and 1 <= len(kid) <= 256))
        and use == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and not _PRIVATE_MEMBERS.intersection(entry)  # published secrets: anybody may sign with those
    )


def _public_key(entry: dict[str, Any]) -> PublicKey | None:
    reader = {"RSA": _CRYPTO["RS256"], "EC": _CRYPTO["ES256"], "OKP": _CRYPTO["EdDSA"]}.get(str(entry.get("kty")))
    if reader is None:
        return None
    try:
        key = reader.from_jwk(entry)
    except (InvalidKeyError, ValueError, TypeError, AttributeError):
        return None
    if isinstance(key, rsa.RSAPublicKey):
        return key if MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS and key.public_numbers().e >= 3 else None
    return key if isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) else None


def _algorithms(entry: dict[str, Any], key: PublicKey) -> frozenset[str]:
    if isinstance(key, rsa.RSAPublicKey):
        able = frozenset(name for name in ALGORITHMS if name.startswith(("RS", "PS")))
    elif isinstance(key, ed25519.Ed25519PublicKey):
        able = frozenset({"EdDSA"})
    else:
        able = frozenset({_CURVE_ALGORITHM[str(entry["crv"])]} if entry.get("crv") in _CURVE_ALGORITHM else ())
    named = entry.get("alg")
    return able if named is None else able & {str(named)}
