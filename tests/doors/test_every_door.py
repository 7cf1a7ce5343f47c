"""What every door refuses, in the form of its own clients: bodies, methods, headers, and requests in disguise."""

import gzip
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
import pytest
import redis
from defusedxml import ElementTree

from tests.support.gateways import Api, api
from tests.support.waiting import eventually
from vendor.dev.stack import Stack
from vendor.doors.table import OPERATIONS

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
ICEBERG = "/v1/iceberg/credentials"
UNITY = "/api/2.1/unity-catalog/temporary-path-credentials"
HOME = "s3://cdm-lake/users-general-warehouse/alice/"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


@dataclass(frozen=True)
class Door:
    """One way in: where, in which form its refusals are, and what it takes."""

    path: str
    method: str
    errors: str
    media: str | None = None


DOORS = {
    "native": Door("/v1/leases", "POST", "native", JSON),
    "container": Door("/v1/container-credentials", "GET", "flat"),
    "sts": Door("/", "POST", "xml", FORM),
    "exchange": Door("/oauth/token", "POST", "oauth", FORM),
    "revocation": Door("/oauth/revoke", "POST", "oauth", FORM),
    "iceberg": Door(ICEBERG, "GET", "iceberg"),
    "unity": Door(UNITY, "POST", "unity", JSON),
}
TAKING = {name: door for name, door in DOORS.items() if door.media}
MEMBERS = {
    "native": {"code", "message", "remedy", "details", "request_id"},
    "flat": {"code", "message"},
    "oauth": {"error", "error_description", "request_id"},
    "iceberg": {"message", "type", "code"},
    "unity": {"error_code", "message", "details"},
}


def status_of(door: Door, answer: httpx2.Response) -> int:
    """Return the status of a refusal that is in the form of its door, and tells nothing of the inside."""
    assert answer.status_code >= 400, answer.text
    assert answer.headers["x-request-id"]
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert "Traceback" not in answer.text
    assert "<html" not in answer.text.lower()
    if door.errors == "xml":
        root = ElementTree.fromstring(answer.content)
        assert root.tag == "{https://sts.amazonaws.com/doc/2011-06-15/}ErrorResponse"
    else:
        assert answer.headers["content-type"] == JSON
        body = answer.json()
        assert set(body["error"] if door.errors in {"native", "iceberg"} else body) == MEMBERS[door.errors]
    return answer.status_code


@pytest.fixture
def web(seaweedfs_stack: Stack) -> Iterator[Api]:
    """Calls as alice; `call` also holds every answer against the document."""
    with api(seaweedfs_stack, "alice") as calls:
        yield calls


@pytest.fixture
def nobody(seaweedfs_stack: Stack) -> Iterator[Api]:
    """Calls without a token."""
    with api(seaweedfs_stack, None) as calls:
        yield calls


@pytest.fixture(params=list(DOORS))
def door(request: pytest.FixtureRequest) -> Door:
    return DOORS[request.param]


@pytest.fixture(params=list(TAKING))
def taking(request: pytest.FixtureRequest) -> Door:
    return TAKING[request.param]


def test_the_list_has_every_door() -> None:
    """All but the native one, of which one operation stands for many, and what is only read about a door."""
    others = {one.path for one in OPERATIONS if one.door not in {"api", "operations", "docs"}}
    assert others - {"/.well-known/oauth-authorization-server"} <= {door.path for door in DOORS.values()}


# Bodies -------------------------------------------------------------------------------------------------------------


def test_bodies_that_are_too_large(web: Api, taking: Door) -> None:
    headers = {"content-type": taking.media}
    assert status_of(taking, web.call("POST", taking.path, content=b"a=" + b"x" * 2_000_000, headers=headers)) == 413

    def pieces() -> Iterator[bytes]:
        yield b"a="
        for _ in range(40):
            yield b"x" * 50_000

    answer = web.call("POST", taking.path, content=pieces(), headers=headers)
    assert status_of(taking, answer) == 413, "no length was declared"


def test_encoded_bodies_are_never_unpacked(web: Api, taking: Door) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    headers = {"content-type": taking.media, "content-encoding": "gzip"}
    assert status_of(taking, web.call("POST", taking.path, content=bomb, headers=headers)) == 415


