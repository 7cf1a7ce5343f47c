"""What the STS door refuses, always as XML with one of AWS's codes, and what never ends up in a log."""

import json
import socket
from urllib.parse import urlencode, urlsplit

import httpx2
import pytest

from tests.doors.sts.asking import ASSUME, FORM, IDENTITY, ROLE, Sts, refusal
from tests.support.waiting import eventually

ALLOW: dict[str, object] = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::cdm-lake/*"]}


def document(*statements: dict[str, object], **more: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements, **more})


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        pytest.param({"Action": ""}, 400, "MissingAction", id="no-action"),
        pytest.param({"Action": "assumeRoleWithWebIdentity"}, 400, "InvalidAction", id="action-in-other-case"),
        pytest.param({"Action": "AssumeRole"}, 400, "InvalidAction", id="unknown-action"),
        pytest.param({"Version": "2011-06-16"}, 400, "InvalidAction", id="other-version"),
        pytest.param({"Version": ""}, 400, "InvalidAction", id="no-version"),
        pytest.param({"WebIdentityToken": ""}, 400, "ValidationError", id="no-token"),
        pytest.param({"WebIdentityToken": "a b"}, 400, "InvalidIdentityToken", id="token-with-a-blank"),
        pytest.param({"WebIdentityToken": "a.b.c"}, 400, "InvalidIdentityToken", id="no-jwt"),
        pytest.param({"WebIdentityToken": "vlt_x"}, 400, "InvalidIdentityToken", id="no-lease-token"),
        pytest.param({"WebIdentityToken": "x" * 40_000}, 413, "RequestEntityTooLarge", id="huge-token"),
        pytest.param({"RoleArn": "arn:aws:iam::000000000000:role/other"}, 403, "AccessDenied", id="unknown-role"),
        pytest.param({"RoleArn": "arn:aws-cn:iam::000000000000:role/vendor"}, 403, "AccessDenied", id="partition"),
        pytest.param({"RoleArn": ROLE + "x" * 3000}, 403, "AccessDenied", id="over-long-role"),
        pytest.param({"RoleArn": ROLE.upper()}, 403, "AccessDenied", id="role-in-other-case"),
        pytest.param({"RoleSessionName": "x"}, 400, "ValidationError", id="session-of-1"),
        pytest.param({"RoleSessionName": "x" * 65}, 400, "ValidationError", id="session-of-65"),
        pytest.param({"RoleSessionName": "a b"}, 400, "ValidationError", id="session-with-a-blank"),
        pytest.param({"RoleSessionName": "ab\r\nX-Evil: 1"}, 400, "ValidationError", id="session-with-line-ends"),
        pytest.param({"Policy": ""}, 400, "MalformedPolicyDocument", id="empty-policy"),
        pytest.param({"Policy": "{"}, 400, "MalformedPolicyDocument", id="policy-cut-off"),
        pytest.param({"Policy": document()}, 400, "MalformedPolicyDocument", id="policy-without-statements"),
        pytest.param({"Policy": document({**ALLOW, "Principal": "*"})}, 400, "MalformedPolicyDocument", id="principal"),
        pytest.param(
            {"Policy": document({"Effect": "Allow", "NotAction": ["s3:Get*"], "Resource": ["*"]})},
            400,
            "MalformedPolicyDocument",
            id="not-action",
        ),
        pytest.param(
            {"Policy": document({**ALLOW, "Effect": "Deny"})}, 400, "MalformedPolicyDocument", id="denials-only"
        ),
        pytest.param({"Policy": document(ALLOW) + " " * 2048}, 400, "PackedPolicyTooLarge", id="policy-over-2048"),
        pytest.param(
            {"Policy": document({**ALLOW, "Resource": ["arn:aws:s3:::other/*"]})},
            403,
            "AccessDenied",
            id="nothing-in-common",
        ),
        pytest.param({"PolicyArns.member.1.arn": "arn:x"}, 400, "ValidationError", id="policy-arns"),
        pytest.param({"Tags.member.1.Key": "a"}, 400, "ValidationError", id="tags"),
        pytest.param({"TransitiveTagKeys.member.1": "a"}, 400, "ValidationError", id="transitive-tags"),
        pytest.param({"ProviderId": "www.amazon.com"}, 400, "ValidationError", id="provider"),
        pytest.param({"TokenRevokeType": "x"}, 400, "ValidationError", id="parameter-of-minio"),
        pytest.param({"webidentitytoken": "x"}, 400, "ValidationError", id="parameter-in-other-case"),
        *(
            pytest.param({"DurationSeconds": text}, 400, "ValidationError", id=f"duration-{name}")
            for name, text in {
                "0": "0", "-1": "-1", "1": "1", "43201": "43201", "2^63": str(2**63), "fraction": "3600.5",
                "unit": "1h", "arabic": "٣٦٠٠", "blank": " ", "empty": "", "plus": "+900", "exponent": "1e3",
            }.items()
        ),
    ],
)  # fmt: skip
def test_each_is_refused_with_its_code(sts: Sts, parameters: dict[str, str], status: int, code: str) -> None:
    form = {**ASSUME, "WebIdentityToken": sts.token("alice"), **parameters}
    assert refusal(sts.post(form)) == (status, code)
    if sum(map(len, form.values())) < 5000:
        assert refusal(sts.post((), form)) == (status, code), "the same for the query"


def test_nothing_comes_twice(sts: Sts) -> None:
    token = ("WebIdentityToken", sts.token("alice"))
    both = [*ASSUME.items(), token]
    for name, value in (("DurationSeconds", "3600"), ("RoleArn", ROLE), ("Action", "GetCallerIdentity"), token):
        again = [*both, (name, value), (name, value)]
        assert refusal(sts.post(again)) == (400, "ValidationError"), name
    assert refusal(sts.post(both, {"Action": "GetCallerIdentity"})) == (400, "ValidationError")
    assert refusal(sts.post(both, {"Action": "AssumeRoleWithWebIdentity"})) == (400, "ValidationError")
    assert refusal(sts.post([(f"x{number}", "y") for number in range(200)])) == (400, "ValidationError")


@pytest.mark.parametrize(
    ("headers", "content", "expected"),
    [
        pytest.param({"content-type": "application/json"}, b"{}", (415, "ValidationError"), id="json"),
        pytest.param({}, b"Action=x", (415, "ValidationError"), id="no-media-type"),
        pytest.param({"content-type": FORM, "content-encoding": "gzip"}, b"x", (415, "ValidationError"), id="encoded"),
        pytest.param({"content-type": FORM}, b"Action=%ff", (400, "ValidationError"), id="not-utf-8"),
        pytest.param({"content-type": FORM}, "Action=é".encode(), (400, "ValidationError"), id="not-encoded"),
        pytest.param({"content-type": FORM}, b"a=" + b"x" * 300_000, (413, "RequestEntityTooLarge"), id="huge"),
        pytest.param({"content-type": FORM}, b"", (400, "MissingAction"), id="empty"),
        pytest.param({"content-type": FORM, "accept": "text/html"}, b"x", (400, "MissingAction"), id="wants-html"),
    ],
)
def test_bodies_that_are_none(sts: Sts, headers: dict[str, str], content: bytes, expected: tuple[int, str]) -> None:
    assert refusal(sts.web.post(f"{sts.stack.gateway.url}/", content=content, headers=headers)) == expected


def test_other_methods(sts: Sts) -> None:
    url = f"{sts.stack.gateway.url}/"
    query = urlencode({**ASSUME, "WebIdentityToken": sts.token("alice")})
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        answer = sts.web.request(method, f"{url}?{query}", headers={"origin": "https://evil.example"})
        assert refusal(answer) == (405, "MethodNotAllowed")
        assert answer.headers["allow"] == "POST"
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    answer = sts.web.request("GET", url, content=urlencode(ASSUME), headers={"content-type": FORM})
    assert refusal(answer) == (405, "MethodNotAllowed")


def test_one_proof_of_identity_and_no_more(sts: Sts) -> None:
    bearer = f"Bearer {sts.token('bob')}"
    form = {**ASSUME, "WebIdentityToken": sts.token("alice")}
    assert refusal(sts.post(form, headers={"authorization": bearer})) == (400, "ValidationError")
    assert refusal(sts.post({**form, **IDENTITY}, headers={"authorization": bearer})) == (400, "ValidationError")
    assert refusal(sts.post({**form, **IDENTITY, "RoleArn": ROLE})) == (400, "ValidationError")


def test_an_expired_token_is_told_apart(sts: Sts) -> None:
    import time

    import jwt

    claims = jwt.decode(sts.token("alice"), options={"verify_signature": False})
    header = jwt.get_unverified_header(sts.token("alice"))
    old = {**claims, "iat": int(time.time()) - 7200, "exp": int(time.time()) - 3600}
    token = jwt.encode(old, sts.stack.idp.signing_key(), algorithm=header["alg"], headers={"kid": header["kid"]})
    assert sts.refused(token) == (400, "ExpiredTokenException")


def test_whats_away_is_told_so_that_sdks_ask_again(sts: Sts) -> None:
    sts.stack.valkey.child.freeze()
    try:
        answer = sts.post({**ASSUME, "WebIdentityToken": sts.token("alice")})
    finally:
        sts.stack.valkey.child.thaw()
    assert refusal(answer) == (503, "ServiceUnavailable")
    assert int(answer.headers["retry-after"]) > 0


def test_no_log_holds_what_a_query_held(sts: Sts) -> None:
    """minio-py and object_store send the token in the query."""
    token = "kbase-like-opaque-token-47110815"
    marked = {**ASSUME, "WebIdentityToken": token, "RoleSessionName": "session-in-the-query"}
    sts.post((), marked, headers={"x-request-id": "query-in-no-log"})
    place = urlsplit(sts.stack.gateway.url)
    with socket.create_connection((place.hostname, place.port)) as raw:
        raw.sendall(f"POST /?{urlencode(marked)} HTTP/1.1\r\nbroken header\r\n\r\n".encode())
        raw.settimeout(5)
        raw.recv(100)
    log = sts.stack.gateway.child.log
    eventually(lambda: "query-in-no-log" in log.read_text())
    for file in sts.stack.logs:
        text = file.read_text(errors="replace")
        assert token not in text
        assert "session-in-the-query" not in text


def test_an_unexpected_failure_is_xml_too(sts: Sts) -> None:
    """A reachable failure would be a fault; so the door's form is asked directly."""
    from vendor.doors.forms import form_of
    from vendor.doors.render import InternalError

    answer = form_of("/").answer(InternalError(), {"type": "http", "headers": [], "path": "/"})
    assert answer.status_code == 500
    found = httpx2.Response(500, headers=dict(answer.headers), content=bytes(answer.body))
    assert "<Code>InternalFailure</Code>" in found.text


def test_an_identity_provider_that_is_away_is_told_so_that_sdks_ask_again(sts: Sts) -> None:
    token = sts.stack.kbase.token("bob")
    kbase = sts.stack.kbase.child
    kbase.freeze()
    try:
        answer = sts.post({**ASSUME, "WebIdentityToken": f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}"})
    finally:
        kbase.thaw()
    assert refusal(answer) == (400, "IDPCommunicationError"), "which SDKs send again, unlike other 400s"


def test_who_asks_too_often_is_throttled(sts: Sts) -> None:
    added = sts.stack.add_gateway("sts-throttled", VENDOR_LIMIT_VEND_BURST="1", VENDOR_LIMIT_VEND_PER_SECOND="1")
    try:
        form = {**ASSUME, "WebIdentityToken": sts.token("bob")}
        for seconds in range(3000, 3100):  # each another ask: the same again would be answered with the same keys
            answer = sts.web.post(f"{added.url}/", data={**form, "DurationSeconds": str(seconds)})
            if answer.status_code != 200:
                break
    finally:
        added.child.stop()
    assert seconds > 3000, "one is always taken"
    assert refusal(answer) == (400, "Throttling")
    assert int(answer.headers["retry-after"]) > 0
