"""Signed tokens of every quality: the header, the payload and the signature are each the test's to choose."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def b64(data: bytes) -> str:
    """Encode as a JWT part."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def as_bytes(part: object) -> bytes:
    """Return a header or payload as the bytes to encode; bytes and texts stay what they are."""
    if isinstance(part, bytes):
        return part
    return (part if isinstance(part, str) else json.dumps(part)).encode("utf-8")


@dataclass(frozen=True)
class Signer:
    """A private key with the algorithm and the name it is published under."""

    kid: str
    algorithm: str
    key: PrivateKey

    def sign(self, message: bytes, algorithm: str | None = None) -> bytes:
        return get_default_algorithms()[algorithm or self.algorithm].sign(message, self.key)

    def jwk(self, **changes: object) -> dict[str, Any]:
        """The public key as a JWK; members given as None are left out."""
        reader: Any = get_default_algorithms()[self.algorithm]
        members = {
            **reader.to_jwk(self.key.public_key(), as_dict=True),
            "kid": self.kid,
            "alg": self.algorithm,
            "use": "sig",
            **changes,
        }
        members.pop("key_ops", None) if "key_ops" not in changes else None
        return {name: value for name, value in members.items() if value is not None}

    def private_part(self) -> dict[str, Any]:
        """What a JWK would have to hold to be the private key."""
        reader: Any = get_default_algorithms()[self.algorithm]
        return {"d": reader.to_jwk(self.key, as_dict=True)["d"]}

    def token(self, claims: object, header: object | None = None, *, algorithm: str | None = None) -> str:
        """Sign `claims`.  A mapping as `header` changes the usual one; anything else replaces it."""
        usual: dict[str, object] = {"alg": algorithm or self.algorithm, "typ": "JWT", "kid": self.kid}
        if header is None or isinstance(header, Mapping):
            changed = {**usual, **(header or {})}
            header = {name: value for name, value in changed.items() if value is not ...}
        message = f"{b64(as_bytes(header))}.{b64(as_bytes(claims))}"
        return f"{message}.{b64(self.sign(message.encode('ascii'), algorithm))}"


@cache
def rsa_key(kid: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def rsa_signer(kid: str, bits: int = 2048) -> Signer:
    return Signer(kid, "RS256", rsa_key(kid, bits))


@cache
def ec_signer(kid: str) -> Signer:
    return Signer(kid, "ES256", ec.generate_private_key(ec.SECP256R1()))


@cache
def ed_signer(kid: str) -> Signer:
    return Signer(kid, "EdDSA", ed25519.Ed25519PrivateKey.generate())
