"""The gateway's own issuer: its tokens, its keys, and their rotation while it runs."""

import fcntl
import json
import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.identity.test_key_cache import Time
from vendor.errors import InvalidToken
from vendor.identity.authenticator import open_authenticator
from vendor.identity.issuer import TOKEN_TYPE, OwnIssuer
from vendor.identity.keyring import KeyringError, open_keyring, read_keyring
from vendor.operate.keys import rotate, show
from vendor.secret import RawToken, Secret

URL = "https://vendor.example.org"


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def issuer(folder: Path, clock: Time) -> OwnIssuer:
    return OwnIssuer.open(url=URL, keys_folder=folder, key_pem=None, clock=clock, monotonic=clock)


def signed(issuer: OwnIssuer, clock: Time, **claims: Any) -> str:
    token = issuer.sign(subject="l_1", audience="store", lifetime_ends=clock() + 60.9, claims=claims)
    assert str(token) == "***"
    return token.reveal()


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def kids(issuer: OwnIssuer) -> list[str]:
    keys: Any = issuer.jwks()["keys"]
    return [key["kid"] for key in keys]


def verified(issuer: OwnIssuer, token: str) -> dict[str, Any]:
    """Verify as a store would: with an independent reading of the published keys."""
    keys = jwt.PyJWKSet.from_dict(json.loads(json.dumps(issuer.jwks())))
    found: dict[str, Any] = jwt.decode(
        token,
        keys[kid_of(token)].key,
        algorithms=["ES256"],
        audience="store",
        issuer=URL,
        options={"verify_exp": False, "verify_iat": False},
    )
    return found