@pytest.mark.parametrize("media", ["text/plain", "multipart/form-data; boundary=x", "application/xml", ""])
def test_bodies_of_another_kind(web: Api, taking: Door, media: str) -> None:
    headers = {"content-type": media} if media else {}
    assert status_of(taking, web.call("POST", taking.path, content=b'{"a": 1}', headers=headers)) == 415


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xef\xbb\xbf{}", id="byte-order-mark"),
        pytest.param("{}".encode("utf-16"), id="utf-16"),
        pytest.param(b'{"url": "s3://a/", "url": "s3://b/"}', id="repeated"),
        pytest.param(b'{"operation": NaN}', id="nan"),
        pytest.param(b'{"duration": 1e999}', id="infinite"),
        pytest.param(b'{"duration": ' + b"9" * 5000 + b"}", id="5000-digits"),
        pytest.param(b"[" * 10_000, id="deep"),
        pytest.param(b"[]", id="array"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"url": null, "operation": null, "scope": 1}', id="null-members"),
        pytest.param(b'{"url": "\\ud800", "scope": "\\ud800"}', id="lone-surrogate"),
        pytest.param(b'{"unknown": 1}', id="unknown"),
        pytest.param(b"{", id="cut-off"),
        pytest.param(b'{"url": "s3://a/\xff"}', id="not-utf-8"),
    ],
)
@pytest.mark.parametrize("name", ["native", "unity"])
def test_json_with_no_or_two_meanings(web: Api, name: str, content: bytes) -> None:
    door = DOORS[name]
    assert status_of(door, web.call("POST", door.path, content=content, headers={"content-type": JSON})) == 400


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xff=1", id="not-utf-8"),
        pytest.param(b"a=%ff", id="no-utf-8-behind-percents"),
        pytest.param(b"&".join(b"a%d=1" % number for number in range(200)), id="many"),
        pytest.param(b"unknown=1", id="unknown"),
        pytest.param(b"token=a&token=b&Action=a&Action=b&grant_type=a&grant_type=b", id="repeated"),
        pytest.param(b"", id="empty"),
    ],
)
@pytest.mark.parametrize("name", ["sts", "exchange", "revocation"])
def test_forms_with_no_or_two_meanings(web: Api, name: str, content: bytes) -> None:
    door = DOORS[name]
    assert status_of(door, web.call("POST", door.path, content=content, headers={"content-type": FORM})) == 400


@pytest.mark.parametrize("name", ["container", "iceberg"])
def test_a_body_where_none_belongs_changes_nothing(web: Api, name: str) -> None:
    door = DOORS[name]
    headers = {"content-type": JSON, "authorization": ""}
    answer = web.call("GET", door.path, content=b'{"path": "s3://other/"}', headers=headers)
    assert status_of(door, answer) == 401


# Methods and headers ------------------------------------------------------------------------------------------------


def test_other_methods_and_foreign_pages(web: Api, door: Door) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": door.method}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - {door.method}:
        if door.path == "/v1/leases" and method in {"GET", "DELETE"}:
            continue
        answer = web.call(method, door.path, headers=headers)
        assert status_of(door, answer) == 405, method
        assert door.method in answer.headers["allow"]


def test_head_tells_what_get_does_and_no_more(web: Api, door: Door) -> None:
    answer = web._web.head(door.path, headers={"authorization": ""})
    assert answer.status_code == (405 if door.method == "POST" and door.errors != "native" else 401)
    assert answer.content == b""


def test_whoever_wants_a_page_gets_the_same(web: Api, door: Door) -> None:
    headers = {"accept": "text/html", "authorization": "", "content-type": door.media or JSON}
    assert status_of(door, web.call(door.method, door.path, headers=headers)) in {400, 401}


FORGED = {
    "host": "evil.example",
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "https",
    "x-forwarded-for": "203.0.113.9, 10.0.0.1",
    "forwarded": 'for="[2001:db8::1%25eth0]:4711";host=evil.example',
    "x-real-ip": "203.0.113.9",
    "x-original-url": "/v1/tenants",
    "x-http-method-override": "DELETE",
}


