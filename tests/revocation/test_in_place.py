"""A change that alters nothing for somebody with live leases is answered after a look: no turn, nothing on disk."""

import asyncio

import pytest

from tests.revocation.bob import DATA, join, leased, leave, share
from tests.support.house import KBASE
from tests.support.vault import Guarded, nothing, open_guarded
from vendor.leases.ceilings.effects import Concerned
from vendor.names import Bucket, Prefix, UserName

BOBS = UserName("bob")
PLACE = Bucket("cdm-lake"), Prefix("users-general-warehouse/bob/")
ABOUT_BOB = Concerned({BOBS}, set())


@pytest.fixture
def taken(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whose turn was taken."""
    turns: list[str] = []
    take = guarded.writer.turns.take

    def noted(name: str) -> object:
        turns.append(name)
        return take(name)

    monkeypatch.setattr(guarded.writer.turns, "take", noted)
    return turns


async def test_nothing_is_taken_or_written_where_all_is_in_place(guarded: Guarded, taken: list[str]) -> None:
    await leased(guarded)
    taken.clear()
    before = len(guarded.vault.writes)

    assert await guarded.worker.effects.of(ABOUT_BOB)

    assert taken == []
    assert len(guarded.vault.writes) == before


async def test_what_a_change_alters_is_written(guarded: Guarded, taken: list[str]) -> None:
    lease = await leased(guarded)
    taken.clear()
    await leave(guarded.shop.house)

    assert await guarded.worker.effects.of(ABOUT_BOB)

    assert taken == ["bob"]
    assert not guarded.may(lease, DATA)


async def test_ended_leases_whose_keys_are_still_out_need_no_turn(guarded: Guarded, taken: list[str]) -> None:
    lease = await leased(guarded)
    assert await guarded.ceilings.end(BOBS, lease.id, PLACE)
    taken.clear()
    await leave(guarded.shop.house)

    assert await guarded.worker.effects.of(ABOUT_BOB)

    assert taken == []
    assert not guarded.may(lease, DATA)


async def test_a_change_and_back_waits_for_who_is_writing_what_was_between(guarded: Guarded) -> None:
    """The documents are as they should be, but somebody read governance in between and is about to write that."""
    await leave(guarded.shop.house)
    lease = await leased(guarded)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def held_up() -> None:
        guarded.vault.meanwhile = nothing
        reached.set()
        await go_on.wait()

    other = open_guarded(guarded.shop.house, guarded.vault)
    look = type(other.writer)._look

    async def look_and_stop(writer: object, user: UserName) -> object:
        found = await look(other.writer, user)
        if not reached.is_set():
            await held_up()
        return found

    await join(guarded.shop.house)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(other.writer), "_look", look_and_stop)
        writing = asyncio.create_task(other.writer.settle(BOBS))
        await reached.wait()
        await leave(guarded.shop.house)

        answered = asyncio.create_task(guarded.worker.effects.of(ABOUT_BOB))
        early, _ = await asyncio.wait([answered], timeout=0.3)
        go_on.set()
        await writing
        assert await answered

    assert not early, "answered while somebody was about to write what is no longer granted"
    assert not guarded.may(lease, DATA)


async def test_a_grant_that_ends_is_noted_even_if_it_changes_no_document(guarded: Guarded) -> None:
    await leased(guarded)
    house, now = guarded.shop.house, guarded.shop.house.clock.now
    await share(house, now + 5000)
    assert await guarded.worker.effects.of(ABOUT_BOB)
    await share(house, now + 1000)

    assert await guarded.worker.effects.of(ABOUT_BOB)

    assert await guarded.writer.ending.overdue(now + 1000) == [BOBS]


async def test_a_member_without_leases_costs_one_look(guarded: Guarded, taken: list[str]) -> None:
    assert await guarded.worker.effects.of(Concerned(set(), {KBASE}))
    assert taken == []
