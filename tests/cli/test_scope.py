import pytest

from vendor.cli.scope import parse_duration, parse_scope
from vendor.client.calls import Ask, Wanted
from vendor.client.errors import BadInput
from vendor.errors import InvalidPath

A, B = "s3://cdm-lake/a/", "s3a://cdm-lake/b"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("900", 900), ("900s", 900), ("15m", 900), ("1h", 3600), ("1h30m", 5400), ("7d", 604800), ("1d1h1m1s", 90061)],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text, "--duration") == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5h", "h", "1w", "1h30", "30 m", "1e3", "٣", "9" * 30, "0m", "+5"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(BadInput, match="--duration"):
        parse_duration(text, "--duration")


@pytest.mark.parametrize(
    ("paths", "accesses", "expected"),
    [
        ([], [], ()),
        ([A], [], (Wanted(A, "read"),)),
        ([A, B], [], (Wanted(A, "read"), Wanted(B, "read"))),
        ([A, B], ["write"], (Wanted(A, "write"), Wanted(B, "write"))),
        ([A, B], ["write", "read"], (Wanted(A, "write"), Wanted(B, "read"))),
    ],
)
def test_scopes(paths: list[str], accesses: list[str], expected: tuple[Wanted, ...]) -> None:
    assert parse_scope(paths, accesses) == expected


def test_short_forms() -> None:
    assert parse_scope([A], None, [B], [A]) == (Wanted(A, "read"), Wanted(B, "read"), Wanted(A, "write"))


@pytest.mark.parametrize(
    ("paths", "accesses"),
    [([], ["read"]), ([A], ["read", "write"]), ([A, B, A], ["read", "write"]), ([A], ["rw"]), ([A], [""])],
)
def test_accesses_that_do_not_fit(paths: list[str], accesses: list[str]) -> None:
    with pytest.raises(BadInput):
        parse_scope(paths, accesses)


@pytest.mark.parametrize(
    "path", ["", "/a", "s3://", "s3://cdm-lake", "s3://cdm-lake/", "s3://cdm-lake/*", "S3://cdm-lake/a"]
)
def test_paths_that_are_none(path: str) -> None:
    with pytest.raises(InvalidPath):
        parse_scope([path], None)


def test_an_ask_says_only_what_was_asked() -> None:
    assert Ask().body() == {}
    assert Ask(partial=True).body(split=True) == {"partial": True, "split": True}