def test_forged_addresses_are_believed_nowhere(web: Api, seaweedfs_stack: Stack) -> None:
    given = web.call("GET", ICEBERG, params={"path": HOME}, headers={**FORGED, "x-request-id": "forged-addresses"})
    assert given.status_code == 200
    assert "evil.example" not in given.text
    assert "evil.example" not in str(given.headers)
    for path in ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/v1/sign-in"):
        answer = web.call("GET", path, headers=FORGED)
        assert answer.status_code == 200
        assert "evil.example" not in answer.text, path

    def events() -> list[dict[str, Any]]:
        with redis.Redis.from_url(seaweedfs_stack.valkey.url, decode_responses=True) as server:
            found = [json.loads(fields["event"]) for _, fields in server.xrevrange("{vendor}:audit", count=200)]
        return [event for event in found if event.get("request_id") == "forged-addresses"]

    (event,) = events()
    assert event["client"]["address"] == "127.0.0.1"
    assert "203.0.113.9" not in json.dumps(event)


# What no client library sends ---------------------------------------------------------------------------------------


def raw(stack: Stack, request: bytes) -> bytes:
    """Send bytes as they are, and return all that comes until the gateway closes or says no more."""
    place = urlsplit(stack.gateway.url)
    assert place.hostname is not None
    assert place.port is not None
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        found = b""
        try:
            while piece := connection.recv(65_536):
                found += piece
        except ConnectionError:  # closed before all of the request was read
            pass
    return found


def head(door: Door, *lines: bytes) -> bytes:
    first = f"{door.method} {door.path} HTTP/1.1\r\nHost: gateway\r\n".encode()
    return first + b"".join(line + b"\r\n" for line in lines)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"X-Request-Id: a\x00b", id="nul"),
        pytest.param(b"Authorization: Bearer a\rb", id="carriage-return"),
        pytest.param(b"Authorization: Bearer a\n b", id="folded"),
        pytest.param(b"X Y: 1", id="blank-in-a-name"),
        pytest.param(b": 1", id="no-name"),
        pytest.param(b"X-Long: " + b"a" * 65_536, id="64-kb"),
        pytest.param(b"Content-Length: 1\r\nContent-Length: 2", id="two-lengths"),
        pytest.param(b"Content-Length: -1", id="length-below-zero"),
        pytest.param(b"Content-Length: 0x10", id="length-in-hex"),
    ],
)
def test_headers_that_are_none(seaweedfs_stack: Stack, door: Door, line: bytes) -> None:
    said = raw(seaweedfs_stack, head(door, line, b"") + b"x")
    assert said == b"" or said.split(b" ", 2)[1] in {b"400", b"413", b"431"}, said[:200]
    assert b"Traceback" not in said


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param([b"Content-Length: 5", b"Transfer-Encoding: chunked"], id="length-first"),
        pytest.param([b"Transfer-Encoding: chunked", b"Content-Length: 5"], id="chunked-first"),
        pytest.param([b"Transfer-Encoding: chunked, identity", b"Content-Length: 5"], id="chunked-not-last"),
        pytest.param([b"Transfer-Encoding : chunked", b"Content-Length: 5"], id="blank-before-the-colon"),
        pytest.param([b"Transfer-Encoding: xchunked", b"Content-Length: 5"], id="unknown-coding"),
    ],
)
def test_no_request_hides_behind_another(seaweedfs_stack: Stack, door: Door, pair: list[bytes]) -> None:
    hidden = b"GET /v1/whoami HTTP/1.1\r\nHost: gateway\r\nX-Request-Id: was-smuggled-in\r\n\r\n"
    said = raw(seaweedfs_stack, head(door, *pair, b"") + b"0\r\n\r\n" + hidden)

    assert said.count(b"HTTP/1.1 ") <= 1, said[:400]
    assert said == b"" or said.split(b" ", 2)[1] == b"400", said[:200]
    assert "was-smuggled-in" not in seaweedfs_stack.gateway.child.log.read_text()


# Leases that are over ------------------------------------------------------------------------------------------------


