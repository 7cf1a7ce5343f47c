"""The gateway's signing keys in one file, `keyring.json`, of a folder that only the gateway may read.

One key signs, the next one is already published so that stores know it before it signs, and retired ones stay published
until the last lease that they vouched for has ended.  The file is replaced in one rename, so a reader sees the old ring
or the new one; rings are made and rotated under a lock, so that replicas that start together make one ring.
"""

import fcntl
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt.algorithms import ECAlgorithm

from vendor.identity.jwk import thumbprint
from vendor.secret import Secret

FILE_NAME = "keyring.json"
ALGORITHM = "ES256"
_PEM_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)
_SINGLE_KEY_HINT = "make one with: openssl ecparam -name prime256v1 -genkey -noout"


class KeyringError(Exception):
    """The keys cannot be used; the message says where and why, and never holds key material."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One ES256 key and its times, in seconds since the epoch.

    `signs_from` is None for the next key, which is only published so far; `published_until` is None for a key that is
    in use or will be.  The thumbprint of the public key is its name (`kid`).
    """

    private: ec.EllipticCurvePrivateKey
    kid: str
    created_at: float
    signs_from: float | None
    published_until: float | None = None

    @classmethod
    def generate(cls, *, now: float, signs_from: float | None) -> Self:
        """Make a new key."""
        return cls.of(ec.generate_private_key(ec.SECP256R1()), now=now, signs_from=signs_from)

    @classmethod
    def of(cls, private: ec.EllipticCurvePrivateKey, *, now: float, signs_from: float | None) -> Self:
        """Wrap an existing private key."""
        return cls(private, thumbprint(_public_jwk(private)), now, signs_from)

    def derived(self, purpose: str) -> bytes:
        """Return a secret for another purpose; it tells nothing about the key, or about those of other purposes."""
        scalar = self.private.private_numbers().private_value.to_bytes(32, "big")
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode("utf-8")).derive(scalar)

    def public_jwk(self) -> dict[str, object]:
        """Return the public half as stores want it: with `alg`, `use` and `kid`."""
        return {**_public_jwk(self.private), "alg": ALGORITHM, "use": "sig", "kid": self.kid}


@dataclass(frozen=True, slots=True)
class Keyring:
    """All keys of one issuer, oldest first."""

    keys: tuple[SigningKey, ...]

    def signer(self, now: float) -> SigningKey:
        """Return the key that signs at `now`: of those that may, the one that came last."""
        started = [key for key in self.published(now) if key.signs_from is not None and key.signs_from <= now]
        if not started:
            raise KeyringError("No key in the ring may sign yet; is this machine's clock behind?")
        return max(reversed(started), key=lambda key: key.signs_from or 0.0)  # of two at the same moment the newer

    def published(self, now: float) -> tuple[SigningKey, ...]:
        """Return the keys that stores should accept at `now`."""
        return tuple(key for key in self.keys if key.published_until is None or key.published_until > now)

    def rotated(self, *, now: float, lead_seconds: float, keep_seconds: float) -> Self:
        """Return the ring in which the next key signs, a new next key is published, and the old key only retires.

        A next key that has not been published for `lead_seconds` yet starts to sign when it has; until then the old
        one goes on.  The old key stays published for `keep_seconds` after its last signature.
        """
        waiting = [key for key in self.keys if key.signs_from is None] or [
            SigningKey.generate(now=now, signs_from=None)
        ]
        upcoming = waiting[0]
        starts = max(now, upcoming.created_at + lead_seconds)
        kept = [
            replace(key, published_until=key.published_until or starts + keep_seconds)
            for key in self.published(now)
            if key.signs_from is not None
        ]
        fresh = waiting[1:] or [SigningKey.generate(now=now, signs_from=None)]
        return type(self)((*kept, replace(upcoming, signs_from=starts), *fresh))


def new_keyring(now: float) -> Keyring:
    """Make the ring of a new issuer: one key that signs and the next one."""
    first = SigningKey.generate(now=now, signs_from=now)
    return Keyring((first, SigningKey.generate(now=now, signs_from=None)))


