"""Documents are there before the keys, and follow governance whatever is lost meanwhile."""

import pytest

from tests.revocation.bob import DATA, GIVEN, HOME, leased, leave, share
from tests.support.vault import Guarded, nothing
from vendor.errors import StoreUnavailable
from vendor.names import UserName


async def test_the_documents_are_there_before_the_keys(guarded: Guarded) -> None:
    seen: list[bool] = []

    async def look() -> None:
        (order,) = guarded.shop.store.orders
        seen.append(guarded.vault.allows(order.ceiling, "cdm-lake", HOME.partition("/")[2]))

    guarded.shop.store.meanwhile = look
    lease = await leased(guarded)

    assert seen == [True]
    assert guarded.may(lease, DATA)
    assert not guarded.may(lease, "cdm-lake/users-general-warehouse/alice/")


async def test_keys_are_not_asked_for_when_the_documents_cannot_be_written(guarded: Guarded) -> None:
    guarded.vault.away = True
    with pytest.raises(StoreUnavailable):
        await leased(guarded)
    assert guarded.shop.store.orders == []


async def test_a_lease_in_a_slot_that_was_used_before_writes_nothing(guarded: Guarded) -> None:
    await leased(guarded)
    guarded.shop.house.clock.now += 1000
    before = len(guarded.vault.writes)

    await leased(guarded)

    assert len(guarded.vault.writes) == before


async def test_a_slot_that_was_used_long_ago_is_brought_up_to_date(guarded: Guarded) -> None:
    await leased(guarded)
    guarded.shop.house.clock.now += 1000
    await leave(guarded.shop.house)

    assert not guarded.may(await leased(guarded), DATA)


async def test_what_is_lost_while_the_store_issues_keys_is_in_no_document(guarded: Guarded) -> None:
    async def lose() -> None:
        guarded.shop.store.meanwhile = nothing
        await leave(guarded.shop.house)

    guarded.shop.store.meanwhile = lose
    lease = await leased(guarded)

    assert [granted.source for granted in lease.scope] == ["home", "home"]
    assert not guarded.may(lease, DATA)


async def test_what_is_lost_while_documents_are_written_is_written_again(guarded: Guarded) -> None:
    async def lose() -> None:
        guarded.vault.meanwhile = nothing
        await leave(guarded.shop.house)

    guarded.vault.meanwhile = lose
    lease = await leased(guarded)

    assert not guarded.may(lease, DATA)
    assert guarded.may(lease, HOME)


async def test_the_feed_alone_is_enough(guarded: Guarded) -> None:
    lease = await leased(guarded)
    await leave(guarded.shop.house)
    assert guarded.may(lease, DATA)

    await guarded.worker.turn()

    assert not guarded.may(lease, DATA)


async def test_a_share_that_ends_is_gone_from_documents(guarded: Guarded) -> None:
    house = guarded.shop.house
    lease = await leased(guarded, duration=3000)
    await share(house, house.clock.now + 600)
    await guarded.worker.turn()
    assert guarded.may(lease, GIVEN)

    house.clock.now += 601
    await guarded.worker.turn()

    assert not guarded.may(lease, GIVEN)
    assert guarded.may(lease, HOME)


async def test_a_change_during_a_write_is_written_before_the_writer_is_done(guarded: Guarded) -> None:
    lease = await leased(guarded)

    async def lose() -> None:
        guarded.vault.meanwhile = nothing
        await leave(guarded.shop.house)

    await share(guarded.shop.house)
    guarded.vault.meanwhile = lose
    await guarded.writer.settle(UserName("bob"))

    assert guarded.may(lease, GIVEN)
    assert not guarded.may(lease, DATA)