def test_a_token_has_what_stores_look_at(issuer: OwnIssuer, clock: Time) -> None:
    token = signed(issuer, clock, policy="p1")
    found = verified(issuer, token)

    assert (found["aud"], found["azp"], found["sub"], found["policy"]) == ("store", "store", "l_1", "p1")
    assert (found["iat"], found["exp"]) == (int(clock()), int(clock() + 60.9))
    assert jwt.get_unverified_header(token)["typ"] == TOKEN_TYPE
    assert found["jti"] != verified(issuer, signed(issuer, clock))["jti"]


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "azp", "iat", "nbf", "exp", "jti"])
def test_claims_cannot_replace_those_of_the_issuer(issuer: OwnIssuer, clock: Time, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        signed(issuer, clock, **{name: "x"})


def test_discovery_and_keys_are_what_stores_need(issuer: OwnIssuer) -> None:
    document = issuer.discovery()
    assert (document["issuer"], document["jwks_uri"]) == (URL, f"{URL}/.well-known/jwks.json")
    keys: Any = issuer.jwks()["keys"]
    assert len(keys) == 2
    for key in keys:
        assert set(key) == {"kty", "crv", "x", "y", "alg", "use", "kid"}
        assert (key["alg"], key["use"], key["crv"]) == ("ES256", "sig", "P-256")


def test_the_keys_outlive_the_process(issuer: OwnIssuer, folder: Path, clock: Time) -> None:
    again = OwnIssuer.open(url=URL, keys_folder=folder, key_pem=None, clock=clock)
    assert again.jwks() == issuer.jwks()
    verified(again, signed(issuer, clock))


def test_a_rotation_publishes_before_it_signs_and_keeps_the_old(issuer: OwnIssuer, folder: Path, clock: Time) -> None:
    old, upcoming = kids(issuer)
    before = signed(issuer, clock)
    assert kid_of(before) == old

    rotate(folder, lead_seconds=600, keep_seconds=3600, clock=clock)
    clock.now += 2
    assert kids(issuer)[:2] == [old, upcoming]
    assert len(kids(issuer)) == 3
    assert kid_of(signed(issuer, clock)) == old  # the next key has been published for too short a time
    clock.now += 600
    assert kid_of(signed(issuer, clock)) == upcoming
    verified(issuer, before)
    clock.now += 3600
    assert old not in kids(issuer)
    assert len(kids(issuer)) == 2


def test_a_key_that_stores_have_had_time_to_learn_signs_at_once(issuer: OwnIssuer, folder: Path, clock: Time) -> None:
    _, upcoming = kids(issuer)
    clock.now += 601
    rotate(folder, lead_seconds=600, clock=clock)
    clock.now += 2
    assert kid_of(signed(issuer, clock)) == upcoming


def test_a_leaked_key_is_dropped_at_once(issuer: OwnIssuer, folder: Path, clock: Time) -> None:
    old, upcoming = kids(issuer)
    rotate(folder, lead_seconds=0, keep_seconds=0, clock=clock)
    clock.now += 2
    assert kid_of(signed(issuer, clock)) == upcoming
    assert old not in kids(issuer)


def test_of_two_keys_of_the_same_moment_the_newer_signs(issuer: OwnIssuer, folder: Path, clock: Time) -> None:
    _, upcoming = kids(issuer)
    rotate(folder, lead_seconds=0, keep_seconds=3600, clock=clock)
    clock.now += 2
    assert kid_of(signed(issuer, clock)) == upcoming


def test_many_rotations_in_a_row_lose_nothing(issuer: OwnIssuer, folder: Path, clock: Time) -> None:
    tokens = []
    for _ in range(8):
        tokens.append(signed(issuer, clock))
        rotate(folder, lead_seconds=600, keep_seconds=3600, clock=clock)
        clock.now += 100
        for token in tokens:
            verified(issuer, token)
    clock.now += 10_000
    rotate(folder, clock=clock)
    assert len(read_keyring(folder).keys) == 3  # what is no longer published is forgotten


def test_the_report_names_no_secret(issuer: OwnIssuer, folder: Path, clock: Time) -> None:
    report = rotate(folder, clock=clock)
    assert [key.state for key in report.keys] == ["signs", "waits", "next"]
    clock.now += 601
    assert [key.state for key in show(folder, clock=clock).keys] == ["retired", "signs", "next"]
    text = "\n".join(report.lines()) + json.dumps(report.as_json())
    assert kids(issuer)[0] in text
    assert "PRIVATE" not in text + repr(report)


def test_a_damaged_ring_leaves_the_keys_in_memory(issuer: OwnIssuer, folder: Path, clock: Time) -> None:
    before = issuer.jwks()
    (folder / "keyring.json").write_text("{")
    clock.now += 2
    assert issuer.jwks() == before
    signed(issuer, clock)
    (folder / "keyring.json").unlink()
    clock.now += 2
    signed(issuer, clock)


def test_the_ring_is_looked_at_once_a_second_at_most(
    issuer: OwnIssuer, folder: Path, clock: Time, monkeypatch: Any
) -> None:
    looks = 0
    real = Path.stat

    def stat(self: Path, **more: Any) -> os.stat_result:
        nonlocal looks
        looks += self.name == "keyring.json"
        return real(self, **more)

    monkeypatch.setattr(Path, "stat", stat)
    for _ in range(100):
        signed(issuer, clock)
        clock.now += 0.02
    assert looks <= 3


def test_only_the_gateway_may_read_the_keys(issuer: OwnIssuer, folder: Path, clock: Time) -> None:
    file = folder / "keyring.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    file.chmod(0o604)
    with pytest.raises(KeyringError, match="chmod 600"):
        OwnIssuer.open(url=URL, keys_folder=folder, key_pem=None, clock=clock)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"version": 1, "keys": []}',
        '{"version": 2, "keys": [{}]}',
        '{"version": 1, "keys": [{"private_key": "x"}]}',
        '{"version": 1, "keys": [{"private_key": "x", "created_at": 1, "signs_from": "x", "published_until": null}]}',
    ],
)
def test_a_file_that_is_no_ring_is_refused(folder: Path, text: str, clock: Time) -> None:
    folder.mkdir()
    (folder / "keyring.json").write_text(text)
    (folder / "keyring.json").chmod(0o600)
    with pytest.raises(KeyringError):
        OwnIssuer.open(url=URL, keys_folder=folder, key_pem=None, clock=clock)


