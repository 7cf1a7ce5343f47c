"""`vend proxy` between real clients that know only a pair, and real stores."""

import hashlib
import io
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError as S3Error
from minio import Minio

from tests.support.gateways import Api, api
from tests.support.sts import allowed
from tests.support.waiting import eventually
from vendor.client.calls import Ask, Wanted
from vendor.client.errors import ClientError, GatewayError, UnsafeFile
from vendor.client.keeper import Keeper, KeySource
from vendor.client.sync import Client
from vendor.client.tokens import fixed
from vendor.dev.stack import Stack
from vendor.dev.store import KeyPair, s3_client
from vendor.integrations.proxy import chunks, server, sigv4
from vendor.integrations.proxy.pairs import kept_pair, new_pair
from vendor.integrations.proxy.server import Proxy
from vendor.integrations.tokenfile import TokenFileSource
from vendor.secret import RawToken

BUCKET, HOME = "cdm-lake", "users-general-warehouse/alice/"
WRITE_HOME = Ask(scope=(Wanted(f"s3://{BUCKET}/{HOME}", "write"),), renewable_for=3600)


@contextmanager
def proxying(stack: Stack, ask: Ask = WRITE_HOME) -> Iterator[tuple[Proxy, Keeper]]:
    with (
        Client(stack.gateway.url, fixed(RawToken(stack.tokens["alice"]))) as client,
        Keeper(KeySource(client, ask), warn=lambda _text: None) as keeper,
    ):
        proxy = Proxy(keeper, new_pair())
        try:
            yield proxy, keeper
        finally:
            proxy.close()


@pytest.fixture(scope="module")
def proxy(seaweedfs_stack: Stack) -> Iterator[Proxy]:
    with proxying(seaweedfs_stack) as (made, _):
        yield made


def boto(proxy: Proxy) -> Any:
    return s3_client(proxy.url, KeyPair(proxy.pair.access_key, proxy.pair.secret.reveal()))


def minio(proxy: Proxy) -> Minio:
    place = urlsplit(proxy.url).netloc
    return Minio(place, proxy.pair.access_key, proxy.pair.secret.reveal(), secure=False, region="us-east-1")


def test_what_programs_do_goes_through(proxy: Proxy) -> None:
    s3, key = boto(proxy), f"{HOME}proxy/a b+c~é.txt"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"one", ContentType="text/plain", Metadata={"note": "x"})

    found = s3.get_object(Bucket=BUCKET, Key=key, Range="bytes=1-")
    assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (b"ne", "text/plain", {"note": "x"})
    assert s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] == 3
    s3.copy_object(Bucket=BUCKET, Key=f"{HOME}proxy/copy", CopySource={"Bucket": BUCKET, "Key": key})
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{HOME}proxy/")
    assert {entry["Key"] for entry in listed["Contents"]} == {key, f"{HOME}proxy/copy"}
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key}, {"Key": f"{HOME}proxy/copy"}]})
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{HOME}proxy/")
    with pytest.raises(S3Error, match=r"404|NoSuchKey"):
        s3.get_object(Bucket=BUCKET, Key=key)


def test_the_lease_says_what_is_allowed(proxy: Proxy) -> None:
    s3 = boto(proxy)

    assert not allowed(lambda: s3.get_object(Bucket=BUCKET, Key="users-general-warehouse/bob/hello.txt"))
    assert not allowed(lambda: s3.put_object(Bucket=BUCKET, Key="tenant-general-warehouse/kbase/x", Body=b""))
    copy = {"Bucket": BUCKET, "Key": "users-general-warehouse/bob/hello.txt"}
    assert not allowed(lambda: s3.copy_object(Bucket=BUCKET, Key=f"{HOME}stolen", CopySource=copy))


