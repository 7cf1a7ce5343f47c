"""Leases that are ended before their time: what is said of it, to whom it happens, and how often."""

import asyncio
from typing import Any

import pytest

from tests.revocation.bob import BOB, CAROL, HOME, leased
from tests.support.house import House
from tests.support.shop import KBASE_DATA, ask
from tests.support.vault import Guarded, nothing, open_guarded
from vendor.errors import Conflict, LeaseEnded
from vendor.leases.ceilings import worker as worker_module
from vendor.names import UserName
from vendor.policy.grant import Level
from vendor.times import rfc3339


async def test_a_lease_is_ended_at_once_only_if_that_was_seen(guarded: Guarded) -> None:
    lease = await leased(guarded)
    guarded.vault.away = True
    first = await guarded.shop.ending.end(BOB, lease.id)
    assert (first.effective, first.how) == ("at_expiry", "expiry")

    guarded.vault.away = False
    second = await guarded.shop.ending.end(BOB, lease.id)

    assert (second.effective, second.how) == ("now", "ceiling")
    assert not guarded.may(lease, HOME)
    assert (await guarded.shop.ending.end(BOB, lease.id)).answer() == second.answer()


async def test_ending_all_is_about_live_leases_and_keys_that_may_still_work(guarded: Guarded) -> None:
    over, lasting, live = [await leased(guarded) for _ in range(3)]
    await guarded.shop.ending.end(BOB, over.id)
    guarded.vault.away = True
    await guarded.shop.ending.end(BOB, lasting.id)
    guarded.vault.away = False

    ended = await guarded.shop.ending.end_all(BOB, UserName("bob"))

    assert {one.lease: one.effective for one in ended} == {lasting.id: "now", live.id: "now"}
    assert await guarded.shop.ending.end_all(BOB, UserName("bob")) == []


async def test_older_keys_of_a_lease_in_a_shared_slot_are_not_said_to_be_over(house: House) -> None:
    guarded = open_guarded(house, own=1)
    alone = await leased(guarded)
    shared = (await guarded.shop.vending.vend(BOB, ask(duration=600, renewable_for=90_000))).lease
    await guarded.shop.ending.end(BOB, alone.id)
    kept = await guarded.shop.vending.register.get(shared.id)
    assert kept is not None
    await guarded.shop.renewing.renew_opened(kept, kept.ask, BOB.origin)

    assert (await guarded.shop.ending.end(BOB, shared.id)).effective == "at_expiry"


async def test_a_lease_that_is_ended_while_its_keys_are_made_is_not_given(guarded: Guarded) -> None:
    async def end() -> None:
        guarded.shop.store.meanwhile = nothing
        await guarded.writer.slots.end(UserName("bob"), None)

    guarded.shop.store.meanwhile = end
    with pytest.raises(Conflict):
        await leased(guarded)
    issued = await guarded.shop.vending.vend(BOB, ask(renewable_for=90_000))
    kept = await guarded.shop.vending.register.get(issued.lease.id)
    assert kept is not None
    await guarded.writer.slots.end(UserName("bob"), issued.lease.id)
    with pytest.raises(LeaseEnded):
        await guarded.shop.renewing.renew_opened(kept, kept.ask, BOB.origin)


async def test_a_lease_that_was_not_given_is_not_kept_either(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    register, late = guarded.shop.vending.register, asyncio.Event()
    put = register.put

    async def put_late(*lease: Any) -> None:
        await asyncio.sleep(0.05)
        await put(*lease)
        late.set()

    async def end() -> None:
        guarded.shop.store.meanwhile = nothing
        await guarded.writer.slots.end(UserName("bob"), None)

    monkeypatch.setattr(register, "put", put_late)
    guarded.shop.store.meanwhile = end
    with pytest.raises(Conflict):
        await leased(guarded)
    await asyncio.wait_for(late.wait(), 10)

    assert [kept.id async for kept in register.of(UserName("bob"), since=0)] == []


async def test_a_renewal_of_everything_follows_governance_in_its_own_slot(guarded: Guarded) -> None:
    issued = await guarded.shop.vending.vend(BOB, ask((KBASE_DATA, Level.READ), renewable_for=90_000))
    kept = await guarded.shop.vending.register.get(issued.lease.id)
    assert kept is not None
    renewed = await guarded.shop.renewing.renew_opened(kept, kept.ask, BOB.origin)

    assert renewed.lease.ceiling == issued.lease.ceiling
    assert (await guarded.shop.ending.end(BOB, renewed.lease.id)).effective == "now"


async def test_a_store_that_says_it_wrote_and_did_not_is_found_out(guarded: Guarded) -> None:
    lease = await leased(guarded)

    async def keep_nothing(_name: str, _text: str) -> None:
        return None

    guarded.vault.put = keep_nothing  # type: ignore[method-assign,assignment]  # a store that lies
    ended = await guarded.shop.ending.end(BOB, lease.id)

    assert guarded.may(lease, HOME)
    assert (ended.effective, ended.how) == ("at_expiry", "expiry")
    assert ended.at_latest == rfc3339(lease.expires_at)


async def test_all_leases_of_somebody_disabled_are_ended_once_by_request_and_feed(guarded: Guarded) -> None:
    house = guarded.shop.house
    lease = await leased(guarded)
    await house.users.patch(CAROL, UserName("bob"), {"disabled": True}, revision=None)
    await guarded.worker.turn()
    assert not guarded.may(lease, HOME)
    await house.users.patch(CAROL, UserName("bob"), {"disabled": False}, revision=None)
    new = await leased(guarded)

    for entry in await house.entries():
        await guarded.aftermath([entry["event"]])  # told everything again

    assert guarded.may(new, HOME)
    assert not guarded.may(lease, HOME)
    kept = await guarded.shop.vending.register.get(lease.id)
    assert kept is not None
    assert kept.ended is not None
    assert kept.ended["by"] == "carol"
    kinds = [kind for kind in await house.kinds() if kind == "lease.revoked"]
    assert len(kinds) == 1


async def test_an_event_that_somebody_is_dealing_with_is_left_to_them_and_comes_again(guarded: Guarded) -> None:
    """Or what begins after the user was let in again would be ended, too."""
    house, database = guarded.shop.house, guarded.worker.database
    await leased(guarded)
    await house.users.patch(CAROL, UserName("bob"), {"disabled": True}, revision=None)
    event = next(event for event in reversed(await house.recorded()) if event["kind"] == "user.changed")
    await database.acquire(f"vendor:ending-by:{event['event_id']}", 60)
    await house.users.patch(CAROL, UserName("bob"), {"disabled": False}, revision=None)
    new = await leased(guarded)

    assert await guarded.aftermath.ended(event) is False
    await guarded.worker.turn()
    assert guarded.may(new, HOME)
    stream, group = guarded.worker.stream, worker_module.GROUP
    assert await database.take_over(stream, group, "other", idle_seconds=0, count=100), "not acknowledged"

    await database.delete(f"vendor:ending-by:{event['event_id']}")  # they died with it
    assert await guarded.aftermath.ended(event) is True
    assert not guarded.may(new, HOME), "over-cautious, rather than never"


async def test_what_happens_to_one_who_came_back_under_the_name_of_another(guarded: Guarded) -> None:
    """Even if ending their leases was forgotten: the documents of the old ones hold nothing of the new user's."""
    house = guarded.shop.house
    lease = await leased(guarded, duration=3000)
    await house.removal.of_user(CAROL, UserName("bob"), force=True, revision=None)
    house.clock.now += 100
    await house.users.standing(BOB)

    await guarded.writer.settle(UserName("bob"))

    assert not guarded.may(lease, HOME)
