"""Answers that come back to the loopback server of a browser sign-in, wanted and unwanted.

The whole flow with the real provider is in the tests of the command line.
"""

import base64
import json
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.client.stub import Reply, Stub
from tests.client.test_oidc import TOKENS, FakeProvider
from vendor.client import browser
from vendor.client.errors import BadAnswer, SignInNeeded
from vendor.client.oidc import Tokens


@pytest.fixture
def fake(stub: Stub) -> FakeProvider:
    made = FakeProvider(stub)
    made.metadata["authorization_endpoint"] = f"{stub.url}/authorize"
    return made


def id_token(nonce: str) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps({'nonce': nonce}).encode()).decode().rstrip('=')}.sig"


class Person:
    """Somebody whose browser answers as a test wants, in a thread of its own."""

    def __init__(self, fake: FakeProvider, answer: Callable[[str, dict[str, str]], None]) -> None:
        self.fake, self.answer = fake, answer
        self.asked: dict[str, str] = {}

    def sign_in(self, wait: float = 5.0) -> Tokens:
        def show(url: str) -> None:
            self.asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
            if self.fake.token == [Reply(200, TOKENS)]:
                self.fake.token = [Reply(200, {**TOKENS, "id_token": id_token(self.asked["nonce"])})]
            threading.Thread(target=self.answer, args=(self.asked["redirect_uri"], self.asked), daemon=True).start()

        with self.fake.open() as provider:
            return browser.sign_in(provider, show=show, wait=wait)


def visit(uri: str, **query: str) -> httpx2.Response:
    return httpx2.get(uri, params=query, trust_env=False)


def test_a_sign_in(fake: FakeProvider) -> None:
    person = Person(
        fake, lambda uri, asked: _ignore(visit(uri, state=asked["state"], code="the-code", iss=fake.stub.url))
    )
    tokens = person.sign_in()

    assert set(tokens.found) == {"id_token", "access_token"}
    assert person.asked["code_challenge_method"] == "S256"
    assert person.asked["redirect_uri"].startswith("http://127.0.0.1:")
    sent = {name: values[0] for name, values in parse_qs(fake.stub.seen[-1].body.decode()).items()}
    assert sent["code"] == "the-code"
    assert sent["redirect_uri"] == person.asked["redirect_uri"]
    assert sent["code_verifier"] not in json.dumps(person.asked)


def _ignore(_: object) -> None:
    """A thread's answer is nobody's."""


def test_strangers_keep_no_browser_out(fake: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes all places and says nothing is hung up on for the next one."""
    monkeypatch.setattr(browser, "MOST_CONNECTIONS", 2)
    monkeypatch.setattr(browser, "STRANGER", 0.1)
    threads = threading.active_count()
    most: list[int] = []

    def answer(uri: str, asked: dict[str, str]) -> None:
        with ExitStack() as idle:
            for _ in range(6):
                idle.enter_context(socket.create_connection(("127.0.0.1", urlsplit(uri).port or 0), timeout=5))
            visit(uri, state=asked["state"], code="the-code", iss=fake.stub.url)
            most.append(threading.active_count())

    assert set(Person(fake, answer).sign_in(wait=20.0).found) == {"id_token", "access_token"}
    assert most[0] <= threads + 2 + 2  # the server and the person have one each


def test_strangers_change_nothing(fake: FakeProvider) -> None:
    statuses: list[int] = []

    def answer(uri: str, asked: dict[str, str]) -> None:
        base = uri.removesuffix("/callback")
        statuses.extend(
            [
                visit(f"{base}/favicon.ico").status_code,
                visit(uri).status_code,
                visit(uri, code="stolen").status_code,
                visit(uri, state="", code="stolen").status_code,
                visit(uri, state="guessed", code="stolen").status_code,
                httpx2.get(f"{uri}?state={asked['state']}&state=x&code=stolen", trust_env=False).status_code,
                visit(f"{base}/other", state=asked["state"], code="stolen").status_code,
                visit(uri, **{f"n{number}": "x" for number in range(30)}).status_code,
            ]
        )
        visit(uri, state=asked["state"], code="right")
        with suppress(httpx2.HTTPError):  # the server may have gone home by now
            visit(uri, state=asked["state"], code="second")

    Person(fake, answer).sign_in()

    assert statuses == [404] * 8
    assert b"code=right" in fake.stub.seen[-1].body


@pytest.mark.parametrize(
    ("query", "says"),
    [
        pytest.param({"error": "access_denied"}, "access_denied", id="denied"),
        pytest.param({"error": "\x1b[2Jx"}, r"\(\[2Jx\)", id="escape-in-error"),
        pytest.param({}, "no code", id="nothing"),
        pytest.param({"code": "c", "iss": "https://other.example"}, "another identity provider", id="mix-up"),
    ],
)
def test_refusals(fake: FakeProvider, query: dict[str, str], says: str) -> None:
    person = Person(fake, lambda uri, asked: _ignore(visit(uri, state=asked["state"], **query)))
    with pytest.raises(SignInNeeded, match=says):
        person.sign_in()


def test_an_id_token_of_another_sign_in(fake: FakeProvider) -> None:
    fake.token = [Reply(200, {**TOKENS, "id_token": id_token("of another one")})]
    person = Person(fake, lambda uri, asked: _ignore(visit(uri, state=asked["state"], code="c")))
    with pytest.raises(BadAnswer, match="another sign-in"):
        person.sign_in()


def test_a_code_that_is_refused(fake: FakeProvider) -> None:
    fake.token = [Reply(400, {"error": "invalid_grant"})]
    person = Person(fake, lambda uri, asked: _ignore(visit(uri, state=asked["state"], code="c")))
    with pytest.raises(SignInNeeded, match="invalid_grant"):
        person.sign_in()


def test_nobody_comes(fake: FakeProvider) -> None:
    with pytest.raises(SignInNeeded, match="in time"):
        Person(fake, lambda *_: None).sign_in(wait=0.3)


def test_a_provider_without_it(fake: FakeProvider) -> None:
    del fake.metadata["authorization_endpoint"]
    with pytest.raises(SignInNeeded, match="no sign-in by browser"):
        Person(fake, lambda *_: None).sign_in()
