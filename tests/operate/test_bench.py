"""`vendor bench` against a running gateway: it measures, ends what it began, and tells no token."""

import asyncio
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue

import httpx2
import psutil
import pytest

from tests.client.certificates import self_signed
from tests.support.gateways import Api, api
from tests.support.waiting import eventually
from vendor.client import http
from vendor.client.address import parse_service_url
from vendor.client.errors import BadAnswer, ClientError
from vendor.client.sync import Client
from vendor.client.tokens import fixed
from vendor.dev.gateway import Gateway, start_gateway
from vendor.dev.ports import Reservation
from vendor.dev.stack import Stack
from vendor.operate.bench.begun import Begun
from vendor.operate.bench.command import FAILED, FINE, TOKEN, UNUSABLE, run
from vendor.operate.bench.generator import Generator
from vendor.operate.bench.load import Outcome, json_request
from vendor.operate.bench.measuring import Measuring, Plan, _require_keys
from vendor.secret import RawToken


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


def _live(calls: Api) -> set[str]:
    return {lease["id"] for lease in calls.call("GET", "/v1/leases?state=live&limit=500").json()["leases"]}


@contextmanager
def limited(stack: Stack, burst: int) -> Iterator[Gateway]:
    """A second gateway, where one identity may ask for so many leases at once."""
    with Reservation(1) as reserved:
        port = reserved.ports[0]
    settings = {**stack.gateway.settings, "VENDOR_PORT": str(port), "VENDOR_PUBLIC_URL": stack.gateway.url}
    settings |= {"VENDOR_LIMIT_VEND_BURST": str(burst), "VENDOR_LIMIT_VEND_PER_SECOND": "1"}
    gateway = start_gateway(stack.folder, stack.children, port=port, settings=settings, name=f"bench-{burst}")
    try:
        gateway.wait_until_ready()
        yield gateway
    finally:
        gateway.child.stop()