def test_large_bodies_stream_in_constant_memory(proxy: Proxy) -> None:
    """Upload in parts and at once, in signed chunks (minio-py) and by hash (boto3); and back."""
    size, key = 48 * 1024 * 1024, f"{HOME}large"
    content = os.urandom(1024) * (size // 1024)
    before = psutil.Process().memory_info().rss

    minio(proxy).put_object(BUCKET, key, io.BytesIO(content), size, part_size=16 * 1024 * 1024)
    assert boto(proxy).head_object(Bucket=BUCKET, Key=key)["ContentLength"] == size
    boto(proxy).put_object(Bucket=BUCKET, Key=key, Body=content)
    with boto(proxy).get_object(Bucket=BUCKET, Key=key)["Body"] as body:
        assert all(part == content[:65536] for part in iter(lambda: body.read(65536), b""))
    boto(proxy).delete_object(Bucket=BUCKET, Key=key)

    assert psutil.Process().memory_info().rss - before < 3 * size, "clients are in this process, too"


def put_in_chunks(proxy: Proxy, key: str, parts: list[bytes], tamper: bytes | None = None) -> int:
    """PUT as the SDKs of Java and Go do over plain http, and return the status; `tamper` replaces the last part."""

    class InChunks(S3SigV4Auth):
        def payload(self, request: AWSRequest) -> str:
            return chunks.SIGNED

    total = str(sum(len(part) for part in parts))
    sent = {"x-amz-decoded-content-length": total, "content-encoding": "aws-chunked"}
    request = AWSRequest("PUT", f"{proxy.url}/{BUCKET}/{key}", headers=sent)
    auth = InChunks(Credentials(proxy.pair.access_key, proxy.pair.secret.reveal()), "s3", "us-east-1")
    auth.add_auth(request)
    time_, scope = request.headers["X-Amz-Date"], auth.credential_scope(request)
    previous, body = request.headers["Authorization"].rpartition("=")[2], b""
    for part in (*parts, b""):
        digest = hashlib.sha256(part).hexdigest()
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{time_}\n{scope}\n{previous}\n{sigv4.EMPTY}\n{digest}"
        previous = auth.signature(text, request)
        content = tamper if tamper is not None and part == parts[-1] else part
        body += f"{len(part):x};chunk-signature={previous}\r\n".encode() + content + b"\r\n"
    with httpx2.Client(trust_env=False) as web:
        return web.put(str(request.url), headers=dict(request.headers.items()), content=body).status_code


def test_signed_chunks_are_checked_and_taken_apart(proxy: Proxy) -> None:
    s3, parts = boto(proxy), [os.urandom(65536), os.urandom(65536), b"the end"]

    assert put_in_chunks(proxy, f"{HOME}chunks", parts) == 200
    found = s3.get_object(Bucket=BUCKET, Key=f"{HOME}chunks")
    assert found["Body"].read() == b"".join(parts)
    assert "aws-chunked" not in found.get("ContentEncoding", "")

    assert put_in_chunks(proxy, f"{HOME}tampered", parts, tamper=b"The end") == 403
    with pytest.raises(S3Error, match=r"404|NoSuchKey"):
        s3.get_object(Bucket=BUCKET, Key=f"{HOME}tampered")


def test_rclone_goes_there_and_back(proxy: Proxy) -> None:
    place = {
        "RCLONE_CONFIG_P_TYPE": "s3",
        "RCLONE_CONFIG_P_PROVIDER": "Minio",
        "RCLONE_CONFIG_P_ENDPOINT": proxy.url,
        "RCLONE_CONFIG_P_ACCESS_KEY_ID": proxy.pair.access_key,
        "RCLONE_CONFIG_P_SECRET_ACCESS_KEY": proxy.pair.secret.reveal(),
        "RCLONE_CONFIG_P_REGION": "us-east-1",
        "RCLONE_S3_NO_CHECK_BUCKET": "true",
        "RCLONE_CONFIG": os.devnull,
    }
    target = f"P:{BUCKET}/{HOME}chunks.bin"
    content = os.urandom(300_000)

    def rclone(*arguments: str, stdin: bytes = b"") -> bytes:
        command = [str(Path(sys.executable).parent / "rclone"), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, env={**os.environ, **place}, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    rclone("rcat", target, stdin=content)
    assert rclone("cat", target) == content
    rclone("deletefile", target)


def test_only_the_pair_in_the_header_opens_it(proxy: Proxy) -> None:
    s3 = boto(proxy)
    s3.put_object(Bucket=BUCKET, Key=f"{HOME}hidden", Body=b"secret of alice")
    presigned = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": f"{HOME}hidden"})
    wrong = s3_client(proxy.url, KeyPair(proxy.pair.access_key, "A" * 40))

    with httpx2.Client(trust_env=False) as web:
        answers = [
            web.get(presigned),
            web.get(f"{proxy.url}/{BUCKET}/{HOME}hidden"),
            web.post(f"{proxy.url}/{BUCKET}", files={"file": b"x"}, data={"key": f"{HOME}form"}),
            web.get(f"{proxy.url}/", headers={"host": "evil.example.org"}),
        ]
    assert [answer.status_code for answer in answers] == [403] * 4
    assert all(b"secret of alice" not in answer.content and b"<Code>" in answer.content for answer in answers)
    with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
        wrong.get_object(Bucket=BUCKET, Key=f"{HOME}hidden")


def test_the_same_pair_works_over_three_lifetimes(juicefs_stack: Stack) -> None:
    with proxying(juicefs_stack, Ask(scope=WRITE_HOME.scope, duration=5, renewable_for=600)) as (proxy, keeper):
        s3, other = boto(proxy), minio(proxy)
        used: set[str] = set()
        deadline = time.monotonic() + 40
        while len(used) < 5 and time.monotonic() < deadline:
            s3.put_object(Bucket=BUCKET, Key=f"{HOME}three", Body=b"x")
            answer = other.get_object(BUCKET, f"{HOME}three")
            assert answer.read() == b"x"
            answer.close()
            answer.release_conn()
            used.add(keeper.held.credentials.access_key_id)
            time.sleep(0.1)
        assert len(used) >= 5, "keys are renewed at two thirds of their life: five are more than three lives"


def test_the_gateway_away_costs_nothing_until_the_keys_end(seaweedfs_stack: Stack) -> None:
    with proxying(seaweedfs_stack) as (proxy, _):
        seaweedfs_stack.gateway.child.freeze()
        try:
            boto(proxy).put_object(Bucket=BUCKET, Key=f"{HOME}away", Body=b"x")
        finally:
            seaweedfs_stack.gateway.child.thaw()


def test_the_store_away_is_said_as_s3_says_it(seaweedfs_stack: Stack) -> None:
    class Elsewhere:
        def current(self, _wait: float = 0, /) -> Any:
            return replace(keeper.held, endpoint=replace(keeper.held.endpoint, url="http://127.0.0.1:9"))

    with proxying(seaweedfs_stack) as (_, keeper):
        broken = Proxy(Elsewhere(), new_pair())
        try:
            with pytest.raises(S3Error) as failed:
                boto(broken).get_object(Bucket=BUCKET, Key=f"{HOME}x")
        finally:
            broken.close()
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


def test_an_ended_lease_is_denied(seaweedfs_stack: Stack) -> None:
    class Over:
        def current(self, _wait: float = 0, /) -> Any:
            raise GatewayError("This lease was ended.", status=410, code="lease_ended")

    ended = Proxy(Over(), new_pair())
    try:
        assert not allowed(lambda: boto(ended).get_object(Bucket=BUCKET, Key=f"{HOME}x"))
    finally:
        ended.close()


class _Unasked:
    def current(self, _wait: float = 0, /) -> Any:
        raise AssertionError("nobody showed the pair")


class _Counting(Proxy):
    came = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        self.came += 1
        super().process_request(request, client_address)


@contextmanager
def crowded(monkeypatch: pytest.MonkeyPatch, seconds: float) -> Iterator[Proxy]:
    """A proxy whose places are all taken by programs that say nothing."""
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 2)
    monkeypatch.setattr(server, "STRANGER", seconds)
    proxy = _Counting(_Unasked(), new_pair())
    ending = threading.Thread(target=proxy.close, daemon=True)
    try:
        with ExitStack() as silent:
            for _ in range(3):
                silent.enter_context(socket.create_connection(("127.0.0.1", proxy.server_port)))
            eventually(lambda: proxy.came == 3)
            yield proxy
            ending.start()
            ending.join(10)
            assert not ending.is_alive()
    finally:
        if not ending.ident:
            proxy.close()


def test_nobody_without_the_pair_keeps_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with crowded(monkeypatch, 0.1) as proxy, httpx2.Client(trust_env=False, timeout=10) as web:
        assert web.get(proxy.url).status_code == 403


def test_nobody_without_the_pair_keeps_the_proxy_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    with crowded(monkeypatch, 3600):
        pass


def test_the_pair_is_kept_privately(tmp_path: Path) -> None:
    file = tmp_path / "kept" / "pair"
    first = kept_pair(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = kept_pair(file)
    assert (again.access_key, again.secret) == (first.access_key, first.secret)
    assert first.secret.reveal() not in repr(first)

    file.chmod(0o644)
    with pytest.raises(UnsafeFile):
        kept_pair(file)
    file.chmod(0o600)
    file.write_text('{"access_key": "AKIA", "secret_key": "x"}')
    with pytest.raises(UnsafeFile, match="does not hold a pair"):
        kept_pair(file)


@pytest.fixture
def alice(seaweedfs_stack: Stack) -> Iterator[Api]:
    with api(seaweedfs_stack, "alice") as calls:
        yield calls


def test_a_lease_token_in_a_file_is_enough_and_may_be_replaced(
    alice: Api, seaweedfs_stack: Stack, tmp_path: Path
) -> None:
    def write_token(name: str) -> str:
        answer = alice.lease((f"s3://{BUCKET}/{HOME}", "write"), renewable_for=3600, audit_context={"job": name})
        file.write_text(answer["lease_token"])
        file.chmod(0o600)
        return str(answer["lease"]["id"])

    file = tmp_path / "token"
    with Client(seaweedfs_stack.gateway.url) as client:
        source = TokenFileSource(client, file)
        with pytest.raises(ClientError):
            source.first()
        first = write_token("one")
        held = source.first()
        assert held.lease.id == first
        second = write_token("two")
        assert source.next(held).lease.id == second
        source.end(held)
        assert alice.call("GET", f"/v1/leases/{first}").json()["lease"]["ended"] is None, "it is not ours to end"
        file.write_text(seaweedfs_stack.tokens["alice"])
        with pytest.raises(ClientError, match="no lease token"):
            source.first()
