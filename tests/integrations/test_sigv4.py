"""Signatures as botocore makes and wants them, and everything that must not pass for one."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from vendor.integrations.proxy import sigv4
from vendor.integrations.proxy.pairs import new_pair
from vendor.integrations.proxy.sigv4 import Pair, Unacceptable
from vendor.secret import SecretKey

URL = "http://127.0.0.1:9000"
Headers = Sequence[tuple[str, str]]


@pytest.fixture(scope="module")
def pair() -> Pair:
    return new_pair()


def sign(pair: Pair, target: str, method: str = "GET", **headers: str) -> list[tuple[str, str]]:
    """Return the headers of a request that botocore has signed."""
    request = AWSRequest(method, URL + target, headers=headers, data=b"x" if method == "PUT" else b"")
    request.context["client_config"] = None
    S3SigV4Auth(Credentials(pair.access_key, pair.secret.reveal()), "s3", "us-east-1").add_auth(request)
    return sigv4.lower([("Host", "127.0.0.1:9000"), *request.headers.items()])


TARGETS = [
    "/",
    "/b/",
    "/b/plain",
    "/b/a%20b%2Bc%23",
    "/b/caf%C3%A9/%E2%82%AC~-_.",
    "/b?list-type=2&prefix=a%2Fb&delimiter=%2F",
    "/b/k?uploads",
    "/b/k?uploadId=x%2By&partNumber=10",
    "/b//double/./dots",
]


@pytest.mark.parametrize("target", TARGETS)
def test_what_botocore_signs_is_found_right(pair: Pair, target: str) -> None:
    headers = sign(pair, target, "PUT", **{"x-amz-meta-note": "two   blanks", "content-type": "text/plain"})

    found = sigv4.check(pair, "PUT", target, headers, time.time())

    assert found.scope.endswith("/us-east-1/s3/aws4_request")


def replaced(headers: Headers, name: str, old: str, new: str) -> list[tuple[str, str]]:
    changed = [(key, value.replace(old, new, 1) if key == name else value) for key, value in headers]
    assert changed != list(headers)
    return changed


def refusal(pair: Pair, method: str, target: str, headers: Headers, now: float | None = None) -> str:
    with pytest.raises(Unacceptable) as refused:
        sigv4.check(pair, method, target, headers, time.time() if now is None else now)
    assert pair.secret.reveal() not in str(refused.value)
    return refused.value.code


def test_what_was_changed_after_signing_is_refused(pair: Pair) -> None:
    good = sign(pair, "/b/k?a=1", "PUT", **{"x-amz-acl": "private"})
    sigv4.check(pair, "PUT", "/b/k?a=1", good, time.time())

    assert refusal(pair, "DELETE", "/b/k?a=1", good) == "SignatureDoesNotMatch"
    assert refusal(pair, "PUT", "/b/other?a=1", good) == "SignatureDoesNotMatch"
    assert refusal(pair, "PUT", "/b/k?a=2", good) == "SignatureDoesNotMatch"
    assert refusal(pair, "PUT", "/b/k", good) == "SignatureDoesNotMatch"
    assert refusal(pair, "PUT", "/b/k?a=1", replaced(good, "x-amz-acl", "private", "public-read")) == (
        "SignatureDoesNotMatch"
    )
    assert refusal(pair, "PUT", "/b/k?a=1", replaced(good, "host", "9000", "9001")) == "SignatureDoesNotMatch"
    assert refusal(pair, "PUT", "/b/k?a=1", [*good, ("x-amz-copy-source", "/b/secret")]) == "AccessDenied"
    assert refusal(pair, "PUT", "/b/k?a=1", replaced(good, "authorization", "us-east-1", "us-west-1")) == (
        "SignatureDoesNotMatch"
    )


def test_what_is_not_signed_in_the_header_is_refused(pair: Pair) -> None:
    good = sign(pair, "/b/k")
    without = [(name, value) for name, value in good if name != "authorization"]

    assert refusal(pair, "GET", "/b/k", without) == "AccessDenied"
    assert refusal(pair, "GET", "/b/k?X-Amz-Signature=0&X-Amz-Algorithm=AWS4-HMAC-SHA256", without) == "AccessDenied"
    assert refusal(pair, "GET", "/b/k", [*without, ("authorization", "AWS AK:c2ln")]) == "AccessDenied"
    assert refusal(pair, "GET", "/b/k", [*good, good[-1]]) == "AccessDenied", "twice"
    for name in ("x-amz-date", "x-amz-content-sha256"):
        assert refusal(pair, "GET", "/b/k", [one for one in good if one[0] != name]) == "AccessDenied"
    hostless = replaced(good, "authorization", "SignedHeaders=host;", "SignedHeaders=")
    assert refusal(pair, "GET", "/b/k", hostless) == "AccessDenied"


def test_another_pair_and_another_time_are_refused(pair: Pair) -> None:
    good = sign(pair, "/b/k")
    now = time.time()

    assert refusal(new_pair(), "GET", "/b/k", good) == "InvalidAccessKeyId"
    wrong = Pair(pair.access_key, SecretKey("A" * 40))
    assert refusal(wrong, "GET", "/b/k", good) == "SignatureDoesNotMatch"
    assert refusal(pair, "GET", "/b/k", good, now + 1000) == "RequestTimeTooSkewed"
    assert refusal(pair, "GET", "/b/k", good, now - 1000) == "RequestTimeTooSkewed"
    today = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d")
    assert refusal(pair, "GET", "/b/k", replaced(good, "authorization", today, "20200101")) == "RequestTimeTooSkewed"


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_signed_for_the_store_is_what_botocore_would_sign(pair: Pair, target: str) -> None:
    now = time.time()
    ours = dict(
        sigv4.signed(
            pair,
            "ST",
            "us-east-1",
            "GET",
            target,
            [("host", "127.0.0.1:9000"), ("range", "bytes=0-1")],
            sigv4.EMPTY,
            now,
        )
    )

    headers = [(name, value) for name, value in ours.items() if name != "authorization"]
    sigv4.check(pair, "GET", target, [*headers, ("authorization", ours["authorization"])], now)
    request = AWSRequest("GET", URL + target)
    request.context["timestamp"] = ours["x-amz-date"]
    auth = S3SigV4Auth(Credentials(pair.access_key, pair.secret.reveal(), "ST"), "s3", "us-east-1")
    request.headers["X-Amz-Date"] = ours["x-amz-date"]
    request.headers["X-Amz-Content-SHA256"] = sigv4.EMPTY
    request.headers["X-Amz-Security-Token"] = "ST"
    expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    assert ours["authorization"].endswith(f"Signature={expected}")