def test_it_measures_and_ends_its_leases(stack: Stack, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(stack.tokens["alice"] + "\n")
    file.chmod(0o600)
    with api(stack, "alice") as calls:
        before = _live(calls)

        assert _bench(stack.gateway.url + "/", {}, token_file=file) == FINE

        assert _live(calls) <= before
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
        before = _live(calls)

        assert _bench(gateway.url, {TOKEN: seaweedfs_stack.tokens["bob"]}, leases=200) == FAILED

        assert _live(calls) <= before
    told = capsys.readouterr()
    assert told.out == ""
    assert "then one was refused" in told.err
    assert "--leases" in told.err


@dataclass
class Running:
    """`vendor bench` for thousands of leases in a process group of its own, some of which it has begun."""

    process: subprocess.Popen[str]
    calls: Api
    before: set[str]

    def load(self) -> psutil.Process:
        """The process that makes the load."""
        children = psutil.Process(self.process.pid).children()
        (found,) = (one for one in children if "spawn_main" in " ".join(one.cmdline()))
        return found

    def end(self) -> tuple[int, str]:
        """Its exit code and what it said, once it has ended; of its leases none is live."""
        _, said = self.process.communicate(timeout=60)
        assert _live(self.calls) <= self.before, said
        assert "Traceback" not in (said or "")
        return self.process.returncode, said


@pytest.fixture
def running(seaweedfs_stack: Stack) -> Iterator[Running]:
    with limited(seaweedfs_stack, 0) as gateway, api(seaweedfs_stack, "bob", url=gateway.url) as calls:
        before = _live(calls)
        process = subprocess.Popen(
            [sys.executable, "-m", "vendor.operate.main", "bench", gateway.url, "--yes", "--leases", "10000"],
            env={**os.environ, TOKEN: seaweedfs_stack.tokens["bob"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            eventually(lambda: len(_live(calls) - before) > 20, within=60)
            yield Running(process, calls, before)
        finally:
            process.kill()
            process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("to_all", [False, True], ids=["alone", "with-its-load"])
def test_stopping_it_ends_its_leases(running: Running, number: signal.Signals, to_all: bool) -> None:
    if to_all:
        os.killpg(running.process.pid, number)  # as terminals, `timeout` and systemd do
    else:
        running.process.send_signal(number)
    code, said = running.end()

    assert code == 128 + number, said
    assert "Ending" in said


def test_leases_whose_answers_were_lost_are_ended(running: Running) -> None:
    running.load().kill()
    code, said = running.end()

    assert code == FAILED, said
    assert "The process that made the load was ended" in said


def test_nobody_there_to_be_told_is_no_reason_to_leave_leases(running: Running) -> None:
    for stream in (running.process.stdout, running.process.stderr):
        assert stream
        stream.close()
    running.process.stdout = running.process.stderr = None
    running.process.send_signal(signal.SIGINT)

    assert running.process.wait(timeout=60) == 128 + signal.SIGINT
    assert _live(running.calls) <= running.before


def test_the_load_ends_with_who_wanted_it(running: Running) -> None:
    load = running.load()
    running.process.kill()
    gone, _ = psutil.wait_procs([load], timeout=20)
    assert gone


@pytest.mark.parametrize(
    ("redirected", "environment", "code", "said"),
    [
        pytest.param("<&-", {}, UNUSABLE, "Say --yes", id="no-input"),
        pytest.param("--yes >/dev/full", {}, FAILED, "could not be written", id="full"),
        pytest.param("--yes >&-", {}, FAILED, "could not be written", id="no-output"),
        pytest.param("--yes | true", {}, FINE, "Ending", id="nobody-reads"),
        pytest.param("--yes 2>&-", {}, FINE, "", id="no-errors"),
        pytest.param("--yes 2>/dev/full", {}, FINE, "", id="full-errors"),
    ],
)
def test_odd_surroundings(
    seaweedfs_stack: Stack, redirected: str, environment: dict[str, str], code: int, said: str
) -> None:
    command = f"{sys.executable} -m vendor.operate.main bench {seaweedfs_stack.gateway.url} --leases 2 --seconds 0.2"
    with api(seaweedfs_stack, "bob") as calls:
        before = _live(calls)
        done = subprocess.run(
            ["/bin/sh", "-c", f"{command} {redirected}"],
            env={**os.environ, TOKEN: seaweedfs_stack.tokens["bob"], **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert _live(calls) <= before
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "HTTPS_PROXY"])
@pytest.mark.parametrize("host", ["127.0.0.1", "vendor.example.invalid"])
def test_an_environment_that_cannot_be_used_is_told(
    name: str, host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "none") if name == "SSL_CERT_FILE" else "http://127.0.0.1:port")
    assert _bench(f"https://{host}:1", {TOKEN: "t"}) in {UNUSABLE, FAILED}
    assert "vendor: " in capsys.readouterr().err


def test_a_gateway_that_does_not_answer_is_not_asked_for_each_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT", httpx2.Timeout(0.2))
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(url, fixed(RawToken("t"))) as client:
            monkeypatch.setattr(client, "revoke", partial(_noted, asked, client.revoke))
            begun = Begun(client, 2, lambda _: None, lambda: False, [f"l_{number}" for number in range(50)])
            assert len(begun.end()) == 50
            assert "did not answer in time" in begun.why
            assert len(asked) == 2

            hurried = Begun(client, 2, lambda _: None, lambda: True, ["l_1"], lost=True)
            assert hurried.end() == []
            assert len(asked) == 2


def _noted(asked: list[str], revoke: Callable[[str], object], lease: str) -> object:
    asked.append(lease)
    return revoke(lease)


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        pytest.param(b"<html>", 502, "web page (status 502)", id="an-edge"),
        pytest.param(b"", 503, "not available (status 503)", id="nothing"),
        pytest.param(b'{"error": {"code": "too_many_requests", "message": "Later."}}', 429, "Later.", id="a-limit"),
        pytest.param(b"{}", 201, "were no leases", id="no-leases"),
    ],
)
def test_what_a_load_is_answered_is_told_as_it_is(content: bytes, status: int, said: str) -> None:
    with answering(content, "text/plain", status) as url, Client(url, fixed(RawToken("t"))) as client:
        plan = Plan(parse_service_url(url), RawToken("t"), 3, 1, 1.0)
        begun = Begun(client, 1, lambda _: None, lambda: False)
        measuring = Measuring(plan, client, lambda: False, lambda _: None, begun)
        asked = json_request(url, "/v1/leases", {}, "t")
        with Generator() as generator, pytest.raises(ClientError, match=re.escape(said)):
            measuring._made(generator, plan.load(asked, 5.0, most=3))


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"{}", b"\xff"])
def test_figures_are_of_keys_only(content: bytes) -> None:
    with pytest.raises(BadAnswer):
        _require_keys(Outcome(1.0, [1.0], {200: 1}, first=content), "http://h")


@contextmanager
def answering(content: bytes, kind: str, status: int = 201) -> Iterator[str]:
    """A server that answers everything in the same way."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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


@asynccontextmanager
async def tls_before(url: str, certificate: str) -> AsyncIterator[str]:
    """What ends TLS before a gateway."""
    host, _, port = url.removeprefix("http://").partition(":")
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(certificate)

    async def copied(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            sink.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection(host, int(port))
        await asyncio.gather(copied(reader, before), copied(behind, writer))

    async with await asyncio.start_server(connected, "127.0.0.1", 0, ssl=secure) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


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
