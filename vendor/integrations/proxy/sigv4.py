"""AWS Signature Version 4 in headers, from both sides: checking what a program signed, and signing for the store.

Pure: no clock, no network.  Only what S3 clients send is known here; every other form is refused.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from vendor.secret import SecretKey

ALGORITHM: Final = "AWS4-HMAC-SHA256"
EMPTY: Final = hashlib.sha256(b"").hexdigest()
UNSIGNED: Final = "UNSIGNED-PAYLOAD"
SKEW: Final = 900.0  # seconds that a program's clock may be away from ours, as at S3
_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([A-Z0-9]{1,128})/(\d{8})/([a-z0-9-]{1,64})/s3/aws4_request,? *"
    r"SignedHeaders=([a-z0-9;-]{1,4096}),? *Signature=([0-9a-f]{64})",
    re.ASCII,
)
_TIME: Final = re.compile(r"\d{8}T\d{6}Z", re.ASCII)

Headers = Sequence[tuple[str, str]]


class Unacceptable(Exception):
    """A request whose signature is missing, wrong or of a form that is not taken; `code` is S3's name for that."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Pair:
    """An access key and its secret."""

    access_key: str
    secret: SecretKey


@dataclass(frozen=True, slots=True)
class Signed:
    """A request whose signature was found right: where its chunks, if it has any, go on from."""

    time: str
    scope: str
    signature: str
    payload: str
    key: Callable[[str], str]
    """Signs a text with the key of the day."""


def check(pair: Pair, method: str, target: str, headers: Headers, now: float) -> Signed:
    """Return what is signed, or raise Unacceptable."""
    found = _AUTHORIZATION.fullmatch(_one(headers, "authorization"))
    if not found:
        raise Unacceptable("AccessDenied", "Requests are signed in the header Authorization, with version 4.")
    access_key, date, region, signed_text, signature = found.groups()
    signed_names = signed_text.split(";")
    time, payload = _one(headers, "x-amz-date"), _one(headers, "x-amz-content-sha256")
    if not hmac.compare_digest(access_key, pair.access_key):
        raise Unacceptable("InvalidAccessKeyId", "This is not the access key of this proxy.")
    if not _TIME.fullmatch(time) or not time.startswith(date) or abs(_seconds(time) - now) > SKEW:
        raise Unacceptable("RequestTimeTooSkewed", "The time of the request and the time here are too far apart.")
    left_out = {name for name, _ in headers if name.startswith("x-amz-") or name == "host"} - set(signed_names)
    if left_out or "host" not in signed_names:
        raise Unacceptable("AccessDenied", "The host and every x-amz- header have to be signed.")
    scope = f"{date}/{region}/s3/aws4_request"
    sign = _signer(pair, scope)
    names = sorted(set(signed_names))
    expected = _signature(sign, time, scope, canonical(method, target, headers, names, payload))
    if not hmac.compare_digest(expected, signature):
        raise Unacceptable("SignatureDoesNotMatch", "The signature is not what this proxy calculates.")
    return Signed(time, scope, signature, payload, sign)


def signed(
    pair: Pair, session_token: str, region: str, method: str, target: str, headers: Headers, payload: str, now: float
) -> list[tuple[str, str]]:
    """Return `headers` with what S3 wants to see of a signature made `now`."""
    time = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{time[:8]}/{region}/s3/aws4_request"
    more = [*headers, ("x-amz-date", time), ("x-amz-content-sha256", payload), ("x-amz-security-token", session_token)]
    names = sorted({name for name, _ in more if name.startswith("x-amz-") or name in {"host", "content-type"}})
    signature = _signature(_signer(pair, scope), time, scope, canonical(method, target, more, names, payload))
    authorization = (
        f"{ALGORITHM} Credential={pair.access_key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return [*more, ("authorization", authorization)]


def canonical(method: str, target: str, headers: Headers, names: Sequence[str], payload: str) -> str:
    """Return the canonical request.  Bytes stand in it as latin-1, as the HTTP library reads and writes them."""
    path, _, query = target.partition("?")
    lines = [f"{name}:{','.join(_values(headers, name))}" for name in names]
    return "\n".join(
        (method, canonical_path(path), canonical_query(query), "\n".join(lines) + "\n", ";".join(names), payload)
    )


def canonical_path(path: str) -> str:
    """Return a path with exactly what has to be encoded, encoded; S3 does it once, not twice."""
    return quote_from_bytes(unquote_to_bytes(path), safe="/-_.~")


def canonical_query(query: str) -> str:
    """Return the parameters in order."""
    return "&".join(sorted(_pair(part) for part in query.split("&") if part))


def _pair(part: str) -> str:
    name, _, value = part.partition("=")
    return f"{_encoded(name)}={_encoded(value)}"


def _encoded(text: str) -> str:
    return quote_from_bytes(unquote_to_bytes(text.replace("+", " ")), safe="-_.~")


def _signature(sign: Callable[[str], str], time: str, scope: str, request: str) -> str:
    return sign(f"{ALGORITHM}\n{time}\n{scope}\n{hashlib.sha256(request.encode('latin-1')).hexdigest()}")


def _signer(pair: Pair, scope: str) -> Callable[[str], str]:
    key = f"AWS4{pair.secret.reveal()}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return lambda text: hmac.digest(key, text.encode(), "sha256").hex()


def _one(headers: Headers, name: str) -> str:
    values = _values(headers, name)
    if len(values) != 1:
        raise Unacceptable("AccessDenied", f"The request needs one header {name}.")
    return values[0]


def _values(headers: Headers, name: str) -> list[str]:
    return [" ".join(value.split()) for given, value in headers if given == name]


def _seconds(time: str) -> float:
    try:
        return datetime.strptime(time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def lower(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return headers with names in lower case, as everything here wants them."""
    return [(name.lower(), value) for name, value in headers]