def keyring_from_pem(pem: Secret, now: float) -> Keyring:
    """Read a ring from PEM text: the first private key signs, further ones are only published."""
    blocks = _PEM_KEY.findall(pem.reveal().replace("\\n", "\n"))  # some environments cannot carry line ends
    if not blocks:
        raise KeyringError(f"The issuer's key is not PEM text; {_SINGLE_KEY_HINT}.")
    keys = [_private_key(block) for block in blocks]
    first = SigningKey.of(keys[0], now=0.0, signs_from=0.0)
    return Keyring((first, *(SigningKey.of(key, now=now, signs_from=None) for key in keys[1:])))


def open_keyring(folder: Path, now: float) -> Keyring:
    """Read the ring of `folder`, or make one if the folder is empty or missing."""
    file = folder / FILE_NAME
    if not file.exists():
        with _locked(folder):
            if not file.exists():
                _refuse_strangers(folder)
                _write(file, new_keyring(now))
    return read_keyring(folder)


def read_keyring(folder: Path) -> Keyring:
    """Read the ring of `folder`; a file that others may read or write is refused."""
    file = folder / FILE_NAME
    try:
        if file.stat().st_mode & 0o007:
            raise KeyringError(f"{file} is open to every user of this machine; chmod 600 it.")
        return _from_json(json.loads(file.read_text("utf-8")))
    except OSError as problem:
        raise KeyringError(f"{file} cannot be read: {problem.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise KeyringError(f"{file} is not a keyring.") from None


def rotate_keyring(folder: Path, *, now: float, lead_seconds: float, keep_seconds: float) -> Keyring:
    """Rotate the ring of `folder` and write it back; gateways that run pick it up by themselves."""
    with _locked(folder):
        ring = read_keyring(folder).rotated(now=now, lead_seconds=lead_seconds, keep_seconds=keep_seconds)
        _write(folder / FILE_NAME, ring)
    return ring


def _public_jwk(private: ec.EllipticCurvePrivateKey) -> dict[str, object]:
    return dict(ECAlgorithm.to_jwk(private.public_key(), as_dict=True))


def _private_key(pem: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem.encode("ascii"), password=None)
    except (ValueError, TypeError, UnicodeEncodeError):
        raise KeyringError(
            f"A key of the issuer is not a readable, unencrypted private key; {_SINGLE_KEY_HINT}."
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyringError(f"The issuer signs with ES256, so its keys are on the curve P-256; {_SINGLE_KEY_HINT}.")
    return key


def _from_json(document: Mapping[str, object]) -> Keyring:
    if document["version"] != 1:
        raise KeyringError("The keyring is of a version that this release does not know.")
    entries = document["keys"]
    if not isinstance(entries, list) or not entries:
        raise ValueError
    return Keyring(tuple(_key_from_json(entry) for entry in entries))


def _key_from_json(entry: Mapping[str, object]) -> SigningKey:
    private = _private_key(str(entry["private_key"]))
    key = SigningKey.of(private, now=_time(entry["created_at"]) or 0.0, signs_from=_time(entry["signs_from"]))
    return replace(key, published_until=_time(entry["published_until"]))


def _time(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _write(file: Path, ring: Keyring) -> None:
    document = {
        "version": 1,
        "keys": [
            {
                "kid": key.kid,
                "created_at": key.created_at,
                "signs_from": key.signs_from,
                "published_until": key.published_until,
                "private_key": _pem(key.private),
            }
            for key in ring.keys
        ],
    }
    descriptor, scratch = tempfile.mkstemp(dir=file.parent, prefix=".keyring-")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(document, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        Path(scratch).replace(file)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")


def _refuse_strangers(folder: Path) -> None:
    """A folder that holds something else was named by mistake; making keys there would hide that."""
    if any(not entry.name.startswith(".") for entry in folder.iterdir()):
        raise KeyringError(f"{folder} holds files but no {FILE_NAME}; name the issuer's own folder, or an empty one.")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        raise KeyringError(f"{folder} cannot be written: {problem.strerror}.") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
