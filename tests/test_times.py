"""Times go out in UTC and come in only with an offset."""

import pytest

from vendor.times import parse_rfc3339, rfc3339


def test_out_in_utc_rounded_down() -> None:
    assert rfc3339(1_795_244_400.999) == "2026-11-21T07:00:00Z"
    assert rfc3339(-0.5) == "1969-12-31T23:59:59Z"


@pytest.mark.parametrize("text", ["2026-11-21T07:00:00Z", "2026-11-21T08:00:00+01:00", "2026-11-20T23:00:00.000-08:00"])
def test_in_with_any_offset(text: str) -> None:
    assert parse_rfc3339(text) == 1_795_244_400.0


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T07:00:00",
        "2026-11-21",
        "tomorrow",
        "",
        "1795244400",
        "2026-W47-6T07:00:00Z",
        "20261121T070000Z",
        "2026-11-21T07:00:00+00:00:00.5",
        "2026-11-21T07:00:00Z ",
        "2026-11-21T07:00Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "2026-02-30T00:00:00Z",
    ],
)
def test_not_in_without_one(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser's own words differ by Python version
        parse_rfc3339(text)
