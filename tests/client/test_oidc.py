"""Signing in at providers that do not behave.  The real one is used in the tests of the command line."""

import json
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest

from tests.client.stub import Reply, Seen, Stub
from vendor.client.answers import IssuerHint
from vendor.client.errors import BadAnswer, BadInput, ClientError, SignInNeeded, Unavailable
from vendor.client.oidc import DevicePrompt, Provider
from vendor.secret import Secret

DEVICE = {
    "device_code": "the-device-code",
    "user_code": "ABCD-EFGH",
    "verification_uri": "https://idp.example/device",
    "interval": 3,
    "expires_in": 60,
}
TOKENS = {"access_token": "at", "id_token": "it", "refresh_token": "rt", "expires_in": 300, "token_type": "Bearer"}


class FakeProvider:
    """A provider whose every endpoint can be made to answer something else."""

    def __init__(self, stub: Stub) -> None:
        self.stub = stub
        self.metadata: dict[str, object] = {
            "issuer": stub.url,
            "token_endpoint": f"{stub.url}/token",
            "device_authorization_endpoint": f"{stub.url}/device",
            "revocation_endpoint": f"{stub.url}/revoke",
        }
        self.device: Reply = Reply(200, DEVICE)
        self.token: list[Reply] = [Reply(200, TOKENS)]
        stub.answer = self._answer

    def _answer(self, seen: Seen) -> Reply:
        if seen.path == "/.well-known/openid-configuration":
            return Reply(200, self.metadata)
        if seen.path == "/device":
            return self.device
        return self.token.pop(0) if len(self.token) > 1 else self.token[0]

    def open(self, token: str | None = None) -> Provider:
        entry = {"issuer": self.stub.url, "client_id": "vendor", "scopes": ["openid"], "token": token}
        from vendor.client.answers import Reader

        return Provider(IssuerHint.read(Reader(entry)))


@pytest.fixture
def fake(stub: Stub) -> FakeProvider:
    return FakeProvider(stub)


class Time:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


def error(code: str) -> Reply:
    return Reply(400, {"error": code, "error_description": "because"})


def test_it_waits_as_the_provider_asks(fake: FakeProvider) -> None:
    fake.token = [
        error("authorization_pending"),
        error("slow_down"),
        error("authorization_pending"),
        Reply(200, TOKENS),
    ]
    time = Time()
    with fake.open() as provider:
        tokens = provider.finish_device(provider.begin_device(), sleep=time.sleep, clock=time.clock)

    assert time.slept == [3, 3, 8, 8]
    assert {kind: token.reveal() for kind, token in tokens.found.items()} == {"id_token": "it", "access_token": "at"}
    assert tokens.refresh_token == Secret("rt")
    asked = parse_qs(fake.stub.seen[-1].body.decode())
    assert asked == {
        "grant_type": ["urn:ietf:params:oauth:grant-type:device_code"],
        "device_code": ["the-device-code"],
        "client_id": ["vendor"],
    }


def test_a_failing_connection_is_tried_more_slowly(fake: FakeProvider) -> None:
    fake.token = [Reply(503, b"", "text/plain"), Reply(503, b"", "text/plain"), Reply(200, TOKENS)]
    time = Time()
    with fake.open() as provider:
        provider.finish_device(provider.begin_device(), sleep=time.sleep, clock=time.clock)

    assert time.slept == [3, 6, 12]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("access_denied", "denied"),
        ("expired_token", "in time"),
        ("invalid_client", "invalid_client: because"),
        ("\x1b[31mred", r"refused the sign-in \(\[31mred"),
    ],
)
def test_a_refusal_ends_the_wait(fake: FakeProvider, code: str, says: str) -> None:
    fake.token = [error(code)]
    time = Time()
    with fake.open() as provider, pytest.raises(SignInNeeded, match=says):
        provider.finish_device(provider.begin_device(), sleep=time.sleep, clock=time.clock)
    assert time.slept == [3]


