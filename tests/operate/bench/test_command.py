"""`vendor bench` against a running gateway: it measures, ends what it began, and tells no token."""

import asyncio
import json
import threading
from pathlib import Path
from queue import Queue

import pytest

from tests.client.certificates import self_signed
from tests.operate.bench.deployment import answering, limited, live, tls_before
from tests.support.gateways import api
from vendor.dev.stack import Stack
from vendor.operate.bench.command import FAILED, FINE, TOKEN, UNUSABLE, run


def _bench(
    url: str,
    environment: dict[str, str],
    *,
    yes: bool = True,
    token_file: Path | None = None,
    leases: int = 6,
    ca_file: Path | None = None,
    insecure_http: bool = False,
) -> int:
    return run(
        url,
        token_file=token_file,
        leases=leases,
        connections=2,
        seconds=0.2,
        yes=yes,
        as_json=True,
        ca_file=ca_file,
        insecure_http=insecure_http,
        environment=environment,
    )


def test_it_measures_and_ends_its_leases(stack: Stack, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(stack.tokens["alice"] + "\n")
    file.chmod(0o600)
    with api(stack, "alice") as calls:
        before = live(calls)

        assert _bench(stack.gateway.url + "/", {}, token_file=file) == FINE

        assert live(calls) <= before
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert {"new leases", "repeated asks"} == set(found)
    assert all(figures["per_second"] > 0 and figures["p50_ms"] > 0 for figures in found.values())
    assert [line.split()[0] for line in told.err.splitlines()] == ["Asking", "Asking", "Asking", "Ending"]


def test_a_refusal_is_told_without_the_token(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    assert _bench(stack.gateway.url, {TOKEN: "not-a-token-of-anybody"}) == FAILED

    told = capsys.readouterr()
    assert "does not accept the token" in told.err
    assert "not-a-token-of-anybody" not in told.out + told.err


def test_who_may_ask_for_fewer_is_told_so_and_keeps_none(
    seaweedfs_stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    with limited(seaweedfs_stack, 20) as gateway, api(seaweedfs_stack, "bob", url=gateway.url) as calls:
        before = live(calls)

        assert _bench(gateway.url, {TOKEN: seaweedfs_stack.tokens["bob"]}, leases=200) == FAILED

        assert live(calls) <= before
    told = capsys.readouterr()
    assert told.out == ""
    assert "then one was refused" in told.err
    assert "--leases" in told.err


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "HTTPS_PROXY"])
@pytest.mark.parametrize("host", ["127.0.0.1", "vendor.example.invalid"])
def test_an_environment_that_cannot_be_used_is_told(
    name: str, host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "none") if name == "SSL_CERT_FILE" else "http://127.0.0.1:port")
    assert _bench(f"https://{host}:1", {TOKEN: "t"}) in {UNUSABLE, FAILED}
    assert "vendor: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "kind", "status", "said"),
    [
        pytest.param(b"<html>", "text/html", 200, "web page", id="a-page"),
        pytest.param(b"{}", "application/json", 201, "", id="no-lease"),
        pytest.param(b"[" * 100_000, "application/json", 201, "broken JSON", id="nested"),
        pytest.param(b"", "text/html", 302, "redirect", id="a-redirect"),
        pytest.param(b'{"error": {"code": "x", "message": "\\u001b["}}', "application/json", 403, "[", id="steering"),
    ],
)
def test_what_is_no_gateway_is_told_in_a_sentence(
    content: bytes, kind: str, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(content, kind, status) as url:
        assert _bench(url, {TOKEN: "t"}) == FAILED
    told = capsys.readouterr().err
    assert "\nvendor: " in told
    assert said in told
    assert "\x1b" not in told


@pytest.mark.parametrize(
    ("url", "environment", "yes"),
    [
        pytest.param("http://127.0.0.1:1", {}, True, id="no-token"),
        pytest.param("http://127.0.0.1:1", {TOKEN: "two words"}, True, id="no-single-token"),
        pytest.param("http://user:word@127.0.0.1:1", {TOKEN: "t"}, True, id="a-password-in-the-url"),
        pytest.param("ftp://127.0.0.1", {TOKEN: "t"}, True, id="no-http"),
        pytest.param("http://127.0.0.1:99999", {TOKEN: "t"}, True, id="no-port"),
        pytest.param("http://127.0.0.1:1/?", {TOKEN: "t"}, True, id="a-query"),
        pytest.param("http://[::1", {TOKEN: "t"}, True, id="no-host"),
        pytest.param("http://vendor.example.org", {TOKEN: "t"}, True, id="plain-http-elsewhere"),
        pytest.param("http://127.0.0.1:1", {TOKEN: "t"}, False, id="nobody-to-ask"),
    ],
)
def test_what_cannot_be_used_sends_nothing(url: str, environment: dict[str, str], yes: bool) -> None:
    assert _bench(url, environment, yes=yes) == UNUSABLE


def test_a_gateway_that_is_not_there_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert _bench("http://127.0.0.1:1", {TOKEN: "t"}) == FAILED
    assert "\nvendor: The gateway at http://127.0.0.1:1 refuses connections." in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_certificates_that_cannot_be_read(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    assert _bench("https://127.0.0.1:1", {TOKEN: "t"}, ca_file=file) == UNUSABLE
    assert "file of certificates" in capsys.readouterr().err


def test_plain_http_to_another_machine_has_to_be_permitted(capsys: pytest.CaptureFixture[str]) -> None:
    assert _bench("http://127.0.0.1.example.invalid:1", {TOKEN: "t"}) == UNUSABLE
    assert "--insecure-http" in capsys.readouterr().err
    assert _bench("http://127.0.0.1.example.invalid:1", {TOKEN: "t"}, insecure_http=True) == FAILED


def test_only_trusted_certificates_see_the_token(seaweedfs_stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    environment = {TOKEN: seaweedfs_stack.tokens["bob"]}
    started: Queue[str] = Queue()
    loop, over = asyncio.new_event_loop(), asyncio.Event()

    async def serve(file: str) -> None:
        async with tls_before(seaweedfs_stack.gateway.url, file) as url:
            started.put(url)
            await over.wait()

    with self_signed() as file:
        thread = threading.Thread(target=loop.run_until_complete, args=[serve(file)])
        thread.start()
        try:
            url = started.get(timeout=20)
            assert _bench(url, environment, ca_file=Path(file)) == FINE
            assert set(json.loads(capsys.readouterr().out)) == {"new leases", "repeated asks"}

            assert _bench(url, environment) == FAILED
            assert "certificate that this machine does not trust" in capsys.readouterr().err
        finally:
            loop.call_soon_threadsafe(over.set)
            thread.join(timeout=20)
            loop.close()
