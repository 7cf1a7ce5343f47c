"""The keys of the audit log: a rotation while a gateway runs, and a ring that cannot be read for a moment."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from structlog.testing import capture_logs

from tests.identity.test_key_cache import Time
from vendor.identity.keyring import FILE_NAME, KeyringError, open_keyring
from vendor.identity.seal import SealKeys
from vendor.operate.keys import rotate
from vendor.sealed.keys import read_keys


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit-keys"


@pytest.fixture
def seal(folder: Path, clock: Time) -> SealKeys:
    return SealKeys(open_keyring(folder, clock()), folder, clock, clock)


def kid(seal: SealKeys) -> str:
    """Who signs now; what they sign is checked with the published keys."""
    record = seal.sign(b"record", "vendor-test")
    keys = jwt.PyJWKSet.from_dict(json.loads(json.dumps(seal.jwks())))
    signer = str(jwt.get_unverified_header(record)["kid"])
    assert jwt.api_jws.decode(record, keys[signer].key, algorithms=["ES256"]) == b"record"
    return signer


def kids(seal: SealKeys) -> list[str]:
    keys: Any = seal.jwks()["keys"]
    return [key["kid"] for key in keys]


def test_a_rotation_is_seen_without_a_restart(seal: SealKeys, folder: Path, clock: Time) -> None:
    old, upcoming = kids(seal)
    assert kid(seal) == old

    rotate(folder, lead_seconds=0, clock=clock)
    assert kid(seal) == old  # the folder is looked at once a second
    clock.now += 1
    assert kid(seal) == upcoming
    assert kids(seal)[:2] == [old, upcoming]  # older checkpoints are still proved by what is published


def test_a_retired_key_is_published_past_its_time(seal: SealKeys, folder: Path, clock: Time) -> None:
    old, _ = kids(seal)
    rotate(folder, lead_seconds=0, keep_seconds=60, clock=clock)
    clock.now += 3600
    assert old in kids(seal)  # the log that it sealed is there longer than a lease
    assert len(read_keys(json.dumps(seal.jwks())).by_kid) == 3


@pytest.mark.parametrize("damage", [b"", b"{", b'{"keys": []}', b"\xff\xfe"])
def test_a_damaged_ring_leaves_the_last_good_one(seal: SealKeys, folder: Path, clock: Time, damage: bytes) -> None:
    old, upcoming = kids(seal)
    whole = (folder / FILE_NAME).read_bytes()
    (folder / FILE_NAME).write_bytes(damage)
    clock.now += 2
    with capture_logs() as said:
        assert kid(seal) == old
    assert [(line["event"], line["log_level"]) for line in said] == [("audit_keys_not_read", "warning")]

    (folder / FILE_NAME).write_bytes(whole)
    rotate(folder, lead_seconds=0, clock=clock)
    clock.now += 2
    assert kid(seal) == upcoming


def test_a_folder_that_went_away_leaves_the_last_good_ring(seal: SealKeys, folder: Path, clock: Time) -> None:
    old, _ = kids(seal)
    (folder / FILE_NAME).unlink()
    clock.now += 2
    assert kid(seal) == old


def test_a_gateway_does_not_start_on_a_damaged_ring(seal: SealKeys, folder: Path, clock: Time) -> None:
    (folder / FILE_NAME).write_bytes(b"{")
    with pytest.raises(KeyringError):
        SealKeys.open(folder=folder, pem=None, clock=clock)
    assert kids(seal)