def test_the_wait_ends_with_the_code(fake: FakeProvider) -> None:
    fake.token = [error("authorization_pending")]
    time = Time()
    with fake.open() as provider, pytest.raises(SignInNeeded, match="in time"):
        provider.finish_device(provider.begin_device(), sleep=time.sleep, clock=time.clock)
    assert time.now <= 60


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        pytest.param({"issuer": "https://other.example"}, BadAnswer, "calls itself", id="another-issuer"),
        pytest.param(
            {"device_authorization_endpoint": "http://evil.example/"}, BadInput, "plain http", id="plain-http"
        ),
        pytest.param({"device_authorization_endpoint": None}, SignInNeeded, "no device sign-in", id="no-device-flow"),
        pytest.param({"token_endpoint": None}, BadAnswer, "no token endpoint", id="no-token-endpoint"),
        pytest.param({"token_endpoint": "file:///etc/passwd"}, BadInput, "not of the form", id="file-as-endpoint"),
    ],
)
def test_metadata_that_is_not_trusted(
    fake: FakeProvider, change: dict[str, object], kind: type[ClientError], says: str
) -> None:
    fake.metadata |= change
    time = Time()
    with pytest.raises(kind, match=says), fake.open() as provider:
        provider.finish_device(provider.begin_device(), sleep=time.sleep, clock=time.clock)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param(Reply(200, {**DEVICE, "verification_uri": "javascript:alert(1)"}), BadAnswer, id="no-web-page"),
        pytest.param(Reply(200, {**DEVICE, "verification_uri": "https://x/\x1b]0;"}), BadAnswer, id="escape-in-uri"),
        pytest.param(Reply(200, {**DEVICE, "user_code": 7}), BadAnswer, id="code-no-text"),
        pytest.param(Reply(200, []), BadAnswer, id="list"),
        pytest.param(Reply(200, b"<html>", "text/html"), BadAnswer, id="html"),
        pytest.param(Reply(302, b"", headers={"location": "https://x"}), BadAnswer, id="redirect"),
        pytest.param(Reply(500, b""), Unavailable, id="500"),
        pytest.param(error("unauthorized_client"), SignInNeeded, id="refused"),
    ],
)
def test_a_device_sign_in_that_does_not_start(fake: FakeProvider, reply: Reply, kind: type[ClientError]) -> None:
    fake.device = reply
    with fake.open() as provider, pytest.raises(kind):
        provider.begin_device()


@pytest.mark.parametrize(
    ("interval", "expires_in", "expected"),
    [
        (None, None, (5.0, 600.0)),
        (0, 0, (1.0, 1.0)),
        (-5, 10**9, (1.0, 3600.0)),
        ("3", True, (5.0, 600.0)),
    ],
)
def test_times_are_kept_in_bounds(
    fake: FakeProvider, interval: object, expires_in: object, expected: tuple[float, float]
) -> None:
    fake.device = Reply(200, {**DEVICE, "interval": interval, "expires_in": expires_in})
    with fake.open() as provider:
        prompt: DevicePrompt = provider.begin_device()
    assert (prompt.interval, prompt.expires_in) == expected


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        pytest.param(error("invalid_grant"), SignInNeeded, "has ended", id="ended"),
        pytest.param(Reply(200, {"access_token": "at"}), BadAnswer, "sent no id_token", id="other-kind"),
        pytest.param(Reply(200, {"id_token": "a b"}), SignInNeeded, "not a token", id="no-token"),
        pytest.param(Reply(200, b"<html>", "text/html"), BadAnswer, "JSON", id="html"),
        pytest.param(Reply(302, b"", headers={"location": "https://x"}), Unavailable, "302", id="redirect"),
        pytest.param(Reply(503, {}), Unavailable, "503", id="503"),
    ],
)
def test_a_refresh_that_fails(fake: FakeProvider, reply: Reply, kind: type[ClientError], says: str) -> None:
    fake.token = [reply]
    with fake.open("id_token") as provider, pytest.raises(kind, match=says) as failed:
        provider.refresh(Secret("the-refresh-token"))
    assert "the-refresh-token" not in str(failed.value)


@pytest.mark.parametrize("make", [repr, str], ids=["repr", "str"])
def test_nothing_secret_is_shown(fake: FakeProvider, make: Callable[[object], str]) -> None:
    with fake.open() as provider:
        prompt = provider.begin_device()
        tokens = provider.refresh(Secret("old"))
    shown = make(prompt) + make(tokens)
    assert "the-device-code" not in shown
    assert json.dumps("rt") not in shown
    assert "'at'" not in shown
