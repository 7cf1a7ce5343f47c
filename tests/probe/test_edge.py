"""The edge of deploy/nginx, a real nginx: what it lets through, what it refuses, and what the store gets to see."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from vendor.dev.edge import Edge, find_nginx, start_edge
from vendor.dev.folder import StateFolder, open_folder
from vendor.dev.process import Children
from vendor.dev.programs import MissingProgramError

CONDITION_KEYS = """
    aws:CurrentTime aws:EpochTime aws:SecureTransport aws:SourceIp aws:UserAgent aws:groups aws:principaltype
    aws:userid aws:username
    jwt:address jwt:aud jwt:birthdate jwt:client_id jwt:email jwt:family_name jwt:gender jwt:given_name jwt:groups
    jwt:iss jwt:jti jwt:middle_name jwt:name jwt:nickname jwt:phone_number jwt:picture jwt:preferred_username
    jwt:profile jwt:scope jwt:sub jwt:upn jwt:website
    ldap:groups ldap:user ldap:username
    s3:ExistingObjectTag s3:LocationConstraint s3:RequestObjectTag s3:RequestObjectTagKeys s3:authType s3:delimiter
    s3:max-keys s3:object-lock-legal-hold s3:object-lock-mode s3:object-lock-remaining-retention-days
    s3:object-lock-retain-until-date s3:prefix s3:signatureAge s3:signatureversion s3:versionid
    sts:DurationSeconds svc:DurationSeconds
