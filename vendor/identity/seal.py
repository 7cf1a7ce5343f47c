"""The keys that the audit log is sealed with: an own ring, which no store and no other service trusts for anything.

Like the issuer's, the ring lies in a folder that only the gateway may read, or comes as PEM text; a ring that was
rotated is picked up within a second.  Retired keys stay published for as long as their ring says, and an auditor keeps
the ones of older logs.
"""

import time
from pathlib import Path
from typing import Final, Self

import jwt
import structlog

from vendor.identity.keyring import (
    ALGORITHM,
    FILE_NAME,
    Keyring,
    KeyringError,
    keyring_from_pem,
    open_keyring,
    read_keyring,
)
from vendor.secret import Secret
from vendor.times import Clock

_LOOK_EVERY_SECONDS: Final = 1.0
_log = structlog.get_logger(__name__)


class SealKeys:
    """Signs checkpoints, and publishes the keys that prove them."""

    def __init__(self, ring: Keyring, folder: Path | None, clock: Clock, monotonic: Clock = time.monotonic) -> None:
        self._ring = ring
        self._folder = folder
        self._clock = clock
        self._monotonic = monotonic
        self._looked = monotonic()
        self._seen = _stamp(folder)

    @classmethod
    def open(cls, *, folder: Path | None, pem: Secret | None, clock: Clock) -> Self | None:
        """Open the keys at start; None where neither a folder nor PEM text is given.  Raises KeyringError."""
        if pem is not None:
            return cls(keyring_from_pem(pem, clock()), None, clock)
        return None if folder is None else cls(open_keyring(folder, clock()), folder, clock)

    def jwks(self) -> dict[str, object]:
        """Return what `/.well-known/audit-keys.json` answers: every key of the ring, whatever its time."""
        return {"keys": [key.public_jwk() for key in self._current().keys]}

    def sign(self, payload: bytes, kind: str) -> str:
        """Sign a record of the audit log as a compact JWS whose header names its kind."""
        key = self._current().signer(self._clock())
        headers = {"kid": key.kid, "typ": kind}
        return jwt.api_jws.encode(payload, key.private, algorithm=ALGORITHM, headers=headers)

    def _current(self) -> Keyring:
        if self._folder is not None and self._monotonic() - self._looked >= _LOOK_EVERY_SECONDS:
            self._looked = self._monotonic()
            stamp = _stamp(self._folder)
            if stamp != self._seen:
                try:
                    self._ring, self._seen = read_keyring(self._folder), stamp
                except KeyringError as problem:  # being replaced, or damaged: the keys in memory are still good
                    _log.warning("audit_keys_not_read", problem=str(problem))
        return self._ring


def _stamp(folder: Path | None) -> tuple[int, int, int] | None:
    if folder is None:
        return None
    try:
        status = (folder / FILE_NAME).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
