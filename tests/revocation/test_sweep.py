"""Documents that nobody uses any more are removed, and nothing else."""

from tests.revocation.bob import HOME, leased
from tests.support.house import House
from tests.support.vault import Guarded, open_guarded


async def test_documents_of_unused_slots_are_removed_and_nothing_else(guarded: Guarded) -> None:
    house = guarded.shop.house
    old = await leased(guarded)
    await leased(guarded)
    house.clock.now += 10_000
    new = await leased(guarded)
    guarded.vault.documents |= {"readonly": "{}", "vendor-lease": "{}", "vendor-ceiling-3-0-dave": "{}"}

    await guarded.worker.sweep.run()

    assert set(guarded.vault.documents) == {*new.ceiling, "readonly", "vendor-lease"}
    assert old.ceiling == new.ceiling
    again = await leased(guarded)
    assert again.ceiling != new.ceiling
    assert guarded.may(again, HOME)


async def test_nothing_is_removed_where_that_would_harm_others(house: House) -> None:
    guarded = open_guarded(house, removes=False)
    old, other = await leased(guarded), await leased(guarded)
    house.clock.now += 10_000

    await guarded.worker.sweep.run()

    assert {*old.ceiling, *other.ceiling} <= set(guarded.vault.documents)
    assert (await leased(guarded)).ceiling == old.ceiling, "used again"
    await guarded.shop.close()
    await guarded.aftermath.close()