def test_a_folder_of_something_else_is_left_alone(folder: Path, clock: Time) -> None:
    folder.mkdir()
    (folder / "precious.txt").write_text("x")
    with pytest.raises(KeyringError, match="holds files but no"):
        OwnIssuer.open(url=URL, keys_folder=folder, key_pem=None, clock=clock)
    assert [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")] == ["precious.txt"]


def _open_in_a_process(folder: str, start: Any, found: Any) -> None:
    start.wait()
    found.put([key.kid for key in open_keyring(Path(folder), time.time()).keys])


def test_replicas_that_start_together_make_one_ring(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start, found = context.Event(), context.Queue()
    processes = [context.Process(target=_open_in_a_process, args=(str(folder), start, found)) for _ in range(3)]
    for process in processes:
        process.start()
    start.set()
    rings = [found.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    assert rings[0] == rings[1] == rings[2]


def test_whoever_waits_for_the_lock_takes_the_ring_that_was_made_meanwhile(folder: Path, tmp_path: Path) -> None:
    made = [key.kid for key in open_keyring(tmp_path / "elsewhere", 0.0).keys]
    folder.mkdir()
    with (folder / ".lock").open("w") as lock, ThreadPoolExecutor(1) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = pool.submit(open_keyring, folder, time.time())
        with pytest.raises(TimeoutError):
            waiting.result(0.3)
        (tmp_path / "elsewhere" / "keyring.json").rename(folder / "keyring.json")
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert [key.kid for key in waiting.result(10).keys] == made


def pem(key: Any) -> str:
    form, encryption = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return str(key.private_bytes(serialization.Encoding.PEM, form, encryption).decode())


def from_pem(text: str, clock: Time) -> OwnIssuer:
    return OwnIssuer.open(url=URL, keys_folder=None, key_pem=Secret(text), clock=clock)


def test_keys_from_the_environment(clock: Time) -> None:
    one, two = (pem(ec.generate_private_key(ec.SECP256R1())) for _ in range(2))
    first = from_pem(one, clock)
    assert kids(from_pem(one.replace("\n", "\\n"), clock)) == kids(first)
    both = from_pem(one + two, clock)
    assert kids(both)[0] == kids(first)[0] == kid_of(signed(both, clock))
    swapped = from_pem(two + one, clock)
    assert set(kids(swapped)) == set(kids(both))
    verified(swapped, signed(both, clock))
    assert kid_of(signed(swapped, clock)) == kids(both)[1]


def test_openssls_parameter_block_is_passed_over(clock: Time) -> None:
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    key = ec.generate_private_key(ec.SECP256R1())
    form, encryption = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, form, encryption).decode()
    assert len(kids(from_pem(parameters + text, clock))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "canary-not-a-key",
        "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----",
        pem(rsa.generate_private_key(65537, 2048)),
        pem(ec.generate_private_key(ec.SECP384R1())),
    ],
    ids=["empty", "text", "broken", "rsa", "p-384"],
)
def test_other_keys_are_refused_without_showing_them(text: str, clock: Time) -> None:
    with pytest.raises(KeyringError) as refused:
        from_pem(text, clock)
    assert "canary" not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_exactly_one_source_of_keys(folder: Path, clock: Time) -> None:
    for keys_folder, key_pem in ((None, None), (folder, Secret("x"))):
        with pytest.raises(KeyringError, match="exactly one"):
            OwnIssuer.open(url=URL, keys_folder=keys_folder, key_pem=key_pem, clock=clock)


def test_seals_belong_to_the_ring_and_the_purpose(issuer: OwnIssuer, folder: Path, clock: Time, tmp_path: Path) -> None:
    sealed = issuer.seal("a", b"data")
    assert issuer.unseal("a", sealed) == b"data"
    assert issuer.unseal("b", sealed) is None
    assert issuer.unseal("a", sealed[:-1] + b"x") is None
    assert issuer.unseal("a", b"") is None
    other = OwnIssuer.open(url=URL, keys_folder=tmp_path / "other", key_pem=None, clock=clock)
    assert other.unseal("a", sealed) is None
    rotate(folder, lead_seconds=0, clock=clock)
    clock.now += 2
    assert issuer.unseal("a", sealed) == b"data"


async def test_its_tokens_are_no_identity(issuer: OwnIssuer, clock: Time, trust_file: Path) -> None:
    trust_file.write_text("version = 1\n", encoding="utf-8")  # noqa: ASYNC240  one line, at the start
    async with open_authenticator(trust_file=trust_file, own_issuer_url=URL, clock=clock) as door:
        with pytest.raises(InvalidToken) as refused:
            await door.authenticate(RawToken(signed(issuer, clock)))
        assert refused.value.details["reason"] == "own"
    async with open_authenticator(trust_file=trust_file, own_issuer_url="https://moved.example", clock=clock) as door:
        with pytest.raises(InvalidToken) as refused:
            await door.authenticate(RawToken(signed(issuer, clock)))
        assert refused.value.details["reason"] == "own"
