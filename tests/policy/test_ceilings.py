"""The documents of a slot: together exactly the grants, each within the limit, and none moves without need."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.parts import POLICIES
from vendor.names import Bucket, Prefix
from vendor.policy.access import load_access
from vendor.policy.ceilings import FILLED, digest_of, no_more, nothing, plan_parts
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.oracle import Decision, S3Request, decide
from vendor.policy.planner import CEILING_LIMIT

ACCESS = load_access(POLICIES / "access.toml")
PLAIN = replace(ACCESS, spelling=())
LAKE = Bucket("lake")


def grant(number: int, level: Level = Level.READ, *, below: str = "") -> Grant:
    folder = Prefix(f"tenant-general-warehouse/tenant{number:05}/{below}")
    return Grant(LAKE, folder, level, Source(f"tenant:tenant{number:05}"))


def allowed(texts: Sequence[str], request: S3Request) -> bool:
    """What a store makes of several documents: their union."""
    decisions = {decide(text, request) for text in texts}
    return Decision.ALLOWED in decisions and Decision.DENIED not in decisions


def reads(texts: Sequence[str], one: Grant) -> bool:
    return allowed(texts, S3Request("s3:GetObject", LAKE, f"{one.prefix}x"))


@pytest.mark.parametrize("denials", [True, False])
@pytest.mark.parametrize("count", [1, 40, 200, 1200])
def test_documents_allow_the_grants_together_and_nothing_else(count: int, denials: bool) -> None:
    grants = [grant(number) for number in range(count)]
    texts = plan_parts(grants, ACCESS, parts=0, denials=denials)

    assert max(len(text) for text in texts) <= CEILING_LIMIT
    assert all(reads(texts, one) for one in grants[:: max(1, count // 20)])
    assert sum(text.count(f"{one.prefix}*") for text in texts for one in grants[:50]) == 2 * len(grants[:50])
    assert not reads(texts, grant(count))
    assert not allowed(texts, S3Request("s3:PutObject", LAKE, f"{grants[0].prefix}x"))
    assert all(("admin:*" in text) is denials for text in texts)


def test_there_is_room_for_what_comes_later_and_nothing_moves() -> None:
    grants = [grant(number) for number in range(600)]
    before = plan_parts(grants, ACCESS, parts=0, denials=True)
    after = plan_parts([*grants, grant(600)], ACCESS, parts=len(before), denials=True)

    assert len(after) == len(before)
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1
    assert sum(len(text) for text in before) <= FILLED * CEILING_LIMIT * len(before) + 1000


def test_fewer_grants_keep_the_number_of_documents() -> None:
    texts = plan_parts([grant(1)], ACCESS, parts=5, denials=False)

    assert len(texts) == 5
    assert sum(text == nothing(ACCESS, denials=False) for text in texts) == 4
    assert reads(texts, grant(1))


def test_more_than_the_documents_hold_takes_more_of_them() -> None:
    grants = [grant(number) for number in range(500)]
    assert len(plan_parts(grants, ACCESS, parts=1, denials=False)) > 1


@pytest.mark.parametrize("denials", [True, False])
def test_what_is_over_allows_nothing(denials: bool) -> None:
    for text in (nothing(ACCESS, denials=denials), no_more(ACCESS, denials=denials)):
        assert json.loads(text)["Statement"]  # an empty one is refused by stores, or means everything
        assert not allowed([text], S3Request("s3:GetObject", LAKE, "x"))
        assert not allowed([text], S3Request.listing(LAKE, ""))
    beside = [no_more(ACCESS, denials=denials), plan_parts([grant(1)], ACCESS, parts=0, denials=False)[0]]
    assert reads(beside, grant(1)) is not denials
    assert reads([nothing(ACCESS, denials=denials), beside[1]], grant(1))


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.sampled_from(["", "a/", "a/b/"])), min_size=1),
    st.integers(0, 4),
)
def test_nested_and_repeated_grants_come_to_the_same(drawn: list[tuple[int, bool, str]], parts: int) -> None:
    grants = [grant(number, Level.WRITE if write else Level.READ, below=below) for number, write, below in drawn]
    texts = plan_parts(grants, PLAIN, parts=parts, denials=False)

    for number in range(10):
        for below in ("", "a/", "a/b/", "c/"):
            for action, level in (("s3:GetObject", Level.READ), ("s3:PutObject", Level.WRITE)):
                key = f"tenant-general-warehouse/tenant{number:05}/{below}x"
                expected = any(one.covers_object(LAKE, key, level) for one in grants)
                assert allowed(texts, S3Request(action, LAKE, key)) is expected


def test_digests_tell_documents_apart_and_their_sizes() -> None:
    one, other = nothing(ACCESS, denials=False), no_more(ACCESS, denials=True)
    assert digest_of(one) != digest_of(other)
    assert digest_of(one).endswith(f":{len(one)}")
    assert "," not in digest_of(one)