"""
"""The condition keys of minio/pkg v3.1.3, but for aws:Referer and s3:x-amz-…, whose headers clients need."""


@dataclass
class Upstream:
    """A store that only looks: it keeps the head of every request, and answers when it is told to."""

    port: int = 0
    heads: list[str] = field(default_factory=list)
    received: asyncio.Event = field(default_factory=asyncio.Event)
    answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        if " /lake/first-half " in head:
            await reader.readexactly(len(b"hello"))
        self.received.set()
        writer.write(b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 8\r\n\r\nhalf")
        await writer.drain()
        await self.answer.wait()
        writer.write(b"half")
        writer.close()


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[StateFolder, Children]]:
    try:
        find_nginx()
    except MissingProgramError as missing:
        pytest.skip(str(missing))
    with open_folder(None) as folder:
        children = Children()
        try:
            yield folder, children
        finally:
            children.stop(kill=True)


@dataclass
class Looking:
    """An edge before a store that only looks."""

    edge: Edge
    upstream: Upstream

    async def ask(self, head: str, body: bytes = b"") -> bytes:
        """Send raw bytes and return all of the answer."""
        self.upstream.heads.clear()
        self.upstream.answer.set()
        reader, writer = await self.open()
        writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return answer

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", int(self.edge.url.rpartition(":")[2]))

    async def status(self, method: str, target: str, *headers: str) -> int:
        lines = [f"{method} {target} HTTP/1.1", "Host: s3.example.org", "Connection: close", *headers]
        return int((await self.ask("\n".join(lines))).split()[1])


@pytest.fixture(scope="module")
async def looking(place: tuple[StateFolder, Children]) -> AsyncIterator[Looking]:
    upstream = Upstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    upstream.port = server.sockets[0].getsockname()[1]
    edge = await asyncio.to_thread(start_edge, *place, f"http://127.0.0.1:{upstream.port}")
    yield Looking(edge, upstream)
    edge.child.stop(kill=True)
    server.close()


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/"),
        ("GET", "/lake?list-type=2&prefix=a%2Fb&delimiter=%2F&max-keys=7&continuation-token=x"),
        ("GET", "/lake/?prefix="),
        ("GET", "/lake/a?retention"),
        ("PUT", "/lake/a?partNumber=1&uploadId=retention"),
        ("GET", "/lake?location"),
        ("GET", "/lake?versions&prefix=a&key-marker=b&version-id-marker=c"),
        ("PUT", "/lake/a%20b/%C3%A4%2B?partNumber=1&uploadId=abc"),
        ("POST", "/lake?delete"),
        ("POST", "/lake?delete="),
        ("POST", "/lake/a?uploads"),
        ("GET", "/lake/a?versionId=null&response-content-type=text%2Fplain&x-id=GetObject"),
        (
            "GET",
            "/lake/a.b/..c/...?X-Amz-Algorithm=A&X-Amz-Credential=b%2Fc&X-Amz-SignedHeaders=host%3Bx&X-Amz-Signature=0",
        ),
        ("GET", "/lake/a?AWSAccessKeyId=a&Signature=b%3D&Expires=1&x-amz-security-token=t"),
        ("HEAD", "/minio/health/live"),
        ("GET", "/minio/health/ready"),
        ("GET", "/minio-data/x"),
        ("GET", "/lake/minio/admin"),
        ("GET", "/lake/a//b"),
        ("DELETE", "/lake/a%23b%3Fprefix=c"),
    ],
)
async def test_what_clients_need_goes_through_as_it_came(method: str, target: str, looking: Looking) -> None:
    assert await looking.status(method, target) == 200

    (head,) = looking.upstream.heads
    assert head.splitlines()[0] == f"{method} {target} HTTP/1.1"
    assert "\r\nHost: s3.example.org\r\n" in head


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/minio/admin/v3/info", 403),
        ("PUT", "/minio/admin/v3/add-service-account", 403),
        ("GET", "/minio", 403),
        ("GET", "/minio/", 403),
        ("GET", "/MinIO/Admin/v3/info", 403),
        ("GET", "//minio///admin/v3/info", 403),
        ("GET", "/%6Dinio/%61dmin/v3/info", 403),
        ("GET", "/minio%2Fadmin%2Fv3%2Finfo", 403),
        ("GET", "http://s3.example.org/minio/admin/v3/info", 403),
        ("GET", "/minio/v2/metrics/cluster", 403),
        ("PUT", "/lake/a?retention", 403),
        ("PUT", "/lake/a?retention=", 403),
        ("PUT", "/lake/a?versionId=x&retention", 403),
        ("PUT", "/lake/a?legal-hold&versionId=x", 403),
        ("PUT", "/lake?object-lock", 403),
        ("GET", "/minio/health/live/x", 403),
        ("GET", "/minio/health/live/../../admin/v3/info", 400),
        ("GET", "/lake/../minio/admin/v3/info", 400),
        ("GET", "/lake/%2e%2E/minio/admin/v3/info", 400),
        ("GET", "/lake/./a", 400),
        ("GET", "/lake/..", 400),
        ("GET", "/lake/a%2f..%2fb", 400),
        ("GET", "/lake/a%5c..%5cb", 400),
        ("GET", "/lake/#?prefix=a", 400),
        ("GET", "/lake?Prefix=a", 400),
        ("GET", "/lake?prefix=a&PREFIX=b", 400),
        ("GET", "/lake?%70refix=a", 400),
        ("GET", "/lake?prefix=a&prefix=b", 400),
        ("GET", "/lake?prefix=a&max-keys=1&prefix=b", 400),
        ("GET", "/lake?prefix&list-type=2&prefix=", 400),
        ("GET", "/lake?prefix=a;prefix=b", 400),
        ("GET", "/lake?sub=alice", 400),
        ("GET", "/lake?Jti=x", 400),
        ("GET", "/lake?username=a", 400),
        ("GET", "/lake?versionid=a", 400),
        ("GET", "/lake?events=s3:ObjectCreated:*", 400),
        ("GET", "/lake?&prefix=a", 400),
        ("GET", "/lake?prefix=a&", 400),
        ("GET", "/lake?=a", 400),
        ("GET", "/lake?" + "&".join(f"x-amz-{n}=1" for n in range(41)), 400),
        ("GET", "/lake?" + "&".join(f"x-amz-{n}=1" for n in range(2500)), 400),
        ("GET", "/lake?" + "prefix=a&" * 3000 + "x", 400),
        ("POST", "/", 403),
        ("POST", "//", 403),
        ("POST", "/?Action=AssumeRoleWithWebIdentity&Version=2011-06-15&WebIdentityToken=x", 400),
        ("PUT", "/", 403),
    ],
)
async def test_what_a_lease_must_not_do_is_refused(method: str, target: str, status: int, looking: Looking) -> None:
    answer = await looking.ask(f"{method} {target} HTTP/1.1\nHost: s3.example.org\nConnection: close")

    assert answer.split()[1] == str(status).encode()
    assert b"<Error><Code>" in answer
    assert looking.upstream.heads == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(["Content-Type: application/x-www-form-urlencoded"], id="sts-on-a-bucket"),
        pytest.param(["Content-Type: Application/X-WWW-Form-Urlencoded; charset=utf-8"], id="sts-in-other-case"),
    ],
)
async def test_sts_is_not_reached_on_any_path(headers: list[str], looking: Looking) -> None:
    assert await looking.status("POST", "/lake/a", *headers, "Content-Length: 0") == 403
    assert looking.upstream.heads == []


async def test_a_form_with_a_query_is_no_sts_call(looking: Looking) -> None:
    form = "Content-Type: application/x-www-form-urlencoded"
    assert await looking.status("POST", "/lake/a?uploads", form, "Content-Length: 0") == 200


UNSIGNED = "X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param([UNSIGNED, "Authorization: AWS4-HMAC-SHA256 Credential=a"], 200, id="signed-in-the-header"),
        pytest.param([UNSIGNED], 403, id="signed-in-the-query"),
        pytest.param([UNSIGNED, "Authorization: "], 403, id="empty-authorization"),
        pytest.param([UNSIGNED, "Authorization: AWS a:b"], 403, id="other-signature"),
        pytest.param(["X-Amz-Meta-Snowball-Auto-Extract: true"], 403, id="archive"),
        pytest.param(["x-amz-meta-snowball-auto-extract: TRUE"], 403, id="archive-in-other-case"),
        pytest.param(["X-Amz-Content-Sha256: UNSIGNED-PAYLOAD"], 200, id="plain-presigned-upload"),
    ],
)
async def test_uploads_without_a_signature_that_is_looked_at(headers: list[str], status: int, looking: Looking) -> None:
    target = "/lake/a?X-Amz-Credential=a&X-Amz-Signature=0"
    assert await looking.status("PUT", target, *headers, "Content-Length: 0") == status
    assert len(looking.upstream.heads) == (status == 200)


def header_of(key: str) -> str:
    """The header that passes for a condition key."""
    return key.partition(":")[2].capitalize()


@pytest.mark.parametrize("key", CONDITION_KEYS.split())
async def test_no_header_passes_for_a_condition(key: str, looking: Looking) -> None:
    name = header_of(key)
    sent = [f"{name}: forged", f"{name.upper()}: forged", f"{name.lower()}: forged"]
    await looking.status("GET", "/lake/a", *sent)

    (head,) = looking.upstream.heads
    assert "forged" not in head


async def test_what_a_client_signs_is_left_alone(looking: Looking) -> None:
    kept = {
        "X-Amz-Copy-Source": "/lake/b",
        "X-Amz-Meta-Prefix": "mine",
        "X-Amz-Storage-Class": "STANDARD",
        "X-Amz-Security-Token": "t" * 7000,
        "Range": "bytes=1-2",
        "If-None-Match": "*",
        "Content-Md5": "x",
        "User-Agent": "me",
        "Referer": "there",
    }
    await looking.status("PUT", "/lake/a", *(f"{name}: {value}" for name, value in kept.items()))

    lines = looking.upstream.heads[0].split("\r\n")
    assert {f"{name}: {value}" for name, value in kept.items()} <= set(lines)


async def test_the_caller_does_not_say_where_it_comes_from(looking: Looking) -> None:
    forged = [f"{name}: 8.8.8.8" for name in ("X-Forwarded-For", "X-Real-IP", "X-Forwarded-Host", "X-Forwarded-Prefix")]
    await looking.status("GET", "/lake/a", *forged, "Forwarded: for=8.8.8.8")

    (head,) = looking.upstream.heads
    assert "8.8.8.8" not in head
    assert "X-Forwarded-For: 127.0.0.1" in head


async def test_the_time_is_the_stores_own(looking: Looking) -> None:
    answer = await looking.ask("GET /lake/a HTTP/1.1\nHost: s3\nConnection: close")
    assert b"Thu, 01 Jan 1970" in answer


@pytest.mark.parametrize("framing", ["Content-Length: 10", "Transfer-Encoding: chunked"])
async def test_bodies_pass_through_while_they_are_sent(framing: str, looking: Looking) -> None:
    """The store has the first half before the second is sent, and the client likewise."""
    upstream = looking.upstream
    upstream.received.clear()
    upstream.answer.clear()
    upstream.heads.clear()
    reader, writer = await looking.open()
    first = b"5\r\nhello\r\n" if "chunked" in framing else b"hello"
    writer.write(f"PUT /lake/first-half HTTP/1.1\r\nHost: s3\r\n{framing}\r\n\r\n".encode() + first)
    await asyncio.wait_for(upstream.received.wait(), 5)
    got = b""
    while b"half" not in got:
        got += await asyncio.wait_for(reader.read(1000), 5)
    upstream.answer.set()
    writer.close()


async def test_nothing_is_kept_on_disk_and_nothing_of_a_key_is_logged(
    looking: Looking, place: tuple[StateFolder, Children]
) -> None:
    folder, _ = place
    target = "/lake/a?X-Amz-Signature=topsecret&X-Amz-Security-Token=topsecret"
    await looking.ask(f"PUT {target} HTTP/1.1\nHost: s3\nConnection: close\nContent-Length: 500000", b"x" * 500_000)
    await looking.ask(f"GET {target}&bad=1 HTTP/1.1\nHost: s3\nConnection: close")

    assert [found for found in files_in(folder.path / "edge") if found.name not in {"nginx.conf", "nginx.pid"}] == []
    assert "topsecret" not in (folder.logs / "edge.log").read_text()


def files_in(folder: Path) -> list[Path]:
    return [found for found in folder.rglob("*") if found.is_file()]
