"""Display names come from KBase, later than the answer that wanted them if need be, and never at the price of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.waiting import reached
from vendor.dev.kbase import KBase
from vendor.identity.profiles import AGAIN_SECONDS, REMEMBERED_SECONDS, Profiles
from vendor.identity.trust_shape import KBase as Entry
from vendor.names import UserName
from vendor.secret import RawToken

ALICE, BOB = UserName("alice"), UserName("bob")


class Stopwatch:
    """A monotonic clock that moves when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
async def profiles(kbase: KBase, watch: Stopwatch) -> AsyncIterator[Profiles]:
    made = Profiles(Entry(name="kbase", url=kbase.url, timeout_seconds=2), folder=Path(), monotonic=watch)
    yield made
    await made.close()


async def test_a_name_is_there_the_next_time(kbase: KBase, profiles: Profiles) -> None:
    token = RawToken(kbase.token("alice"))
    assert profiles.names([ALICE, BOB, UserName("nobody")], token) == {}

    names = await reached(lambda: profiles.names([ALICE, BOB, UserName("nobody")], token))

    assert names == {ALICE: "Alice Adams", BOB: "Bob Brown"}


async def test_a_slow_or_broken_kbase_costs_no_time_and_is_not_asked_again_at_once(
    kbase: KBase, profiles: Profiles, watch: Stopwatch
) -> None:
    token = RawToken(kbase.token("alice"))
    kbase.break_down("html", delay=0.2)
    assert profiles.names([ALICE], token) == {}
    await reached(lambda: not profiles.busy)
    kbase.recover()

    assert profiles.names([ALICE], token) == {}
    assert not profiles.busy, "the failure was not remembered"

    watch.now += AGAIN_SECONDS
    profiles.names([ALICE], token)
    assert await reached(lambda: profiles.names([ALICE], token)) == {ALICE: "Alice Adams"}


async def test_names_are_asked_anew_after_some_minutes(kbase: KBase, profiles: Profiles, watch: Stopwatch) -> None:
    token = RawToken(kbase.token("alice"))
    profiles.names([ALICE], token)
    await reached(lambda: profiles.names([ALICE], token))
    kbase.add_user("alice", ["BERDL_USER"], "Alice Adams-Baker")
    assert profiles.names([ALICE], token) == {ALICE: "Alice Adams"}

    watch.now += REMEMBERED_SECONDS

    profiles.names([ALICE], token)
    assert await reached(lambda: profiles.names([ALICE], token)) == {ALICE: "Alice Adams-Baker"}


@pytest.mark.parametrize("token", ["eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "vlt_abcdefghijklmnop"])
async def test_only_kbase_tokens_are_shown_to_kbase(profiles: Profiles, token: str) -> None:
    profiles.names([ALICE], RawToken(token))

    assert not profiles.busy


async def test_a_name_that_kbase_cannot_have_does_not_spoil_the_question(kbase: KBase, profiles: Profiles) -> None:
    token = RawToken(kbase.token("alice"))
    profiles.names([UserName("a.b-c"), ALICE], token)

    assert await reached(lambda: profiles.names([ALICE], token)) == {ALICE: "Alice Adams"}


async def test_prefixed_names_are_asked_without_their_prefix(kbase: KBase) -> None:
    profiles = Profiles(Entry(name="kbase", url=kbase.url, prefix="kb."), folder=Path())
    token = RawToken(kbase.token("alice"))
    users = [UserName("kb.alice"), BOB]
    profiles.names(users, token)

    assert await reached(lambda: profiles.names(users, token)) == {"kb.alice": "Alice Adams"}
    await profiles.close()
