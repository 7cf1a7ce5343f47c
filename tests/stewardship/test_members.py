"""Members and stewards: who may change whom, and that no change is lost."""

import asyncio

import pytest

from tests.support.callers import caller
from tests.support.house import KBASE, House
from vendor.errors import LastSteward, NotSteward, RoleRequired, StaleRevision, UnknownTenant, UnknownUser
from vendor.governance.state import Subject
from vendor.names import UserName
from vendor.policy.grant import Access

ALICE, BOB, CAROL, DAVE = caller("alice"), caller("bob"), caller("carol", admin=True), caller("dave")


async def test_a_steward_adds_changes_and_removes_members(house: House) -> None:
    await house.members.set(ALICE, KBASE, UserName("dave"), Access.READ_ONLY, revision=None)
    view = await house.members.set(ALICE, KBASE, UserName("dave"), Access.READ_WRITE, revision=None)
    assert view.members["dave"] is Access.READ_WRITE
    assert (await house.governance.standing(Subject(UserName("dave")))).tenants == {KBASE: Access.READ_WRITE}

    await house.members.remove(ALICE, KBASE, UserName("dave"), revision=None)

    assert (await house.governance.standing(Subject(UserName("dave")))).tenants == {}
    assert (await house.kinds())[-3:] == ["tenant.member_set", "tenant.member_set", "tenant.member_removed"]


async def test_a_steward_lowers_but_never_raises_themself(house: House) -> None:
    await house.members.set(ALICE, KBASE, UserName("alice"), Access.READ_ONLY, revision=None)

    with pytest.raises(NotSteward):
        await house.members.set(ALICE, KBASE, UserName("alice"), Access.READ_WRITE, revision=None)
    await house.members.remove(ALICE, KBASE, UserName("alice"), revision=None)
    with pytest.raises(NotSteward):
        await house.members.set(ALICE, KBASE, UserName("alice"), Access.READ_ONLY, revision=None)


async def test_a_member_is_no_steward(house: House) -> None:
    with pytest.raises(NotSteward):
        await house.members.set(BOB, KBASE, UserName("dave"), Access.READ_ONLY, revision=None)
    with pytest.raises(NotSteward):
        await house.members.remove(BOB, KBASE, UserName("alice"), revision=None)
    with pytest.raises(RoleRequired):
        await house.members.add_steward(BOB, KBASE, UserName("bob"), revision=None)
    with pytest.raises(RoleRequired):
        await house.members.remove_steward(ALICE, KBASE, UserName("alice"), force=True, revision=None)


async def test_to_strangers_the_tenant_is_unknown(house: House) -> None:
    for attempt in (
        house.members.set(DAVE, KBASE, UserName("dave"), Access.READ_ONLY, revision=None),
        house.members.remove(DAVE, KBASE, UserName("dave"), revision=None),
        house.members.add_steward(DAVE, KBASE, UserName("dave"), revision=None),
    ):
        with pytest.raises(UnknownTenant):
            await attempt


async def test_a_member_may_leave(house: House) -> None:
    await house.members.remove(BOB, KBASE, UserName("bob"), revision=None)

    assert (await house.governance.standing(Subject(UserName("bob")))).tenants == {}


async def test_only_known_users_become_members(house: House) -> None:
    with pytest.raises(UnknownUser):
        await house.members.set(ALICE, KBASE, UserName("nobody"), Access.READ_ONLY, revision=None)
    with pytest.raises(UnknownUser):
        await house.members.add_steward(CAROL, KBASE, UserName("nobody"), revision=None)


async def test_the_last_steward_goes_only_by_force(house: House) -> None:
    with pytest.raises(LastSteward):
        await house.members.remove_steward(CAROL, KBASE, UserName("alice"), force=False, revision=None)
    await house.members.remove_steward(CAROL, KBASE, UserName("alice"), force=True, revision=None)

    assert (await house.tenants.view(CAROL, KBASE)).stewards == {}


async def test_a_stale_change_is_refused(house: House) -> None:
    revision = (await house.tenants.view(CAROL, KBASE)).tenant.revision
    await house.members.set(ALICE, KBASE, UserName("dave"), Access.READ_ONLY, revision=revision)

    with pytest.raises(StaleRevision):
        await house.members.remove(ALICE, KBASE, UserName("dave"), revision=revision)


async def test_many_at_once_lose_nothing(house: House) -> None:
    names = [UserName(f"user{number}") for number in range(12)]
    for name in names:
        await house.users.standing(caller(name))

    await asyncio.gather(
        *(house.members.set(ALICE, KBASE, name, Access.READ_ONLY, revision=None) for name in names),
    )

    view = await house.tenants.view(CAROL, KBASE)
    assert set(names) <= set(view.members)
    assert (await house.kinds()).count("tenant.member_set") == 2 + len(names)
