"""Slots: who has which, until when, and what cannot be in the same."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.callers import caller
from tests.support.house import KBASE, House
from vendor.errors import InvalidName
from vendor.identity.principal import ActsFor
from vendor.leases.ceilings.slots import FOR_SHARING, LAPSE, MOST, SLACK, Slot, Slots, Who
from vendor.leases.lease import LeaseId, new_lease_id
from vendor.names import UserName, parse_user_name
from vendor.policy.grant import Access
from vendor.stores.ceilings.names import Names

BOB = Who(UserName("bob"))


@pytest.fixture
def slots(house: House) -> Slots:
    return Slots(house.database, "vendor", house.clock, own={"default": 8})


async def taken(slots: Slots, who: Who = BOB, lease: LeaseId | None = None) -> Slot:
    slot = await slots.reserve(who, "default", lease or new_lease_id())
    assert slot is not None
    return slot


async def test_parallel_leases_get_slots_of_their_own_and_the_rest_one_together(slots: Slots) -> None:
    async with asyncio.TaskGroup() as group:  # which leaves none behind when one fails
        tasks = [group.create_task(taken(slots)) for _ in range(50)]
    found = [task.result() for task in tasks]

    alone = [slot.number for slot in found if not slot.shared]
    together = {slot.number for slot in found if slot.shared}
    assert len(set(alone)) == len(alone) == 8
    assert len(together) == 1
    assert not together & set(alone)


async def test_a_slot_for_keys_that_never_came_is_free_again(slots: Slots, house: House) -> None:
    first = await taken(slots)
    house.clock.now += LAPSE + 1

    assert (await taken(slots)).number == first.number


async def test_a_slot_lasts_as_long_as_its_keys_and_the_clocks_may_differ(slots: Slots, house: House) -> None:
    slot = await taken(slots)
    assert await slots.confirm(slot, slot.lease, house.clock.now + 900)
    house.clock.now += 900 + SLACK - 1

    assert (await taken(slots)).number != slot.number
    house.clock.now += 2
    assert (await taken(slots)).number == slot.number


async def test_the_slot_of_an_ended_lease_is_nobodys_before_its_keys_end(slots: Slots, house: House) -> None:
    slot = await taken(slots)
    await slots.confirm(slot, slot.lease, house.clock.now + 900)
    (ended,) = await slots.end(BOB.user, slot.lease)
    assert ended.ended

    others = [await taken(slots) for _ in range(8)]

    assert slot.number not in {other.number for other in others}
    assert not any(other.shared for other in others)  # ended ones do not count against those that live
    house.clock.now += 900 + SLACK + 1
    again = await taken(slots)
    assert again.number == slot.number
    assert not again.ended


async def test_a_renewal_stays_in_its_slot(slots: Slots, house: House) -> None:
    slot = await taken(slots)
    await slots.confirm(slot, slot.lease, house.clock.now + 900)
    house.clock.now += 600

    assert (await taken(slots, lease=slot.lease)).number == slot.number


async def test_a_lease_that_was_ended_is_told_so_and_confirms_nothing(slots: Slots, house: House) -> None:
    slot = await taken(slots)
    await slots.end(BOB.user, None)

    assert not await slots.confirm(slot, slot.lease, house.clock.now + 900)
    assert (await taken(slots, lease=slot.lease)).ended


async def test_a_slot_that_was_given_to_another_lease_confirms_nothing(slots: Slots, house: House) -> None:
    slow = await taken(slots)
    house.clock.now += LAPSE + 1
    fast = await taken(slots)
    assert fast.number == slow.number

    assert not await slots.confirm(slow, slow.lease, house.clock.now + 900)
    assert await slots.confirm(fast, fast.lease, house.clock.now + 900)


async def test_a_slot_given_back_is_free_at_once_but_not_an_ended_one(slots: Slots) -> None:
    first = await taken(slots)
    await slots.release(first, first.lease)
    assert (await taken(slots)).number == first.number
    await slots.end(BOB.user, None)
    for slot in await slots.taken(BOB.user):
        await slots.release(slot, slot.lease)

    assert (await taken(slots)).number != first.number


async def test_ending_one_lease_never_ends_those_that_share(slots: Slots) -> None:
    found = [await taken(slots) for _ in range(10)]
    shared = next(slot for slot in found if slot.shared)

    assert await slots.end(BOB.user, shared.lease or LeaseId("l_nobody")) == []
    everything = await slots.end(BOB.user, None)
    assert {slot.number for slot in everything} == {slot.number for slot in found}


async def test_who_ends_leases_all_the_time_shares_a_slot_in_the_end(slots: Slots, house: House) -> None:
    for _ in range(MOST - FOR_SHARING):
        slot = await taken(slots)
        assert not slot.shared
        await slots.confirm(slot, slot.lease, house.clock.now + 900)
        await slots.end(BOB.user, slot.lease)

    one, other = await taken(slots), await taken(slots)
    assert one.shared
    assert one.field == other.field
    house.clock.now += 900 + SLACK
    assert not (await taken(slots)).shared


async def test_there_is_an_end_to_slots(slots: Slots, house: House) -> None:
    for _ in range(MOST):
        slot = await taken(slots)
        await slots.confirm(slot, slot.lease, house.clock.now + 900)
        await slots.end(BOB.user, None)

    assert await slots.reserve(BOB, "default", new_lease_id()) is None


async def test_other_rights_never_share_a_slot(slots: Slots) -> None:
    people = caller("bob").principal
    acting = replace(people, acts_for=ActsFor(KBASE, Access.READ_ONLY))
    whose = [Who.of(one) for one in (people, replace(people, has_home=False), acting)]
    whose.append(Who.of(replace(acting, acts_for=ActsFor(KBASE, Access.READ_WRITE))))

    found = [await taken(slots, who) for who in whose]

    assert len({slot.field for slot in found}) == len({who.variant for who in whose}) == 4
    read = await slots.taken(BOB.user)
    assert {slot.who for slot in read} == set(whose)


def user_names(text: str) -> UserName | None:
    try:
        return parse_user_name(text)
    except InvalidName:
        return None


NAMES = st.text("ab0._-", min_size=2, max_size=8).map(user_names).filter(bool)
PLACES = st.tuples(NAMES, st.sampled_from(["", "0" * 16, "a0b1" * 4]), st.integers(0, 63), st.integers(0, 63))


@given(one=PLACES, other=PLACES)
def test_no_two_slots_have_a_document_of_one_name(
    one: tuple[UserName, str, int, int], other: tuple[UserName, str, int, int]
) -> None:
    names = Names("vendor")
    assert (names.of(*one) == names.of(*other)) is (one == other)
    assert set(names.of(*one)) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")
    assert names.parse(names.of(*one)) == one[:3]


@pytest.mark.parametrize(
    "name", ["vendor-lease", "vendor-operator", "readonly", "other-ceiling-0-0-bob", "vendor-ceiling-x"]
)
def test_other_policies_are_not_taken_for_documents(name: str) -> None:
    assert Names("vendor").parse(name) is None
