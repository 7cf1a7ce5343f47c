"""Identical asks on several replicas: one lease, which only the same token opens, and nobody waits for the dead."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.leases.asking import Busy, bound, live_keys, other, shown
from tests.support.shop import KBASE_DATA, Shop, ask, nothing
from vendor.errors import StoreUnavailable, VendError
from vendor.leases.shield import elsewhere
from vendor.policy.grant import Level
from vendor.secret import RawToken, proof_of


async def test_another_replica_answers_the_same_ask_with_the_same_keys(shop: Shop) -> None:
    what = ask((KBASE_DATA, Level.READ), duration=100)
    first = await shop.shield.vend(shown("bob"), what)
    again = await other(shop, shown("bob"), what)

    assert again.lease == first.lease
    assert again.credentials == first.credentials
    assert len(shop.store.orders) == 1
    assert (await shop.house.recorded())[-1]["kind"] == "vend.reused"


async def test_another_token_of_the_same_identity_opens_nothing_here(shop: Shop) -> None:
    first = await shop.shield.vend(shown("bob"), ask())

    assert (await other(shop, shown("bob", "another token altogether"), ask())).lease.id != first.lease.id


async def test_redis_holds_nothing_of_the_keys_and_nothing_of_the_token(shop: Shop) -> None:
    issued = await shop.shield.vend(shown("bob", "tok-3f1c09a2e7"), ask())
    await shop.shield._flights.landed()
    client = shop.house.database._client
    (name,) = await live_keys(shop)
    kept = await client.get(name)
    everything = name + kept

    keys = issued.credentials
    proof = proof_of(RawToken("tok-3f1c09a2e7")).reveal()
    for secret in (keys.secret_key.reveal(), keys.session_token.reveal(), keys.access_key_id, proof, "tok-3f1c09a2e7"):
        assert secret not in everything
    assert 0 < await client.pttl(name) <= 30_000, "gone at half of the life of 60 s"


async def test_what_is_left_for_others_ends_with_the_token_that_opens_it(shop: Shop) -> None:
    ends = shop.house.clock() + 7
    await shop.shield.vend(bound(shown("bob"), expires_at=ends), ask(duration=100))
    await shop.shield._flights.landed()
    (name,) = await live_keys(shop)

    assert 0 < await shop.house.database._client.pttl(name) <= 7000


async def damaged(shop: Shop, change: Callable[[str], str]) -> None:
    await shop.shield._flights.landed()
    (name,) = await live_keys(shop)
    client = shop.house.database._client
    await client.set(name, change(await client.get(name)), keepttl=True)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text[:-8] + "AAAAAAA=", id="tag"),
        pytest.param(lambda text: "A" + text[1:] if text[0] != "A" else "B" + text[1:], id="nonce"),
        pytest.param(lambda text: text[:40], id="short"),
        pytest.param(lambda _: "not base64 !", id="not-base64"),
        pytest.param(lambda _: "", id="empty"),
    ],
)
async def test_damaged_keys_are_not_used_and_cost_one_call(shop: Shop, change: Callable[[str], str]) -> None:
    first = await shop.shield.vend(shown("bob"), ask())
    await damaged(shop, change)

    assert (await other(shop, shown("bob"), ask())).lease.id != first.lease.id


async def test_keys_that_were_sealed_for_another_ask_do_not_open_under_this_one(shop: Shop) -> None:
    """Whoever can write to Redis cannot make one ask's answer another's."""
    wide = await shop.shield.vend(shown("bob"), ask())
    await shop.shield._flights.landed()
    (name,) = await live_keys(shop)
    client = shop.house.database._client
    sealed = await client.get(name)
    narrow = ask((KBASE_DATA, Level.READ))
    await shop.shield.vend(shown("bob"), narrow)
    await shop.shield._flights.landed()
    (theirs,) = [key for key in await live_keys(shop) if key != name]
    await client.set(theirs, sealed)

    assert (await other(shop, shown("bob"), narrow)).lease.id != wide.lease.id


async def test_a_replica_with_other_tables_makes_its_own(shop: Shop) -> None:
    """What the other replica decided is not believed: the plan is made again, and has to come to the same policy."""
    first = await shop.shield.vend(shown("bob"), ask())
    making = shop.vending.making
    shield = shop.replica()
    shield.vending = replace(shop.vending, making=replace(making, access=replace(making.access, spelling=())))

    assert (await other(shop, shown("bob"), ask(), shield)).lease.id != first.lease.id


async def test_a_replica_that_died_with_the_turn_holds_nobody_up_for_long(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "PATIENCE", 0.2)
    busy = Busy.at(shop)
    dying = asyncio.create_task(shop.shield.vend(shown("bob"), ask()))
    await busy.entered.wait()
    shop.store.meanwhile = nothing

    assert (await shop.replica().vend(shown("bob"), ask())).credentials.access_key_id == "AKID2"
    busy.free.set()
    await dying


async def test_a_failed_replica_s_turn_goes_to_who_waits(shop: Shop) -> None:
    busy = Busy.at(shop)
    failing = asyncio.create_task(shop.shield.vend(shown("bob"), ask()))
    await busy.entered.wait()
    waiting = asyncio.create_task(shop.replica().vend(shown("bob"), ask()))
    shop.store.failure, shop.store.meanwhile = StoreUnavailable("away"), nothing
    busy.free.set()
    with pytest.raises(VendError):
        await failing
    shop.store.failure = None

    await waiting
