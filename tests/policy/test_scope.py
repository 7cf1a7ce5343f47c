"""Narrowing: an ask is granted whole or not at all, and keeps the source and the end of what allows it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from tests.policy.strategies import PAIRS, Case, cases, expected
from vendor.names import parse_bucket, parse_prefix, parse_s3_path
from vendor.policy.grant import Ask, Grant, Level, Source
from vendor.policy.scope import ask_for, live, minimal, narrow
from vendor.policy.within import within


def grant(
    prefix: str,
    level: Level = Level.READ,
    source: str = "home",
    *,
    with_key: bool = False,
    until: float | None = None,
    bucket: str = "lake",
) -> Grant:
    return Grant(parse_bucket(bucket), parse_prefix(prefix), level, Source(source), with_key, until)


def ask(path: str, level: Level = Level.READ) -> Ask:
    return Ask(parse_s3_path(path), level)


@pytest.mark.parametrize(
    ("path", "level", "prefix", "with_key"),
    [
        pytest.param("s3://lake/h/alice/", Level.WRITE, "h/alice/", False, id="the-grant-itself"),
        pytest.param("s3a://lake/h/alice", Level.WRITE, "h/alice/", False, id="without-slash"),
        pytest.param("s3://lake/h/alice/x", Level.WRITE, "h/alice/x/", True, id="inside-with-its-exact-key"),
        pytest.param("s3://lake/h/alice/x/y/", Level.READ, "h/alice/x/y/", True, id="deeper-and-less"),
        pytest.param("s3://lake/shared/file.csv", Level.READ, "shared/file.csv/", True, id="a-shared-object"),
    ],
)
def test_an_ask_inside_a_grant_narrows_to_the_ask(path: str, level: Level, prefix: str, with_key: bool) -> None:
    grants = [grant("h/alice/", Level.WRITE), grant("shared/file.csv/", source="share:s_1", with_key=True)]

    narrowed = narrow(grants, [ask(path, level)])

    (piece,) = narrowed.grants
    assert (piece.prefix, piece.level, piece.with_key) == (prefix, level, with_key)
    assert narrowed.granted[0].ask == ask(path, level)
    assert narrowed.granted[0].source == piece.source
    assert not narrowed.not_granted


@pytest.mark.parametrize(
    ("path", "level"),
    [
        pytest.param("s3://lake/h/", Level.READ, id="above"),
        pytest.param("s3://lake/h/alice2/", Level.READ, id="sibling"),
        pytest.param("s3://lake/h/alice-2/x", Level.READ, id="sibling-inside"),
        pytest.param("s3://lake/h/Alice/x", Level.READ, id="other-case"),
        pytest.param("s3://lakes/h/alice/x", Level.READ, id="other-bucket"),
        pytest.param("s3://lake/t/kbase/x", Level.WRITE, id="more-than-granted"),
        pytest.param("s3://lake/t/", Level.WRITE, id="wider-than-its-parts"),
    ],
)
def test_what_is_wider_than_granted_is_not_granted_at_all(path: str, level: Level) -> None:
    grants = [grant("h/alice/", Level.WRITE), grant("t/kbase/"), grant("t/kbase/w/", Level.WRITE)]

    narrowed = narrow(grants, [ask(path, level), ask("s3://lake/t/kbase/w/x", Level.WRITE)])

    assert narrowed.not_granted == (ask(path, level),)
    assert [piece.prefix for piece in narrowed.grants] == ["t/kbase/w/x/"]


def test_without_asks_everything_is_granted_once_and_says_why() -> None:
    home, tenant, below = grant("h/alice/", Level.WRITE), grant("t/k/", source="tenant:k"), grant("t/k/x/")

    narrowed = narrow([below, home, tenant, home], None)

    assert narrowed.grants == (home, tenant)
    assert [(one.ask.path.text, one.ask.level, one.source) for one in narrowed.granted] == [
        ("s3://lake/h/alice/", Level.WRITE, "home"),
        ("s3://lake/t/k/", Level.READ, "tenant:k"),
    ]


def test_no_asks_grant_nothing() -> None:
    assert narrow([grant("h/alice/")], []).grants == ()


def test_of_two_that_allow_the_ask_the_one_that_lasts_longer_counts() -> None:
    grants = [grant("t/", source="share:s_1", until=500.0), grant("t/k/", source="tenant:k")]

    (granted,) = narrow(grants, [ask("s3://lake/t/k/x")]).granted

    assert (granted.source, granted.expires_at) == ("tenant:k", None)


def test_a_scope_ends_with_the_first_grant_it_needs() -> None:
    grants = [grant("a/", until=900.0), grant("b/", until=500.0), grant("c/"), grant("b/x/", until=100.0)]

    assert narrow(grants, None).expires_at == 500.0
    assert narrow(grants, [ask("s3://lake/a/x"), ask("s3://lake/c/")]).expires_at == 900.0
    assert narrow(grants, [ask("s3://lake/c/")]).expires_at is None


def test_grants_that_have_ended_are_not_live() -> None:
    ended, ending, lasting = grant("a/", until=100.0), grant("b/", until=100.1), grant("c/")

    assert live([ended, ending, lasting], 100.0) == (ending, lasting)


@pytest.mark.parametrize(
    ("grants", "kept"),
    [
        pytest.param([grant("a/b/"), grant("a/")], [grant("a/")], id="child"),
        pytest.param([grant("a/b/"), grant("a/", Level.WRITE)], [grant("a/", Level.WRITE)], id="lesser-child"),
        pytest.param(
            [grant("a/b/", Level.WRITE), grant("a/")],
            [grant("a/"), grant("a/b/", Level.WRITE)],
            id="wider-child-stays-at-its-own-folder",
        ),
        pytest.param([grant("a/"), grant("a/", Level.WRITE)], [grant("a/", Level.WRITE)], id="read-under-write"),
        pytest.param([grant("a/"), grant("ab/"), grant("a-b/")], [grant("a-b/"), grant("a/"), grant("ab/")], id="kin"),
        pytest.param([grant("a/"), grant("a/", with_key=True)], [grant("a/", with_key=True)], id="exact-key"),
        pytest.param(
            [grant("a/", Level.WRITE), grant("a/", with_key=True)],
            [grant("a/", Level.WRITE), grant("a/", with_key=True)],
            id="a-key-that-only-the-lesser-grant-has",
        ),
        pytest.param([grant("a/", until=5.0), grant("a/")], [grant("a/")], id="the-later-end"),
        pytest.param(
            [grant("a/"), grant("a/", bucket="data")], [grant("a/", bucket="data"), grant("a/")], id="buckets"
        ),
        pytest.param(
            [grant("a/"), grant("a/b/c/"), grant("a/b/", Level.WRITE), grant("a/b/c/d/", Level.WRITE), grant("b/")],
            [grant("a/"), grant("a/b/", Level.WRITE), grant("b/")],
            id="several-generations",
        ),
    ],
)
def test_the_minimal_set(grants: list[Grant], kept: list[Grant]) -> None:
    assert list(minimal(grants)) == kept
    assert list(minimal(reversed(grants))) == kept


@settings(max_examples=max(1, PAIRS // 40), deadline=None)
@given(case=cases())
def test_within_the_most_that_is_allowed_is_exactly_what_both_allow(case: Case) -> None:
    granted, most = case.grants[::2], [ask_for(one) for one in case.grants[1::2]]
    limits = tuple(replace(one, with_key=True) for one in case.grants[1::2])

    pieces = within(granted, most)

    for request in case.requests:
        assert expected(pieces, request) is (expected(granted, request) and expected(limits, request)), request


@settings(max_examples=max(1, PAIRS // 40), deadline=None)
@given(case=cases())
def test_a_scope_allows_what_was_asked_and_granted_and_nothing_else(case: Case) -> None:
    grants, asks = case.grants[::2], [ask_for(one) for one in case.grants[1::2]]
    narrowed = narrow(grants, asks)

    for one in asks:
        covered = any(
            held.bucket == one.path.bucket and one.path.prefix.startswith(held.prefix) and held.level.covers(one.level)
            for held in grants
        )
        assert (one in narrowed.not_granted) is not covered
    folders = tuple(
        Grant(answer.ask.path.bucket, answer.ask.path.prefix, answer.ask.level, Source("ask"))
        for answer in narrowed.granted
    )
    with_keys = tuple(replace(folder, with_key=True) for folder in folders)
    for request in case.requests:
        got = expected(narrowed.grants, request)
        assert not got or (expected(grants, request) and expected(with_keys, request)), request
        assert got or not expected(folders, request), request
