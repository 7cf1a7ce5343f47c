"""The most that a principal may have: laid over grants, it never widens either."""

import pytest

from vendor.names import Bucket, Prefix, parse_s3_path
from vendor.policy.grant import Ask, Grant, Level, Source
from vendor.policy.within import within

LAKE = Bucket("lake")


def grant(prefix: str, level: str = "write") -> Grant:
    return Grant(LAKE, Prefix(prefix), Level(level), Source("home"), expires_at=7.0)


def most(path: str, level: str = "write") -> Ask:
    return Ask(parse_s3_path(path), Level(level))


@pytest.mark.parametrize(
    ("granted", "limit", "left"),
    [
        pytest.param(grant("a/b/"), most("s3://lake/a/"), [("a/b/", "write")], id="grant-inside"),
        pytest.param(grant("a/"), most("s3://lake/a/b/"), [("a/b/", "write")], id="limit-inside"),
        pytest.param(grant("a/"), most("s3://lake/a/", "read"), [("a/", "read")], id="lower-level-of-the-limit"),
        pytest.param(grant("a/", "read"), most("s3://lake/a/"), [("a/", "read")], id="lower-level-of-the-grant"),
        pytest.param(grant("a/"), most("s3://lake/b/"), [], id="elsewhere"),
        pytest.param(grant("a/"), most("s3://lake/a2/"), [], id="sibling"),
        pytest.param(grant("a/"), most("s3://other/a/"), [], id="another-bucket"),
    ],
)
def test_what_is_left(granted: Grant, limit: Ask, left: list[tuple[str, str]]) -> None:
    found = within([granted], [limit])

    assert [(piece.prefix, str(piece.level)) for piece in found] == left
    assert all(piece.expires_at == 7.0 and piece.source == "home" for piece in found)


def test_several_limits_leave_the_sum_of_their_pieces() -> None:
    found = within([grant("a/"), grant("b/")], [most("s3://lake/a/x/"), most("s3://lake/b/", "read")])

    assert {(piece.prefix, str(piece.level)) for piece in found} == {("a/x/", "write"), ("b/", "read")}
