"""Leases that are given again, with a clock that moves when it is told to and a store that counts."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from tests.support.callers import caller
from tests.support.house import KBASE, House, open_house
from tests.support.shop import open_shield
from vendor.errors import InvalidRequest, RoleRequired
from vendor.identity.principal import ActsFor
from vendor.leases.duration import DurationRules
from vendor.leases.ending import Ending
from vendor.leases.homes import Homes
from vendor.leases.kept import KeptLeases
from vendor.leases.lease import LeaseAsk
from vendor.leases.making import Making
from vendor.leases.register import Register
from vendor.leases.rotating import Rotating
from vendor.leases.vending import Vending
from vendor.names import UserName, parse_s3_path
from vendor.policy.access import load_access
from vendor.policy.grant import Access, Ask, Level
from vendor.policy.layout import load_layout
from vendor.secret import SecretKey, SessionToken
from vendor.settings import shipped_policies
from vendor.stewardship.caller import Caller
from vendor.stewardship.rotation import Rotation
from vendor.stores.credentials import Credentials
from vendor.stores.objects import Objects
from vendor.stores.profile import PROFILES, Durations, Mode, StoreKind
from vendor.stores.store import Order, StoreSettings

NOWHERE = "http://127.0.0.1:9"
LIFE = 3600


@dataclass
class Counting:
    """Stands in for a store, to count what it is asked and to end its keys by the test's clock."""

    house: House
    orders: list[Order] = field(default_factory=list)

    profile = PROFILES[StoreKind.JUICEFS]
    durations = Durations(profile, Mode.WEB_IDENTITY)
    admit = None
    settings = StoreSettings("default", profile, NOWHERE, NOWHERE, "us-east-1", "vendor", policy="p")

    async def issue(self, order: Order) -> Credentials:
        self.orders.append(order)
        number = len(self.orders)
        await asyncio.sleep(0)
        ends = self.house.clock() + order.seconds
        return Credentials(f"AKID{number}", SecretKey(f"secret-{number}"), SessionToken(f"session-{number}"), ends)


@dataclass
class Desk:
    """What the tests talk to."""

    house: House
    store: Counting
    kept: KeptLeases
    rotating: Rotating
    vending: Vending

    async def key(self, who: Caller) -> str:
        return (await self.kept.current(who)).credentials.access_key_id


@pytest.fixture
async def house(valkey: str) -> AsyncIterator[House]:
    async with open_house(valkey) as made:
        yield made


@pytest.fixture
async def desk(house: House) -> AsyncIterator[Desk]:
    layout = load_layout(shipped_policies() / "layout.toml")
    store = Counting(house)
    objects = Objects(NOWHERE, "us-east-1")
    making = Making(
        governance=house.governance,
        stores={"default": store},  # type: ignore[dict-item]  # stands in
        layout=layout,
        access=load_access(shipped_policies() / "access.toml"),
        durations=DurationRules(LIFE, 900, 43_200),
        clock=house.clock,
        random=random.Random(1),
    )
    register = Register(house.database, "test")
    vending = Vending(making, house.users, house.trail, register, 86_400)
    ending = Ending(register, house.trail, house.clock)
    kept = KeptLeases(open_shield(vending), Homes(layout, {"default": objects}))
    yield Desk(house, store, kept, Rotating(Rotation(house.desk), ending), vending)
    await kept.vending.close()
    await objects.close()


async def test_the_same_lease_until_half_its_life_is_over(desk: Desk) -> None:
    alice = caller("alice")
    first = await desk.key(alice)
    desk.house.clock.now += LIFE / 2 - 1
    assert await desk.key(alice) == first

    desk.house.clock.now += 1
    assert await desk.key(alice) != first
    assert len(desk.store.orders) == 2


async def test_a_home_that_cannot_be_prepared_keeps_nobody_from_their_keys(desk: Desk) -> None:
    """The store of these tests is at an address where nothing is."""
    assert await desk.key(caller("alice")) == "AKID1"


async def test_parallel_asks_make_one_lease(desk: Desk) -> None:
    keys = await asyncio.gather(*(desk.key(caller("alice")) for _ in range(50)))

    assert set(keys) == {"AKID1"}
    assert len(desk.store.orders) == 1


async def test_one_who_waits_does_not_hold_up_others(desk: Desk) -> None:
    keys = await asyncio.gather(desk.key(caller("alice")), desk.key(caller("bob")))

    assert len(set(keys)) == 2


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda house: house.members.remove(caller("carol", admin=True), KBASE, _alice(), revision=None),
                     id="membership-ended"),
        pytest.param(lambda house: house.members.set(caller("carol", admin=True), KBASE, _alice(), Access.READ_ONLY,
                                                     revision=None), id="membership-lowered"),
        pytest.param(lambda house: house.users.patch(caller("carol", admin=True), _alice(), {"display_name": "A"},
                                                     revision=None), id="user-changed"),
    ],
)  # fmt: skip
async def test_any_change_of_what_decides_makes_a_new_lease(desk: Desk, change: object) -> None:
    alice = caller("alice")
    before = await desk.key(alice)

    await change(desk.house)  # type: ignore[operator]  # one of the above

    assert await desk.key(alice) != before


