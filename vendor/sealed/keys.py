"""The public keys that checkpoints are signed with, out of a JWKS file, and checking a signature with them.

Only ES256 is known here, and only keys that the file names: a checkpoint has no say in what it is checked with.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from vendor.sealed.records import BadForm, unpack


class BadKeys(ValueError):
    """The file is no set of audit keys."""


@dataclass(frozen=True, slots=True)
class AuditKeys:
    """Public keys by their names."""

    by_kid: Mapping[str, EllipticCurvePublicKey]

    def open(self, jws: bytes, kind: str) -> bytes:
        """Return the payload of a JWS of type `kind` that one of these keys signed.  Raises BadForm."""
        signed, _, signature = jws.rpartition(b".")
        head, _, payload = signed.partition(b".")
        kid = _kid(unpack(head), kind)
        key = self.by_kid.get(kid)
        if key is None:
            raise BadForm(f"it is signed with a key that is not among the given ones ({kid[:64]!a})")
        raw = unpack(signature)
        if len(raw) != 64:
            raise BadForm("its signature is wrong")
        halves = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        try:
            key.verify(halves, signed, ECDSA(SHA256()))
        except InvalidSignature:
            raise BadForm("its signature is wrong") from None
        return unpack(payload)


def read_keys(text: str | bytes) -> AuditKeys:
    """Read a JWKS document, such as `/.well-known/audit-keys.json` answers.  Raises BadKeys."""
    try:
        entries = json.loads(text)["keys"]
        found = {str(entry["kid"]): _key(entry) for entry in entries if entry.get("kty") == "EC"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadKeys("This is not a JWKS document.") from None
    if not found:
        raise BadKeys("There is no EC key in this JWKS document.")
    return AuditKeys(found)


def _key(entry: Mapping[str, str]) -> EllipticCurvePublicKey:
    if entry["crv"] != "P-256" or "d" in entry:
        raise ValueError
    x, y = (int.from_bytes(unpack(entry[name].encode("ascii")), "big") for name in ("x", "y"))
    return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()


def _kid(head: bytes, kind: str) -> str:
    try:
        header = json.loads(head)
        fits = header["alg"] == "ES256" and header["typ"] == kind and set(header) == {"alg", "kid", "typ"}
        kid = header["kid"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadForm("its header cannot be read") from None
    if not fits or not isinstance(kid, str):
        raise BadForm("its header is not that of such a record")
    return kid
