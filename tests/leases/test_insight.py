"""Who reaches a path, and with how many live leases."""

import pytest

from tests.support.callers import caller
from tests.support.house import KBASE
from tests.support.shop import KBASE_DATA, Shop, ask
from vendor.governance.records import Target, TargetKind
from vendor.leases import insight, reaching
from vendor.leases.insight import Holder, Insight
from vendor.names import UserName, parse_s3_path
from vendor.policy.grant import Access, Level
from vendor.redis_together import Together
from vendor.stewardship.shares import Offer

ALICE, BOB, DAVE, CAROL = caller("alice"), caller("bob"), caller("dave"), caller("carol", admin=True)
HOME = "s3://cdm-lake/users-general-warehouse/alice/"


@pytest.fixture
def looks(shop: Shop) -> Insight:
    house = shop.house
    return Insight(shop.vending.making, house.users, house.tenants, house.reach, shop.vending.register)


async def who_can(looks: Insight, path: str) -> list[Holder]:
    return await looks.who_can(ALICE, parse_s3_path(path), Level.READ)


async def counts(looks: Insight, path: str) -> dict[str, int | None]:
    return {str(holder.target): holder.live_leases for holder in await who_can(looks, path)}


async def share(shop: Shop, path: str, *targets: Target) -> None:
    await shop.house.shares.create(ALICE, Offer(parse_s3_path(HOME + path), targets, Level.READ))


async def test_live_leases_of_members_of_a_tenant(shop: Shop, looks: Insight) -> None:
    for who, path in [(ALICE, KBASE_DATA), (BOB, KBASE_DATA), (BOB, KBASE_DATA + "x/"), (DAVE, None)]:
        await shop.vending.vend(who, ask((path, Level.READ)) if path else ask())

    assert await counts(looks, KBASE_DATA) == {"user:alice": 1, "user:bob": 2}
    assert await counts(looks, KBASE_DATA + "y/") == {"user:alice": 1, "user:bob": 1}


async def test_live_leases_of_those_a_home_is_shared_with(shop: Shop, looks: Insight) -> None:
    bob, dave, kbase = Target(TargetKind.USER, "bob"), Target(TargetKind.USER, "dave"), Target(TargetKind.TENANT, KBASE)
    await share(shop, "data/", bob, kbase, Target(TargetKind.EVERYONE))
    await share(shop, "data/deep/", dave, bob)
    await shop.vending.vend(BOB, ask((HOME + "data/", Level.READ)))
    await shop.vending.vend(DAVE, ask((HOME + "data/deep/", Level.READ)))
    await shop.vending.vend(ALICE, ask((HOME + "else/", Level.READ)))

    found = await who_can(looks, HOME + "data/")

    seen = [(str(holder.target), holder.whole, holder.live_leases) for holder in found]
    assert seen[0] == ("user:alice", True, 0)
    assert sorted(seen[1:4], key=str) == [("everyone", True, None), ("tenant:kbase", True, None), ("user:bob", True, 1)]
    assert sorted(seen[4:]) == [("user:bob", False, 1), ("user:dave", False, 1)]


async def test_all_are_counted_in_one_round_trip(shop: Shop, looks: Insight, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"member{number}" for number in range(30)]
    for name in names:
        await shop.house.users.standing(caller(name))
        await shop.house.members.set(CAROL, KBASE, UserName(name), Access.READ_ONLY, revision=None)
    await counts(looks, KBASE_DATA)  # scripts are known from here on
    batches: list[int] = []
    answers = Together._answers

    async def counted(self: Together, batch: list[object]) -> object:
        batches.append(len(batch))
        return await answers(self, batch)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(Together, "_answers", counted)
    found = await counts(looks, KBASE_DATA)

    assert len(found) == 32
    assert batches[-1] == 32
    assert sum(batches) == 32 + len(batches) - 1  # whatever was read of governance before that


async def test_of_more_users_than_so_many_none_are_counted(
    shop: Shop, looks: Insight, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those with whom it is shared come first: they were named one by one."""
    monkeypatch.setattr(insight, "MOST_COUNTED", 2)
    await shop.vending.vend(ALICE, ask((HOME, Level.READ)))
    assert await counts(looks, HOME) == {"user:alice": 1}

    await share(shop, "", Target(TargetKind.USER, "bob"), Target(TargetKind.USER, "dave"))

    assert await counts(looks, HOME) == {"user:alice": None, "user:bob": 0, "user:dave": 0}


async def test_leases_for_very_many_places_are_not_counted(
    shop: Shop, looks: Insight, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaching, "MOST_PLACES", 2)
    for name in ("a", "b", "c"):
        await shop.vending.vend(ALICE, ask((f"{HOME}{name}/", Level.READ)))

    assert await counts(looks, HOME) == {"user:alice": None}
    assert await counts(looks, HOME + "a/") == {"user:alice": 1}
