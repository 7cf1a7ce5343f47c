"""Two gateways with different state never write to one store under one prefix: the second is told, and does nothing."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from tests.support.callers import caller
from tests.support.house import House
from tests.support.shop import ask
from tests.support.vault import Guarded, Vault, claims_of, open_guarded
from vendor.errors import StoreRefused, StoreUnavailable
from vendor.leases.ceilings import worker as worker_module
from vendor.leases.ceilings.claims import Claims
from vendor.names import UserName
from vendor.policy.oracle import Decision, S3Request, decide
from vendor.secret import RawToken
from vendor.stores.ceilings.names import Names

BOB = caller("bob")
OTHERS = "vendor-state-0123456789abcdef"


@pytest.fixture
async def guarded(house: House) -> AsyncIterator[Guarded]:
    made = open_guarded(house, claiming=True)
    await made.worker.database.join_group(made.worker.stream, worker_module.GROUP)
    yield made
    await made.shop.close()
    await made.aftermath.close()


def claims(guarded: Guarded) -> Claims:
    found = guarded.writer.claims
    assert found is not None
    return found


async def sweep(guarded: Guarded) -> None:
    await guarded.shop.house.database.delete("vendor:ceilings:sweep")
    await guarded.worker.sweep.run()


async def look_again(guarded: Guarded) -> None:
    claims(guarded)._next = 0.0
    await guarded.shop.house.database.delete("vendor:ceilings:looking")
    await claims(guarded).try_again()


async def test_the_first_lease_claims_the_store_with_a_document_that_allows_nothing(guarded: Guarded) -> None:
    lease = (await guarded.shop.vending.vend(BOB, ask())).lease

    (marker,) = set(guarded.vault.documents) - set(lease.ceiling)
    assert re.fullmatch("vendor-state-[0-9a-f]{16}", marker)
    text = guarded.vault.documents[marker]
    assert decide(text, S3Request.listing("cdm-lake", "users-general-warehouse/bob/")) is not Decision.ALLOWED
    assert Names("vendor").parse(marker) is None, "the sweep takes it for no user's document"


async def test_another_replica_of_the_same_state_writes_no_other_marker(house: House, guarded: Guarded) -> None:
    await claims(guarded).require("default")
    written = list(guarded.vault.writes)

    await claims_of(house, guarded.vault).require("default")

    assert guarded.vault.writes == written


async def test_leases_cost_no_look(guarded: Guarded) -> None:
    await guarded.shop.vending.vend(BOB, ask())
    looks = guarded.vault.looks

    for _ in range(3):
        await guarded.shop.vending.vend(BOB, ask())

    assert guarded.vault.looks == looks


async def test_where_another_state_is_nothing_is_written_removed_or_issued(guarded: Guarded) -> None:
    theirs = {OTHERS: "{}", "vendor-ceiling-0-0-bob": "{}", "vendor-ceiling-7-0-eve": "{}"}
    guarded.vault.documents = dict(theirs)

    with pytest.raises(StoreRefused, match=OTHERS) as refused:
        await guarded.shop.vending.vend(BOB, ask())
    await sweep(guarded)

    assert "VENDOR_REDIS_PREFIX" in refused.value.remedy
    assert "--take-over" in refused.value.remedy
    assert guarded.vault.documents == theirs
    assert guarded.vault.writes == []
    assert guarded.shop.store.orders == []
    assert OTHERS in guarded.ceilings.problem("default")


async def test_who_is_found_by_a_sweep_stops_what_went_on(house: House, guarded: Guarded) -> None:
    """As after somebody took over while this gateway still ran; a replica hears of it."""
    replica = claims_of(house, guarded.vault)
    await replica.require("default")
    issued = await guarded.shop.vending.vend(BOB, ask(renewable_for=900))
    assert issued.token is not None
    token, lease = RawToken(issued.token.reveal()), issued.lease
    assert (await guarded.shop.renewing.renew(token, BOB.origin)).lease.ceiling
    written = list(guarded.vault.writes)
    guarded.vault.documents[OTHERS] = "{}"

    await sweep(guarded)
    await replica.hear()

    with pytest.raises(StoreRefused):
        await guarded.shop.vending.vend(BOB, ask())
    with pytest.raises(StoreRefused):
        await replica.require("default")
    with pytest.raises(StoreRefused):  # though its documents are as they were last written
        await guarded.shop.renewing.renew(token, BOB.origin)
    await guarded.writer.forget(UserName("bob"))
    with pytest.raises(StoreRefused):
        await guarded.writer.settle(UserName("bob"))
    assert guarded.vault.writes == written
    ended = await guarded.shop.ending.end(BOB, lease.id)
    assert ended.effective == "at_expiry", "nobody is told that keys are over which are not"


async def test_two_that_come_at_the_same_time_see_each_other(house: House) -> None:
    vault = Vault()

    async def other_comes() -> None:
        vault.documents[OTHERS] = "{}"

    vault.meanwhile = other_comes

    with pytest.raises(StoreRefused, match=OTHERS):
        await claims_of(house, vault).require("default")


async def test_when_the_other_s_marker_is_gone_the_store_is_claimed(guarded: Guarded) -> None:
    guarded.vault.documents = {OTHERS: "{}"}
    await look_again(guarded)
    assert guarded.ceilings.problem("default")
    del guarded.vault.documents[OTHERS]

    await look_again(guarded)

    assert guarded.ceilings.problem("default") == ""
    assert (await guarded.shop.vending.vend(BOB, ask())).lease.ceiling
    assert len(Names("vendor").markers(guarded.vault.documents)) == 1


@pytest.mark.parametrize(
    "name",
    [
        "vendor2-state-0123456789abcdef",
        "other-state-0123456789abcdef",
        "vendor-state-0123456789abcde",
        "vendor-state-0123456789abcdef0",
        "vendor-state-0123456789ABCDEF",
        "vendor-ceiling-0-0-state",
        "my-vendor-state-0123456789abcdef",
    ],
)
async def test_what_is_no_marker_under_this_prefix_is_nobody_s(house: House, name: str) -> None:
    vault = Vault({name: "{}"})

    await claims_of(house, vault).require("default")

    assert len(vault.writes) == 1


async def test_a_store_that_is_away_is_looked_at_once_for_all_who_ask_and_again_later(house: House) -> None:
    vault = Vault(away=True)
    mine = claims_of(house, vault)

    found = await asyncio.gather(*(mine.require("default") for _ in range(5)), return_exceptions=True)
    assert {type(one) for one in found} == {StoreUnavailable}
    vault.away = False
    await asyncio.gather(*(mine.require("default") for _ in range(5)))

    assert vault.looks == 2, "before the marker was put and after"
