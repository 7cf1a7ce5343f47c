"""Leases that no session policy holds: their documents alone say what they may."""

import pytest

from tests.revocation.bob import BOB, CAROL, DATA, HOME, leased
from tests.support.house import House
from tests.support.shop import ask
from tests.support.vault import Guarded, open_guarded
from vendor.errors import PolicyTooLarge
from vendor.names import TenantName, UserName
from vendor.policy.grant import Access, Level
from vendor.stewardship.tenants import Metadata


async def many(house: House, count: int = 40) -> list[str]:
    """Make bob a member of so many tenants that no session policy holds them."""
    names = [TenantName(f"tenant{number:03}") for number in range(count)]
    for name in names:
        await house.tenants.put(CAROL, name, Metadata(name), revision=None)
        await house.members.set(CAROL, name, UserName("bob"), Access.READ_ONLY, revision=None)
    return [f"cdm-lake/tenant-general-warehouse/{name}/" for name in names]


async def test_everything_that_fits_no_session_policy_needs_none(guarded: Guarded) -> None:
    paths = await many(guarded.shop.house)
    lease = await leased(guarded)

    assert lease.form == "ceiling"
    assert guarded.shop.store.orders[-1].policy is None
    assert all(guarded.may(lease, path) for path in (*paths, HOME, DATA))


async def test_a_part_that_fits_no_session_policy_has_documents_of_its_own(guarded: Guarded) -> None:
    paths = await many(guarded.shop.house)
    scope = ask(*((f"s3://{path}", Level.READ) for path in paths[1:]))
    lease = (await guarded.shop.vending.vend(BOB, scope)).lease

    assert lease.form == "ceiling"
    assert all(guarded.may(lease, path) for path in paths[1:])
    assert not any(guarded.may(lease, path) for path in (paths[0], HOME, DATA))
    await guarded.shop.house.members.remove(CAROL, TenantName("tenant002"), UserName("bob"), revision=None)
    await guarded.worker.turn()
    assert [path for path in paths[1:] if not guarded.may(lease, path)] == [paths[2]]


async def test_a_part_that_fits_no_session_policy_is_refused_where_no_slot_is_free(house: House) -> None:
    guarded = open_guarded(house, own=1)
    paths = await many(house)
    await leased(guarded)

    with pytest.raises(PolicyTooLarge):
        await guarded.shop.vending.vend(BOB, ask(*((f"s3://{path}", Level.READ) for path in paths)))
    assert (await leased(guarded)).form == "ceiling"
