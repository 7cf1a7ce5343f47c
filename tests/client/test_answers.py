"""What is made of whatever answers at the gateway's address."""

import ssl
import threading
from collections.abc import Callable

import pytest

from tests.client.certificates import self_signed
from tests.client.stub import Reply, Seen, Stub, stub_server
from vendor.client import http
from vendor.client.aio import AsyncClient
from vendor.client.calls import Ask, Wanted
from vendor.client.errors import BadAnswer, ClientError, GatewayError, SignInNeeded, Unavailable
from vendor.client.sync import Client
from vendor.client.tokens import fixed
from vendor.secret import RawToken

TOKEN = "the-token-of-this-test"
LEASE = {
    "lease": {
        "id": "l_1",
        "principal": "alice",
        "store": "default",
        "issued_at": "2026-11-21T06:00:00Z",
        "expires_at": "2026-11-21T07:00:00Z",
        "renewable_until": None,
        "refresh_after": "2026-11-21T06:30:00Z",
        "scope": [{"path": "s3://b-1/a/", "access": "read", "source": "home"}],
        "not_granted": [],
        "audit_context": {},
        "new_member": {"of": "a newer gateway"},
    },
    "credentials": {
        "access_key_id": "AK",
        "secret_access_key": "sk/secret",
        "session_token": "st-secret",
        "expiration": "2026-11-21T07:00:00Z",
    },
    "endpoint": {"url": "https://s3.example", "region": "us-east-1", "path_style": True},
}


def refusal(code: str, **more: object) -> dict[str, object]:
    return {"error": {"code": code, "message": "No.", "remedy": "Ask.", "details": {}, "request_id": "r_1", **more}}


def client_of(stub: Stub) -> Client:
    return Client(stub.url, fixed(RawToken(TOKEN)))


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest, stub: Stub) -> Callable[[], object]:
    """Ask for a lease with either client."""

    async def asynchronous() -> object:
        async with AsyncClient(stub.url, fixed(RawToken(TOKEN))) as client:
            return await client.lease()

    def synchronous() -> object:
        with client_of(stub) as client:
            return client.lease()

    def run() -> object:
        if request.param == "sync":
            return synchronous()
        import asyncio

        outcome: list[object] = []

        def in_thread() -> None:
            try:
                outcome.append(asyncio.run(asynchronous()))
            except ClientError as error:
                outcome.append(error)

        thread = threading.Thread(target=in_thread)
        thread.start()
        thread.join()
        if isinstance(outcome[0], ClientError):
            raise outcome[0]
        return outcome[0]

    return run


def test_a_lease(stub: Stub) -> None:
    stub.says(201, LEASE)
    with client_of(stub) as client:
        vended = client.lease(Ask([Wanted("s3://b-1/a/", "read")], duration=900, audit_context={"job": "j"}))

    assert vended.lease.id == "l_1"
    assert vended.credentials.secret_access_key.reveal() == "sk/secret"
    assert "sk/secret" not in repr(vended)
    assert "st-secret" not in repr(vended)
    (seen,) = stub.seen
    assert (seen.method, seen.path) == ("POST", "/v1/leases")
    assert seen.headers["authorization"] == f"Bearer {TOKEN}"
    assert seen.body == (
        b'{"scope":[{"path":"s3://b-1/a/","access":"read"}],"duration":900,"audit_context":{"job":"j"}}'
    )


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        pytest.param(Reply(200, b"<html>", "text/html"), BadAnswer, "web page", id="captive-portal"),
        pytest.param(Reply(302, b"", headers={"location": "http://x"}), BadAnswer, "redirect", id="redirect"),
        pytest.param(Reply(200, b"{", "application/json"), BadAnswer, "broken JSON", id="broken-json"),
        pytest.param(Reply(200, b"[" * 100_000), BadAnswer, "broken JSON", id="deep-json"),
        pytest.param(Reply(201, []), BadAnswer, "not an object", id="list"),
        pytest.param(Reply(201, {}), BadAnswer, "lease", id="empty"),
        pytest.param(
            Reply(201, {**LEASE, "endpoint": {"url": "file:///x", "region": "r"}}), BadAnswer, "address", id="file-url"
        ),
        pytest.param(
            Reply(201, {**LEASE, "credentials": {**LEASE["credentials"], "access_key_id": "a\nb"}}),  # type: ignore[dict-item]  # the table's values are of several types
            BadAnswer,
            "access_key_id",
            id="newline-in-a-key",
        ),
        pytest.param(Reply(200, b"x", "text/plain"), BadAnswer, "no JSON", id="plain-text"),
        pytest.param(Reply(502, b"<html>", "text/html"), BadAnswer, "web page", id="proxy-page"),
        pytest.param(Reply(503, b"", "text/plain"), Unavailable, "503", id="bare-503"),
        pytest.param(Reply(500, {"oops": 1}), Unavailable, "500", id="foreign-500"),
        pytest.param(Reply(403, {"detail": "no"}), BadAnswer, "not the gateway's", id="foreign-403"),
        pytest.param(Reply(403, refusal("scope_not_granted")), GatewayError, "No.", id="refused"),
        pytest.param(Reply(401, refusal("expired_token")), SignInNeeded, "No.", id="401"),
        pytest.param(
            Reply(200, b"\x1f\x8b", headers={"content-encoding": "gzip"}), BadAnswer, "encoding", id="compressed"
        ),
    ],
)
def test_what_answers_badly(
    stub: Stub, ask: Callable[[], object], reply: Reply, kind: type[ClientError], says: str
) -> None:
    stub.answer = lambda _seen: reply

    with pytest.raises(kind, match=says) as failed:
        ask()
    assert type(failed.value) is kind
    assert failed.value.remedy
    assert TOKEN not in str(failed.value) + repr(failed.value.__cause__)
    assert len(stub.seen) == 1  # nothing is followed or repeated


