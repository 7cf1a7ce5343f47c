"""Stored sign-ins: when their token is used, refreshed or refused."""

import json
from pathlib import Path

import pytest

from vendor.client import signin
from vendor.client.answers import IssuerHint
from vendor.client.errors import SignInNeeded, Unavailable, UnsafeFile
from vendor.client.signin import SignIn, SignIns, expiry
from vendor.secret import RawToken, Secret

GATEWAY = "https://vendor.example"
HINT = IssuerHint("https://idp.example", "vendor", ("openid",), "id_token")
NOW = 1_000_000.0


@pytest.fixture
def sign_ins(tmp_path: Path) -> SignIns:
    return SignIns(tmp_path / "sign-ins", clock=lambda: NOW)


def kept(seconds_left: float | None, *, refreshable: bool = True) -> SignIn:
    ends = None if seconds_left is None else NOW + seconds_left
    return SignIn(GATEWAY, RawToken("old"), ends, HINT, Secret("rt") if refreshable else None)


def test_what_was_saved_is_loaded(sign_ins: SignIns) -> None:
    assert sign_ins.load("work") is None
    for sign_in in (kept(5), kept(None, refreshable=False), SignIn(GATEWAY, RawToken("t"))):
        sign_ins.save("work", sign_in)
        assert sign_ins.load("work") == sign_in
    assert sign_ins.remove("work")
    assert not sign_ins.remove("work")


def test_a_refresh_happens_in_time_and_is_kept(sign_ins: SignIns, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[SignIn] = []

    def refresh(sign_in: SignIn, **_: object) -> SignIn:
        calls.append(sign_in)
        return SignIn(GATEWAY, RawToken("new"), NOW + 3600, HINT, Secret("rt2"))

    monkeypatch.setattr(signin, "refreshed", refresh)
    sign_ins.save("work", kept(61))
    assert sign_ins.token("work", GATEWAY).reveal() == "old"
    sign_ins.save("work", kept(59))
    assert sign_ins.token("work", GATEWAY).reveal() == "new"
    assert sign_ins.token("work", GATEWAY).reveal() == "new"
    assert len(calls) == 1


@pytest.mark.parametrize(("left", "served"), [(30, True), (4, False), (-10, False)])
def test_a_provider_that_is_away_does_not_end_a_token_that_lives(
    sign_ins: SignIns, monkeypatch: pytest.MonkeyPatch, left: float, served: bool
) -> None:
    def away(*_: object, **__: object) -> SignIn:
        raise Unavailable("away")

    monkeypatch.setattr(signin, "refreshed", away)
    sign_ins.save("work", kept(left))
    if served:
        assert sign_ins.token("work", GATEWAY).reveal() == "old"
    else:
        with pytest.raises(Unavailable):
            sign_ins.token("work", GATEWAY)


@pytest.mark.parametrize(("left", "served"), [(30, True), (None, True), (0, False), (-1, False)])
def test_a_token_that_cannot_be_refreshed_is_used_to_its_end(
    sign_ins: SignIns, left: float | None, served: bool
) -> None:
    sign_ins.save("work", kept(left, refreshable=False))
    if served:
        assert sign_ins.token("work", GATEWAY).reveal() == "old"
    else:
        with pytest.raises(SignInNeeded, match="ended at 1970"):
            sign_ins.token("work", GATEWAY)


def test_another_gateway_gets_nothing(sign_ins: SignIns) -> None:
    sign_ins.save("work", kept(None))

    for other in ("https://vendor.example.org", "https://vendor.example/x", "http://vendor.example"):
        with pytest.raises(SignInNeeded, match="not at"):
            sign_ins.token("work", other)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"version": 2}',
        b'{"version": 1, "gateway": "https://x"}',
        b'{"version": 1, "gateway": "https://x", "token": "a\\nb"}',
        b'{"version": 1, "gateway": "https://x", "token": "t", "refresh_token": 7}',
        b'{"version": 1, "gateway": "https://x", "token": "t", "provider": []}',
        b'{"version": 1, "gateway": "https://x", "token": "t", "provider": {"issuer": 1}}',
        b"\xff\xfe",
        b"[" * 200_000,
    ],
)
def test_a_damaged_file_is_said_and_not_used(sign_ins: SignIns, content: bytes) -> None:
    sign_ins.save("work", kept(None))
    sign_ins.path("work").write_bytes(content)

    with pytest.raises(UnsafeFile, match="damaged"):
        sign_ins.load("work")


def _jwt(claims: object) -> RawToken:
    import base64

    return RawToken("e30." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".sig")


@pytest.mark.parametrize(
    ("token", "expires_in", "expected"),
    [
        pytest.param(_jwt({"exp": 123}), 60, 123.0, id="its-own-claim"),
        pytest.param(_jwt({}), 60, NOW + 60, id="as-announced"),
        pytest.param(_jwt({"exp": "soon"}), None, None, id="no-time"),
        pytest.param(_jwt({"exp": True}), None, None, id="boolean"),
        pytest.param(_jwt({"exp": 1e300}), None, None, id="beyond-any-calendar"),
        pytest.param(_jwt([]), None, None, id="no-object"),
        pytest.param(RawToken("a.%%%.c"), None, None, id="no-base64"),
        pytest.param(RawToken("GZEKKKSQ7AX4"), None, None, id="opaque"),
    ],
)
def test_when_a_token_ends(token: RawToken, expires_in: int | None, expected: float | None) -> None:
    assert expiry(token, expires_in, lambda: NOW) == expected
