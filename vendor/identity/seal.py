"""The keys that the audit log is sealed with: an own ring, which no store and no other service trusts for anything.

Like the issuer's, the ring lies in a folder that only the gateway may read, or comes as PEM text; a ring that was
rotated is picked up within a second.  Retired keys stay published for as long as their ring says, and an auditor keeps
the ones of older logs.
"""

import time
from pathlib import Path
from typing import Self

import jwt

from vendor.identity.followed_ring import FollowedRing
from vendor.identity.keyring import ALGORITHM, Keyring, keyring_from_pem, open_keyring
from vendor.secret import Secret
from vendor.times import Clock


class SealKeys:
    """Signs checkpoints, and publishes the keys that prove them."""

    def __init__(self, ring: Keyring, folder: Path | None, clock: Clock, monotonic: Clock = time.monotonic) -> None:
        self._ring = FollowedRing(ring, folder, monotonic, complaint="audit_keys_not_read")
        self._clock = clock

    @classmethod
    def open(cls, *, folder: Path | None, pem: Secret | None, clock: Clock) -> Self | None:
        """Open the keys at start; None where neither a folder nor PEM text is given.  Raises KeyringError."""
        if pem is not None:
            return cls(keyring_from_pem(pem, clock()), None, clock)
        return None if folder is None else cls(open_keyring(folder, clock()), folder, clock)

    def jwks(self) -> dict[str, object]:
        """Return what `/.well-known/audit-keys.json` answers: every key of the ring, whatever its time."""
        return {"keys": [key.public_jwk() for key in self._ring.current().keys]}

    def sign(self, payload: bytes, kind: str) -> str:
        """Sign a record of the audit log as a compact JWS whose header names its kind."""
        key = self._ring.current().signer(self._clock())
        headers = {"kid": key.kid, "typ": kind}
        return jwt.api_jws.encode(payload, key.private, algorithm=ALGORITHM, headers=headers)
