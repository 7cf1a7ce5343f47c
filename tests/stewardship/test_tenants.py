"""Tenants: who may create and see them, and names that would be read as halves of one another."""

import asyncio

import pytest

from tests.support.callers import caller
from tests.support.house import KBASE, House
from vendor.errors import AlreadyExists, RoleRequired, StaleRevision, UnknownTenant
from vendor.names import TenantName
from vendor.stewardship.tenants import Metadata

CAROL = caller("carol", admin=True)


async def test_created_then_replaced(house: House) -> None:
    hydro = TenantName("hydro")

    first, created = await house.tenants.put(CAROL, hydro, Metadata("Hydro"), revision=None)
    again, created_again = await house.tenants.put(CAROL, hydro, Metadata("Hydrology"), revision=first.tenant.revision)

    assert (created, created_again) == (True, False)
    assert again.tenant.display_name == "Hydrology"
    assert again.tenant.created_at == first.tenant.created_at
    assert again.tenant.revision > first.tenant.revision
    assert again.members == {}


@pytest.mark.parametrize(("existing", "new"), [("euro", "eu"), ("eu", "euro"), ("roro", "ro")])
async def test_two_names_that_read_as_halves_of_one_tenant(house: House, existing: str, new: str) -> None:
    await house.tenants.put(CAROL, TenantName(existing), Metadata(), revision=None)

    with pytest.raises(AlreadyExists):
        await house.tenants.put(CAROL, TenantName(new), Metadata(), revision=None)


async def test_a_stale_replacement_changes_nothing(house: House) -> None:
    view = await house.tenants.view(CAROL, KBASE)
    await house.tenants.put(CAROL, KBASE, Metadata("newer"), revision=view.tenant.revision)

    with pytest.raises(StaleRevision):
        await house.tenants.put(CAROL, KBASE, Metadata("stale"), revision=view.tenant.revision)
    assert (await house.tenants.view(CAROL, KBASE)).tenant.display_name == "newer"


async def test_only_administrators_create(house: House) -> None:
    with pytest.raises(RoleRequired):
        await house.tenants.put(caller("alice"), TenantName("mine"), Metadata(), revision=None)


async def test_members_and_administrators_see_a_tenant_and_others_do_not_know_it(house: House) -> None:
    for name in ("alice", "bob"):
        assert (await house.tenants.view(caller(name), KBASE)).tenant.name == "kbase"
    with pytest.raises(UnknownTenant):
        await house.tenants.view(caller("dave"), KBASE)
    with pytest.raises(UnknownTenant):
        await house.tenants.view(caller("dave"), TenantName("nowhere"))


async def test_of_many_creations_at_once_one_creates(house: House) -> None:
    puts = (house.tenants.put(CAROL, TenantName("rush"), Metadata(str(n)), revision=None) for n in range(8))

    outcomes = await asyncio.gather(*puts)

    assert sum(created for _, created in outcomes) == 1
    kinds = await house.kinds()
    assert kinds.count("tenant.changed") == 7
