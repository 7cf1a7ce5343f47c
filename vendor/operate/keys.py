"""`vendor keys`: look at the gateway's signing keys, and rotate them while gateways run.

A rotation makes the next key, which stores have had time to learn, the one that signs, publishes a fresh next key, and
keeps the old one published until the last lease that it vouched for has ended.  Running gateways see the new ring
within a second.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vendor.identity.keyring import Keyring, read_keyring, rotate_keyring
from vendor.times import Clock, rfc3339

LEAD_SECONDS = 600.0
"""How long a key is published before it signs: the time stores may take to look at the key set again."""
KEEP_SECONDS = 43_200.0
"""How long a retired key stays published: the longest lease that a store gives."""


@dataclass(frozen=True, slots=True)
class KeyState:
    """One key, and what it is at present: `signs`, `next`, `waits` (to sign soon) or `retired`."""

    kid: str
    state: str
    created_at: float
    signs_from: float | None
    published_until: float | None


@dataclass(frozen=True, slots=True)
class KeysReport:
    """All keys of an issuer; no key material."""

    folder: Path
    keys: tuple[KeyState, ...]

    def lines(self) -> Iterator[str]:
        """Render the report for a person."""
        for key in self.keys:
            until = f", published until {rfc3339(key.published_until)}" if key.published_until is not None else ""
            since = f", signs from {rfc3339(key.signs_from)}" if key.state == "waits" and key.signs_from else ""
            yield f"{key.state:8}{key.kid}  made {rfc3339(key.created_at)}{since}{until}"

    def as_json(self) -> dict[str, object]:
        """Render the report for a program."""
        return {
            "keys": [
                {
                    "kid": key.kid,
                    "state": key.state,
                    "created_at": rfc3339(key.created_at),
                    "signs_from": None if key.signs_from is None else rfc3339(key.signs_from),
                    "published_until": None if key.published_until is None else rfc3339(key.published_until),
                }
                for key in self.keys
            ]
        }


def rotate(
    folder: Path,
    *,
    lead_seconds: float = LEAD_SECONDS,
    keep_seconds: float = KEEP_SECONDS,
    clock: Clock = time.time,
) -> KeysReport:
    """Rotate the keys in `folder`, which must hold a ring.  Raises KeyringError.

    With `lead_seconds=0` the next key signs at once, for a key that has leaked; with `keep_seconds=0` the old one is
    no longer published from then on, which also ends what stores have not yet redeemed.
    """
    now = clock()
    return _report(folder, rotate_keyring(folder, now=now, lead_seconds=lead_seconds, keep_seconds=keep_seconds), now)


def show(folder: Path, *, clock: Clock = time.time) -> KeysReport:
    """Say which keys there are.  Raises KeyringError."""
    return _report(folder, read_keyring(folder), clock())


def _report(folder: Path, ring: Keyring, now: float) -> KeysReport:
    signer = ring.signer(now).kid
    return KeysReport(
        folder,
        tuple(
            KeyState(
                key.kid,
                _state(key.kid == signer, key.signs_from, key.published_until, now),
                key.created_at,
                key.signs_from,
                key.published_until,
            )
            for key in ring.published(now)
        ),
    )


def _state(signs: bool, signs_from: float | None, published_until: float | None, now: float) -> str:
    if signs:
        return "signs"
    if published_until is not None:
        return "retired"
    return "waits" if signs_from is not None and signs_from > now else "next"
