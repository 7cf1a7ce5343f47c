"""The most that a principal may have: laid over grants, it never widens either."""

import pytest

from vendor.names import Bucket, Prefix, parse_s3_path
from vendor.policy.grant import Ask, Grant, Level, Source
from vendor.policy.within import common, within

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


@pytest.mark.parametrize(
    ("one", "other", "left"),
    [
        pytest.param(["a/b/"], ["a/"], [("a/b/", "write")], id="one-inside"),
        pytest.param(["a/"], ["a/b/"], [("a/b/", "write")], id="other-inside"),
        pytest.param(["a/"], ["a/"], [("a/", "write")], id="same"),
        pytest.param(["a/"], ["ab/"], [], id="sibling"),
        pytest.param(["a/", "b/"], ["b/c/", "a/d/"], [("a/d/", "write"), ("b/c/", "write")], id="several"),
    ],
)
def test_what_two_limits_have_in_common(one: list[str], other: list[str], left: list[tuple[str, str]]) -> None:
    limits = [[most(f"s3://lake/{path}") for path in paths] for paths in (one, other)]

    found = common(*limits)

    assert [(ask.path.prefix, str(ask.level)) for ask in found] == left


@pytest.mark.parametrize("levels", [("read", "write"), ("write", "read")])
@pytest.mark.parametrize("paths", [("s3://lake/a/", "s3://lake/a/b/"), ("s3://lake/a/b/", "s3://lake/a/")])
def test_the_lower_level_holds_for_what_is_common(paths: tuple[str, str], levels: tuple[str, str]) -> None:
    one, other = (most(path, level) for path, level in zip(paths, levels, strict=True))

    assert common([one], [other]) == (most("s3://lake/a/b/", "read"),)


def test_limits_in_two_buckets_have_nothing_in_common() -> None:
    assert common([most("s3://lake/a/")], [most("s3://other/a/")]) == ()
