"""Bodies in signed chunks: as a store's own client cuts them, and every way to tamper with them."""

import hashlib
import hmac
import io

import pytest

from vendor.integrations.proxy.chunks import SIGNED, SIGNED_TRAILER, Limited, decoded
from vendor.integrations.proxy.sigv4 import EMPTY, Signed, Unacceptable

TIME, SCOPE = "20260101T000000Z", "20260101/us-east-1/s3/aws4_request"


def sign(text: str) -> str:
    return hmac.new(b"key", text.encode(), "sha256").hexdigest()


def signed(payload: str = SIGNED) -> Signed:
    return Signed(TIME, SCOPE, "0" * 64, payload, sign)


def framed(*parts: bytes, trailer: str | None = None) -> bytes:
    """Return `parts` as signed chunks, with the last, empty one."""
    body, previous = b"", "0" * 64
    for part in (*parts, b""):
        digest = hashlib.sha256(part).hexdigest()
        previous = sign(f"AWS4-HMAC-SHA256-PAYLOAD\n{TIME}\n{SCOPE}\n{previous}\n{EMPTY}\n{digest}")
        body += f"{len(part):x};chunk-signature={previous}\r\n".encode() + part + (b"\r\n" if part else b"")
    if trailer is None:
        return body + b"\r\n"
    digest = hashlib.sha256(f"{trailer}\n".encode()).hexdigest()
    last = sign(f"AWS4-HMAC-SHA256-TRAILER\n{TIME}\n{SCOPE}\n{previous}\n{digest}")
    return body + f"{trailer}\r\nx-amz-trailer-signature:{last}\r\n\r\n".encode()


def read(body: bytes, payload: str = SIGNED, length: int = 10) -> bytes:
    return b"".join(decoded(Limited(io.BytesIO(body), len(body)), signed(payload), length))


def test_chunks_come_out_as_they_went_in() -> None:
    parts = [b"a" * 70_000, b"\r\n0;chunk-signature=", b"x"]

    whole = b"".join(parts)
    assert read(framed(*parts), length=len(whole)) == whole
    assert read(framed(), length=0) == b""
    assert read(framed(*parts, trailer="x-amz-checksum-crc32:AAAAAA=="), SIGNED_TRAILER, len(whole)) == whole


def test_no_more_than_a_piece_is_in_memory() -> None:
    body = framed(b"a" * 1_000_000)

    assert max(len(piece) for piece in decoded(Limited(io.BytesIO(body), len(body)), signed(), 1_000_000)) <= 64 * 1024


GOOD = framed(b"hello", b"world")
TRAILED = framed(b"hello", trailer="x-amz-checksum-crc32:AAAAAA==")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(GOOD.replace(b"world", b"w0rld"), id="content"),
        pytest.param(GOOD.replace(b"5;", b"4;", 1), id="size"),
        pytest.param(GOOD[: GOOD.rindex(b"0;chunk")] + b"\r\n", id="last-chunk-missing"),
        pytest.param(framed(b"world", b"hello")[:92] + GOOD[92:], id="order"),
        pytest.param(GOOD + b"more", id="more-behind"),
        pytest.param(b"hello", id="no-chunks"),
        pytest.param(b"f" * 300, id="endless-line"),
        pytest.param(GOOD.replace(b"\r\n", b"\n"), id="line-ends"),
    ],
)
def test_tampered_chunks_are_refused(body: bytes) -> None:
    with pytest.raises(Unacceptable):
        read(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(TRAILED.replace(b"AAAAAA", b"AAAAAB"), id="trailer"),
        pytest.param(framed(b"hello"), id="trailer-missing"),
        pytest.param(TRAILED.replace(b"x-amz-trailer-signature", b"x-amz-trailer-signatura"), id="signature-missing"),
        pytest.param(TRAILED + b"more behind it", id="more-behind"),
    ],
)
def test_tampered_trailers_are_refused(body: bytes) -> None:
    with pytest.raises((Unacceptable, ConnectionResetError)):
        read(body, SIGNED_TRAILER, 5)


def test_a_body_that_ends_early_is_an_error() -> None:
    with pytest.raises(ConnectionResetError):
        b"".join(decoded(Limited(io.BytesIO(GOOD[:87]), len(GOOD)), signed(), 10))


@pytest.mark.parametrize("length", [0, 9, 11])
def test_another_length_than_was_said_is_refused_and_never_exceeded(length: int) -> None:
    taken = b""
    with pytest.raises(Unacceptable):  # noqa: PT012 - what came before the refusal counts
        for piece in decoded(Limited(io.BytesIO(GOOD), len(GOOD)), signed(), length):
            taken += piece
    assert len(taken) <= length


def test_the_last_piece_waits_for_the_last_signature() -> None:
    taken = b""
    with pytest.raises(Unacceptable):  # noqa: PT012 - what came before the refusal counts
        for piece in decoded(Limited(io.BytesIO(GOOD + b"x"), len(GOOD) + 1), signed(), 10):
            taken += piece
    assert taken == b"hello"