def opened(stack: Stack, token: str) -> dict[str, int]:
    """Show a lease token at every door that gives keys for one; return the statuses."""
    bearer = {"authorization": f"Bearer {token}"}
    assume = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "WebIdentityToken": token}
    form = {"content-type": FORM}
    with api(stack, None) as web:
        answers = {
            "container": web.call("GET", "/v1/container-credentials", headers=bearer),
            "sts": web.call("POST", "/", content=urlencode(assume), headers=form),
            "iceberg": web.call("GET", ICEBERG, headers=bearer),
            "unity": web.call("POST", UNITY, {"url": HOME, "operation": "PATH_READ"}, headers=bearer),
            "native": web.call("POST", "/v1/leases/renew", {}, headers=bearer),
        }
    return {
        name: answer.status_code if answer.is_success else status_of(DOORS[name], answer)
        for name, answer in answers.items()
    }


def test_a_lease_past_its_maximum_opens_no_door(juicefs_stack: Stack) -> None:
    with api(juicefs_stack, "alice") as short:
        token = short.lease((HOME, "read"), duration=5, renewable_for=6)["lease_token"]
        assert set(opened(juicefs_stack, token).values()) == {200}
        over = {"container": 410, "sts": 400, "iceberg": 419, "unity": 401, "native": 410}
        eventually(lambda: opened(juicefs_stack, token) == over, within=15)


@pytest.mark.parametrize("kind", ["forged", "unknown", "another's secret"])
def test_a_lease_token_that_is_none_opens_no_door(web: Api, seaweedfs_stack: Stack, kind: str) -> None:
    first, second = (web.lease((HOME, "read"), renewable_for=3600)["lease_token"] for _ in range(2))
    front, secret = first[:24], first[25:]
    token = {
        "forged": f"{front}_{secret[::-1]}",
        "unknown": f"vlt_{'a' * 20}_{secret}",
        "another's secret": f"{front}_{second[25:]}",
    }[kind]
    assert opened(seaweedfs_stack, token) == {"container": 401, "sts": 400, "iceberg": 401, "unity": 401, "native": 401}
    assert set(opened(seaweedfs_stack, first).values()) == {200}


# Secrets ------------------------------------------------------------------------------------------------------------


def test_what_was_shown_at_a_door_is_in_no_log(web: Api, nobody: Api, seaweedfs_stack: Stack) -> None:
    """Whatever a door does with them, good tokens, bad ones and keys go nowhere but back to the caller."""
    lease = web.lease((HOME, "read"), renewable_for=3600)
    good, opaque = lease["lease_token"], "an-opaque-secret-4711-0815-token"
    answers = []
    for token in (good, opaque):
        bearer = {"authorization": f"Bearer {token}"}
        exchange = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN}
        assume = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "WebIdentityToken": token}
        answers += [
            web.call("GET", "/v1/container-credentials", headers={"authorization": token}),
            web.call("GET", f"/v1/container-credentials?{urlencode({'token': token})}", headers=bearer),
            nobody.call("POST", f"/?{urlencode(assume)}"),
            web.call("POST", f"/oauth/token?{urlencode(exchange)}"),
            web.call("POST", "/oauth/token", content=urlencode(exchange), headers={"content-type": FORM}),
            web.call("GET", ICEBERG, params={"path": HOME}, headers=bearer),
            web.call("GET", ICEBERG, params={"token": token}),
            web.call("POST", UNITY, {"url": HOME, "operation": "PATH_READ"}, headers=bearer),
            web.call("POST", UNITY, {"url": token, "operation": token}),
            web.call("POST", "/v1/leases/renew", {}, headers=bearer),
        ]
    web.call("GET", "/livez", headers={"x-request-id": "all-was-shown"})
    eventually(lambda: "all-was-shown" in seaweedfs_stack.gateway.child.log.read_text())

    assert {answer.status_code for answer in answers} >= {200, 400, 401}
    keys = lease["credentials"]
    secrets = (good, good[25:], opaque, keys["secret_access_key"], keys["session_token"][-60:])
    for file in seaweedfs_stack.logs:
        text = file.read_text(errors="replace")
        assert not [number for number, secret in enumerate(secrets) if secret in text], file.name
    for answer in answers:
        assert opaque not in answer.text
