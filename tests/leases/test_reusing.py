"""A live lease is given again to the same ask, as long as it is still true, and to no other."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from tests.leases.asking import bound, live_keys, shown
from tests.support.callers import caller
from tests.support.house import KBASE
from tests.support.shop import KBASE_DATA, Shop, ask
from tests.support.waiting import reached
from vendor.errors import RoleRequired, StateUnavailable, StoreUnavailable
from vendor.identity.principal import ActsFor
from vendor.leases.lease import Issued, LeaseAsk
from vendor.names import TenantName, UserName, parse_s3_path
from vendor.policy.grant import Access, Ask, Level
from vendor.stewardship.caller import Caller
from vendor.stewardship.rotation import Rotation

CAROL = caller("carol", admin=True)
BOB = UserName("bob")


async def test_the_same_lease_until_half_of_its_life_is_over(shop: Shop) -> None:
    first = await shop.shield.vend(caller("bob"), ask(duration=100))
    shop.house.clock.now += 49.9
    again = await shop.shield.vend(caller("bob"), ask(duration=100))
    shop.house.clock.now += 0.1
    later = await shop.shield.vend(caller("bob"), ask(duration=100))

    assert again.lease == first.lease
    assert later.lease.id != first.lease.id


async def test_a_wall_clock_that_is_set_back_makes_no_keys_live_longer(shop: Shop) -> None:
    now = [1000.0]
    shield = shop.replica()
    shield.monotonic = shield.memory._monotonic = lambda: now[0]
    first = await shield.vend(caller("bob"), ask(duration=100))
    now[0] += 60
    shop.house.clock.now -= 3000

    assert (await shield.vend(caller("bob"), ask(duration=100))).lease.id != first.lease.id


async def test_a_reuse_is_recorded_with_who_asked_and_what_was_given(shop: Shop) -> None:
    issued = await shop.shield.vend(caller("bob"), ask())
    await shop.shield.vend(caller("bob"), ask())

    event = (await shop.house.recorded())[-1]
    assert event["kind"] == "vend.reused"
    assert event["lease"] == issued.lease.id
    assert event["access_key_id"] == issued.credentials.access_key_id
    assert issued.credentials.secret_key.reveal() not in json.dumps(event)


async def test_without_a_record_of_it_nothing_is_given_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.shield.vend(caller("bob"), ask())

    async def away(*_: object) -> None:
        raise StateUnavailable("Redis is away.")

    monkeypatch.setattr(type(shop.vending.making.governance), "record", away)
    with pytest.raises(StateUnavailable):
        await shop.shield.vend(caller("bob"), ask())


async def taken_and_given_back(shop: Shop) -> None:
    """The store may have ended live keys when it was taken."""
    await shop.house.members.remove(CAROL, KBASE, BOB, revision=None)
    await shop.house.members.set(CAROL, KBASE, BOB, Access.READ_ONLY, revision=None)


Change = Callable[[Shop, Issued], Awaitable[object]]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda s, _: s.house.members.remove(CAROL, KBASE, BOB, revision=None), id="membership-lost"),
        pytest.param(lambda s, _: s.house.members.set(CAROL, KBASE, BOB, Access.READ_WRITE, revision=None),
                     id="membership-raised"),
        pytest.param(lambda s, _: s.house.removal.of_tenant(CAROL, KBASE, revision=None), id="tenant-gone"),
        pytest.param(lambda s, _: taken_and_given_back(s), id="membership-lost-and-regained"),
        pytest.param(lambda s, _: Rotation(s.house.desk).rotate(CAROL, BOB), id="keys-rotated"),
        pytest.param(lambda s, one: s.ending.end(CAROL, one.lease.id), id="lease-ended"),
        pytest.param(lambda s, _: s.ending.end_all(CAROL, BOB), id="all-leases-ended"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_what_is_no_longer_true_is_not_given_again(shop: Shop, change: Change, where: str) -> None:
    first = await shop.shield.vend(shown("bob"), ask())
    await shop.shield._flights.landed()
    shield = shop.shield if where == "here" else shop.replica()
    await change(shop, first)

    assert (await shield.vend(shown("bob"), ask())).lease.id != first.lease.id


@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_who_was_disabled_gets_nothing(shop: Shop, where: str) -> None:
    await shop.shield.vend(shown("bob"), ask())
    await shop.shield._flights.landed()
    shield = shop.shield if where == "here" else shop.replica()
    await shop.house.users.patch(CAROL, BOB, {"disabled": True}, revision=None)

    with pytest.raises(RoleRequired):
        await shield.vend(shown("bob"), ask())


async def test_somebody_else_s_change_takes_nothing_from_a_live_lease(shop: Shop) -> None:
    first = await shop.shield.vend(caller("bob"), ask())
    await shop.house.users.patch(CAROL, UserName("alice"), {"display_name": "A"}, revision=None)

    assert (await shop.shield.vend(caller("bob"), ask())).lease.id == first.lease.id


async def test_a_store_that_must_not_be_used_gives_nothing_again(shop: Shop) -> None:
    await shop.shield.vend(caller("bob"), ask())

    async def refuse() -> None:
        raise StoreUnavailable("not sound")

    shop.store.admit = refuse  # type: ignore[assignment]
    shop.store.failure = StoreUnavailable("not sound")
    with pytest.raises(StoreUnavailable):
        await shop.shield.vend(caller("bob"), ask())


HOME = (Ask(parse_s3_path("s3://cdm-lake/users-general-warehouse/bob/"), Level.READ),)


@pytest.mark.parametrize(
    ("who", "what"),
    [
        pytest.param(lambda: caller("alice"), ask(), id="somebody-else"),
        pytest.param(lambda: bound(caller("bob"), issuer="https://other.example.org"), ask(), id="other-issuer"),
        pytest.param(lambda: bound(caller("bob"), subject="b0b"), ask(), id="other-subject"),
        pytest.param(lambda: bound(caller("bob"), has_home=False), ask(), id="no-home"),
        pytest.param(lambda: bound(caller("bob"), max_lease_seconds=50), ask(), id="shorter"),
        pytest.param(lambda: bound(caller("bob"), max_scope=HOME), ask(), id="narrower"),
        pytest.param(lambda: bound(caller("bob"), acts_for=ActsFor(TenantName("kbase"), Access.READ_ONLY)), ask(),
                     id="acts-for-a-tenant"),
        pytest.param(lambda: bound(caller("bob"), rule="another"), ask(), id="other-rule"),
        pytest.param(lambda: caller("bob"), ask((KBASE_DATA, Level.READ)), id="other-scope"),
        pytest.param(lambda: caller("bob"), ask(duration=61), id="other-duration"),
        pytest.param(lambda: caller("bob"), ask(partial=True), id="partial"),
        pytest.param(lambda: caller("bob"), ask(audit_context={"job": "1"}), id="other-context"),
    ],
)  # fmt: skip
async def test_asks_that_differ_share_nothing(shop: Shop, who: Callable[[], Caller], what: LeaseAsk) -> None:
    first = await shop.shield.vend(caller("bob"), ask())

    assert (await shop.shield.vend(who(), what)).lease.id != first.lease.id


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        pytest.param({}, ask(renewable_for=100), id="renewable"),
        pytest.param({"break_glass": True}, ask(audit_context={"reason": "fire"}), id="break-glass"),
    ],
)
async def test_leases_that_are_never_shared(shop: Shop, facts: dict[str, bool], what: LeaseAsk) -> None:
    who = bound(shown("bob"), **facts)
    together = [shop.shield.vend(who, what) for _ in range(5)]
    leases = {issued.lease.id for issued in await asyncio.gather(*together)}

    assert len(leases) == 5
    assert (await shop.shield.vend(who, what)).lease.id not in leases
    assert not await live_keys(shop)


async def test_the_number_of_remembered_leases_is_bounded(shop: Shop) -> None:
    shield = shop.replica(most_live=2)
    first = await shield.vend(caller("alice"), ask())
    for name in ("bob", "dave"):
        await shield.vend(caller(name), ask())

    assert len(shield.memory) == 2
    assert (await shield.vend(caller("alice"), ask())).lease.id != first.lease.id


async def test_keys_are_forgotten_when_they_no_longer_serve_also_if_nobody_asks(shop: Shop) -> None:
    shield = shop.replica()
    await shield.vend(caller("bob"), ask(duration=5))
    shop.house.clock.now += 2.45
    live = next(iter(shield.memory._kept.values()))[0]
    shield.memory.put(b"the same", live)
    assert b"the same" in shield.memory._kept
    await reached(lambda: b"the same" not in shield.memory._kept)