def test_an_endless_answer_is_cut(stub: Stub, ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 10_000)
    stub.says(200, b"x" * 20_000)

    with pytest.raises(BadAnswer, match="longer than"):
        ask()


def test_a_slow_answer_is_cut(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_ANSWER_SECONDS", -1.0)
    stub.says(200, LEASE)

    with pytest.raises(Unavailable, match="took longer"), client_of(stub) as client:
        client.lease()


def test_the_gateways_words_cannot_steer_a_terminal(stub: Stub) -> None:
    stub.says(403, refusal("not_owner", message="\x1b]0;evil\x07No\u202e\nvend: all is well", remedy="\x1b[2J"))

    with pytest.raises(GatewayError) as refused, client_of(stub) as client:
        client.whoami()
    assert str(refused.value) == "]0;evil No vend: all is well"
    assert refused.value.remedy == "[2J"


def test_when_to_try_again(stub: Stub) -> None:
    stub.says(503, refusal("state_unavailable"), retry_after="7")

    with pytest.raises(GatewayError) as refused, client_of(stub) as client:
        client.whoami()
    assert (refused.value.status, refused.value.code, refused.value.retry_after) == (503, "state_unavailable", 7)
    assert refused.value.request_id == "r_1"


def test_nobody_listens() -> None:
    with (
        pytest.raises(Unavailable, match="refuses connections"),
        Client("http://127.0.0.1:9", fixed(RawToken("x"))) as c,
    ):
        c.whoami()


def test_no_tls_where_tls_is_expected(stub: Stub) -> None:
    https = stub.url.replace("http:", "https:")

    with pytest.raises(Unavailable, match="TLS"), Client(https, fixed(RawToken("x"))) as client:
        client.whoami()


def test_a_certificate_nobody_trusts() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with self_signed() as file:
        context.load_cert_chain(file)
    with stub_server(context) as stub, client_of(stub) as client:
        with pytest.raises(Unavailable, match="does not trust"):
            client.whoami()
        assert stub.seen == []


def test_a_proxy_of_the_environment_is_not_used_for_loopback(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    stub.says(200, {"principal": "alice"})

    with client_of(stub) as client:
        assert client.whoami().principal == "alice"


def test_an_unusable_proxy_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")

    with pytest.raises(ClientError, match="proxy in the environment"):
        Client("https://vendor.example", fixed(RawToken("x")))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a?b", "a%2fb", "a b", "é"])
def test_an_identifier_cannot_leave_its_place(stub: Stub, name: str) -> None:
    with pytest.raises(ClientError), client_of(stub) as client:
        client.revoke(name)
    assert stub.seen == []


def test_the_token_is_asked_for_each_time(stub: Stub) -> None:
    tokens = iter(["first", "second"])
    stub.says(200, {"principal": "alice"})
    with Client(stub.url, lambda: RawToken(next(tokens))) as client:
        client.whoami()
        client.whoami()

    assert [seen.headers["authorization"] for seen in stub.seen] == ["Bearer first", "Bearer second"]


def test_hints_need_no_token(stub: Stub) -> None:
    def answer(seen: Seen) -> Reply:
        assert "authorization" not in seen.headers
        return Reply(200, {"issuers": [{"issuer": "https://i", "client_id": "c"}], "kbase": True})

    stub.answer = answer
    with client_of(stub) as client:
        hints = client.sign_in_hints()
    assert hints.kbase
    assert hints.issuers[0].scopes == ("openid",)
