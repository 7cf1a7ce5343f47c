"""Identical asks at once are one flight, whoever goes away and whatever fails meanwhile."""

import asyncio

import pytest

from tests.leases.asking import Busy, bound, keys_of, shown
from tests.support.callers import caller
from tests.support.shop import Shop, ask
from tests.support.waiting import reached
from vendor.errors import NothingGranted, StoreUnavailable, UnknownStore


async def test_500_identical_asks_at_once_are_one_call_and_500_events(shop: Shop) -> None:
    keys = await keys_of([shop.shield.vend(caller("bob"), ask()) for _ in range(500)])

    assert keys == {"AKID1"}
    assert len(shop.store.orders) == 1
    kinds = await shop.house.kinds()
    assert (kinds.count("vend.issued"), kinds.count("vend.reused")) == (1, 499)
    assert shop.shield.counters.joined == 499


async def test_500_identical_asks_on_two_replicas_are_at_most_two_calls(shop: Shop) -> None:
    replicas = [shop.shield, shop.replica()]
    busy = Busy.at(shop)
    asks = [asyncio.ensure_future(replicas[n % 2].vend(shown("bob"), ask())) for n in range(500)]
    await busy.entered.wait()
    busy.free.set()

    assert len(await keys_of(list(asks))) <= 2
    assert len(shop.store.orders) == 1, "the replica that came second waited for the first"
    assert sum(one.counters.adopted for one in replicas) == 1


async def test_asks_without_a_token_to_seal_with_are_one_call_per_replica(shop: Shop) -> None:
    replicas = [shop.shield, shop.replica()]
    await keys_of([replicas[n % 2].vend(caller("bob"), ask()) for n in range(100)])

    assert len(shop.store.orders) == 2


async def test_a_refusal_is_told_to_all_who_wait_and_recorded_for_each(shop: Shop) -> None:
    dave = bound(caller("dave"), has_home=False)
    told = await asyncio.gather(*(shop.shield.vend(dave, ask()) for _ in range(20)), return_exceptions=True)

    assert {type(one) for one in told} == {NothingGranted}
    assert (await shop.house.kinds()).count("vend.denied") == 20


async def test_a_store_that_fails_is_asked_once_for_all_and_again_later(shop: Shop) -> None:
    shop.store.failure = StoreUnavailable("away")
    told = await asyncio.gather(*(shop.shield.vend(shown("bob"), ask()) for _ in range(50)), return_exceptions=True)

    assert {type(one) for one in told} == {StoreUnavailable}
    assert len(shop.store.orders) == 1
    await shop.shield._flights.landed()
    shop.store.failure = None
    await shop.replica().vend(shown("bob"), ask())  # the turn was given back, and nothing was kept


async def test_an_unknown_store_is_refused_as_ever(shop: Shop) -> None:
    with pytest.raises(UnknownStore):
        await shop.shield.vend(caller("bob"), ask(store="nowhere"))
    assert (await shop.house.kinds())[-1] == "vend.denied"


async def test_whoever_began_it_may_go_away(shop: Shop) -> None:
    """The others get their answer, and the lease is on record and given again."""
    busy = Busy.at(shop)
    leader = asyncio.create_task(shop.shield.vend(caller("bob"), ask()))
    await busy.entered.wait()
    others = [asyncio.create_task(shop.shield.vend(caller("bob"), ask())) for _ in range(3)]
    await reached(lambda: shop.shield.counters.joined == 3)
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)
    busy.free.set()

    assert await keys_of(list(others)) == {"AKID1"}
    assert len(shop.store.orders) == 1


async def test_a_lease_that_nobody_waits_for_any_more_is_recorded_and_not_lost(shop: Shop) -> None:
    busy = Busy.at(shop)
    leader = asyncio.create_task(shop.shield.vend(caller("bob"), ask()))
    await busy.entered.wait()
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)
    busy.free.set()
    await shop.shield._flights.landed()

    assert (await shop.house.kinds())[-1] == "vend.issued"
    assert (await shop.shield.vend(caller("bob"), ask())).credentials.access_key_id == "AKID1"
    assert len(shop.store.orders) == 1


async def test_closing_waits_for_what_is_under_way_and_forgets_all_keys(shop: Shop) -> None:
    busy = Busy.at(shop)
    asked = asyncio.create_task(shop.shield.vend(caller("bob"), ask()))
    await busy.entered.wait()
    closing = asyncio.create_task(shop.shield.close())
    await asyncio.sleep(0)
    assert not closing.done()
    busy.free.set()
    await closing

    await asked
    assert len(shop.shield.memory) == 0