async def test_a_change_while_the_lease_is_made_is_not_missed(desk: Desk) -> None:
    """The digest that is kept is read before the lease is made: the change shows at the next ask at the latest."""
    alice, carol = caller("alice"), caller("carol", admin=True)
    issue, done = desk.store.issue, list[bool]()

    async def slow(order: Order) -> Credentials:
        if not done:
            done.append(True)
            await desk.house.members.remove(carol, KBASE, _alice(), revision=None)
        return await issue(order)

    desk.store.issue = slow  # type: ignore[method-assign]
    await desk.kept.current(alice)
    now = await desk.kept.current(alice)

    assert {granted.source for granted in now.lease.scope} == {"home"}


async def test_who_is_disabled_gets_nothing(desk: Desk) -> None:
    alice = caller("alice")
    await desk.key(alice)
    await desk.house.users.patch(caller("carol", admin=True), _alice(), {"disabled": True}, revision=None)

    with pytest.raises(RoleRequired):
        await desk.key(alice)


async def test_rotation_makes_a_new_lease_for_the_one_and_nobody_else(desk: Desk) -> None:
    alice, bob = caller("alice"), caller("bob")
    before = await desk.key(alice), await desk.key(bob)

    await desk.rotating.rotate(alice)

    assert await desk.key(alice) != before[0]
    assert await desk.key(bob) == before[1]
    assert "keys.rotated" in await desk.house.kinds()


async def test_rotation_ends_what_was_given_here_and_nothing_that_was_asked_for(desk: Desk) -> None:
    alice = caller("alice")
    given = (await desk.kept.current(alice)).lease.id
    asked = (await desk.vending.vend(alice, LeaseAsk(audit_context={"job": "nightly"}))).lease.id

    await desk.rotating.rotate(alice)

    register = desk.vending.register
    ended = {lease: (await register.get(lease)) for lease in (given, asked)}
    assert {lease: kept.ended is not None for lease, kept in ended.items() if kept} == {given: True, asked: False}


async def test_a_lease_that_was_ended_is_given_to_nobody(desk: Desk) -> None:
    alice = caller("alice")
    before = await desk.kept.current(alice)
    await desk.rotating.ending.end(alice, before.lease.id)

    assert (await desk.kept.current(alice)).lease.id != before.lease.id


async def test_everybody_is_rotated_however_many_they_are(desk: Desk) -> None:
    carol = caller("carol", admin=True)
    for number in range(250):
        await desk.house.users.standing(caller(f"user{number:03}"))
    first, last = caller("user000"), caller("user249")
    before = await desk.key(first), await desk.key(last)

    assert await desk.rotating.rotate_all(carol) == 254
    assert await desk.key(first) != before[0]
    assert await desk.key(last) != before[1]


async def test_only_administrators_rotate_others(desk: Desk) -> None:
    with pytest.raises(RoleRequired):
        await desk.rotating.rotate(caller("bob"), _alice())
    with pytest.raises(RoleRequired):
        await desk.rotating.rotate_all(caller("bob"))


async def test_tokens_that_allow_less_do_not_get_the_keys_of_those_that_allow_more(desk: Desk) -> None:
    alice = caller("alice")
    bounds = {
        "less": replace(alice.principal, max_scope=(Ask(parse_s3_path("s3://cdm-lake/users-general-warehouse/alice/"),
                                                        Level.READ),)),
        "shorter": replace(alice.principal, max_lease_seconds=900),
        "homeless": replace(alice.principal, has_home=False),
        "acting": replace(alice.principal, acts_for=ActsFor(KBASE, Access.READ_ONLY)),
    }  # fmt: skip
    whole = await desk.key(alice)

    keys = {name: await desk.key(Caller(principal, alice.origin)) for name, principal in bounds.items()}

    assert len({whole, *keys.values()}) == 1 + len(bounds)


async def test_a_break_glass_login_has_to_say_why_so_it_gets_nothing_here(desk: Desk) -> None:
    alice = caller("alice")
    with pytest.raises(InvalidRequest):
        await desk.key(Caller(replace(alice.principal, break_glass=True), alice.origin))


async def test_an_answer_asks_the_store_for_nothing_and_is_recorded(desk: Desk) -> None:
    alice = caller("alice")
    await desk.key(alice)
    before = await desk.house.kinds()
    for _ in range(10):
        await desk.key(alice)

    assert len(desk.store.orders) == 1
    assert await desk.house.kinds() == before + ["vend.reused"] * 10


def _alice() -> UserName:
    return UserName("alice")
