"""Documents follow governance whatever fails meanwhile: the store, a replica, or one replica after another."""

import asyncio

import pytest

from tests.revocation.bob import CAROL, DATA, HOME, join, leased, leave
from tests.support.house import KBASE
from tests.support.vault import Guarded, open_guarded
from vendor.errors import StoreUnavailable
from vendor.leases.ceilings import worker as worker_module
from vendor.leases.ceilings.writer import DOUBT
from vendor.names import UserName
from vendor.policy.grant import Access


async def test_a_change_stands_while_the_store_is_away_and_acts_once_it_is_back(guarded: Guarded) -> None:
    lease = await leased(guarded)
    guarded.vault.away = True
    await leave(guarded.shop.house)
    await guarded.aftermath([f'{{"kind":"tenant.member_removed","user":"bob","tenant":"{KBASE}","event_id":"e_1"}}'])
    assert guarded.may(lease, DATA)
    assert await guarded.writer.unsettled.overdue(guarded.shop.house.clock.now + 60) == ["bob"]

    guarded.vault.away = False
    guarded.shop.house.clock.now += 10
    await guarded.worker.turn()

    assert not guarded.may(lease, DATA)
    assert await guarded.writer.unsettled.overdue(guarded.shop.house.clock.now + 60) == []


async def test_who_dies_between_writing_and_looking_leaves_the_work_to_others(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was written, but nobody knows: another replica writes it again, since what is there may be older."""
    lease = await leased(guarded)
    await leave(guarded.shop.house)
    with monkeypatch.context() as patched:
        patched.setattr(type(guarded.writer.slots), "written", died)
        with pytest.raises(RuntimeError):
            await guarded.writer.settle(UserName("bob"))
    guarded.vault.documents = dict.fromkeys(guarded.vault.documents, "stale")
    other = open_guarded(guarded.shop.house, guarded.vault)

    guarded.shop.house.clock.now += 60
    await other.worker._overdue()

    assert guarded.may(lease, HOME)
    assert not guarded.may(lease, DATA)


async def died(*_: object) -> None:
    raise RuntimeError("killed")


async def test_what_a_replica_read_and_did_not_deal_with_is_dealt_with_by_another(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = await leased(guarded)
    await leave(guarded.shop.house)
    stream, group = guarded.worker.stream, worker_module.GROUP
    assert await guarded.worker.database.read_group(stream, group, "dead", 1000)
    other = open_guarded(guarded.shop.house, guarded.vault)
    monkeypatch.setattr(worker_module, "TAKEN_OVER", 0.0)

    await other.worker._read()

    assert not guarded.may(lease, DATA)
    assert await guarded.worker.database.take_over(stream, group, "last", idle_seconds=0, count=10) == []


async def test_two_replicas_that_write_at_once_end_with_what_holds(guarded: Guarded) -> None:
    other = open_guarded(guarded.shop.house, guarded.vault)
    lease = await leased(guarded)
    house = guarded.shop.house

    async def back_and_forth() -> None:
        for _ in range(5):
            await leave(house)
            await join(house)
        await leave(house)

    async def write(who: Guarded) -> None:
        for _ in range(15):
            await who.writer.settle(UserName("bob"))

    await asyncio.gather(back_and_forth(), write(guarded), write(other))
    await guarded.worker.turn()

    assert not guarded.may(lease, DATA)
    assert guarded.may(lease, HOME)


async def test_what_a_stuck_store_does_late_does_not_stay(guarded: Guarded) -> None:
    """It was given up on, what is true now was written, and only then the store does what it was asked before."""
    lease = await leased(guarded)
    stuck: list[tuple[str, str]] = []

    async def get_stuck(name: str, text: str) -> None:
        stuck.append((name, text))
        raise StoreUnavailable("No answer.")

    put, guarded.vault.put = guarded.vault.put, get_stuck  # type: ignore[method-assign]
    await guarded.shop.house.members.set(CAROL, KBASE, UserName("bob"), Access.READ_WRITE, revision=None)
    assert not await guarded.worker.effects.settled(UserName("bob"))
    guarded.vault.put = put  # type: ignore[method-assign]
    await leave(guarded.shop.house)
    guarded.shop.house.clock.now += 10
    await guarded.worker.turn()
    assert not guarded.may(lease, DATA)

    for name, text in stuck:
        await put(name, text)
    assert guarded.may(lease, DATA)
    guarded.shop.house.clock.now += DOUBT
    await guarded.worker.turn()

    assert not guarded.may(lease, DATA)
    assert await guarded.writer.doubted.overdue(guarded.shop.house.clock.now + 600) == []


async def test_a_change_that_could_not_be_dealt_with_stays_in_the_feed(guarded: Guarded) -> None:
    await leased(guarded)
    await leave(guarded.shop.house)
    guarded.vault.away = True
    await guarded.worker._read()
    stream, group = guarded.worker.stream, worker_module.GROUP

    assert await guarded.worker.database.take_over(stream, group, "other", idle_seconds=0, count=100)


async def test_documents_in_doubt_are_written_even_if_they_should_be_what_they_once_were(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = await leased(guarded)
    await leave(guarded.shop.house)
    with monkeypatch.context() as patched:
        patched.setattr(type(guarded.writer.slots), "written", died)
        with pytest.raises(RuntimeError):
            await guarded.writer.settle(UserName("bob"))
    await join(guarded.shop.house)
    assert not guarded.may(lease, DATA)

    await guarded.writer.settle(UserName("bob"))

    assert guarded.may(lease, DATA)
