"""Whatever happens to leases, the index by what they reach says what reading all of them says."""

import asyncio
import contextlib
import random
from dataclasses import replace

import pytest

from tests.leases.counting import (
    ALICE,
    BOB,
    CAROL,
    HOME,
    HOMES,
    count,
    counts,
    end,
    for_,
    kept_of,
    keys,
    places_of_all,
    read_all,
    touching,
    vend,
)
from tests.leases.renewals import DAY, ORIGIN, token_of
from tests.support.callers import caller
from tests.support.house import KBASE
from tests.support.shop import KBASE_DATA, Shop, ask, nothing
from vendor.errors import LeaseEnded, StateUnavailable, VendError
from vendor.leases.lease import Issued, LeaseAsk
from vendor.names import UserName, parse_s3_path
from vendor.policy.grant import Access, Ask, Level


async def test_an_ended_lease_is_not_counted(shop: Shop) -> None:
    first, second = await vend(shop, "a/"), await vend(shop, "a/")
    await end(shop, first)
    assert await count(shop, "a/") == 1
    await end(shop, first)
    assert await count(shop, "a/") == 1

    await end(shop, second)

    assert await count(shop, "a/") == 0
    assert await keys(shop) == set()


async def test_all_leases_of_somebody_ended_at_once_are_not_counted(shop: Shop) -> None:
    for path in ("a/", "a/", "b/"):
        await vend(shop, path)
    await shop.vending.vend(ALICE, ask((KBASE_DATA, Level.READ)))

    await shop.ending.end_all(CAROL, UserName("bob"))

    assert await count(shop, HOME) == 0
    assert await count(shop, KBASE_DATA, "alice") == 1


async def test_a_renewal_moves_the_end(shop: Shop) -> None:
    issued = await vend(shop, "a/", duration=100, renewable_for=DAY)
    shop.house.clock.now += 60
    await shop.renewing.renew(token_of(issued), ORIGIN)

    shop.house.clock.now += 90
    assert await count(shop, "a/") == 1
    shop.house.clock.now += 10
    assert await count(shop, "a/") == 0

    await shop.renewing.renew(token_of(issued), ORIGIN)
    assert await count(shop, "a/") == 1


async def test_keys_that_outlive_those_of_a_later_renewal_are_counted(shop: Shop) -> None:
    """Also where the later ones are for something else, and where the other renewal was not known of."""
    issued = await vend(shop, "a/", duration=100, renewable_for=DAY)
    other = await vend(shop, "b/", duration=100)
    register = shop.vending.register
    kept = await kept_of(shop, issued.lease.id)
    end = issued.lease.expires_at
    longer = replace(issued.lease, expires_at=end + 50, renewals=1)
    shorter = replace(issued.lease, expires_at=end - 50, renewals=2)

    assert await register.renew(kept, longer)
    assert await register.renew(kept, shorter)
    shop.house.clock.now = end + 49
    assert await count(shop, "a/") == 1 == await read_all(shop, HOME + "a/", "bob")

    kept = await kept_of(shop, issued.lease.id)
    assert await register.renew(kept, replace(shorter, scope=other.lease.scope))
    assert await counts(shop, "a/", "b/") == [0, 1]
    assert await read_all(shop, HOME + "b/", "bob") == 1


async def test_a_renewal_for_something_else_moves_the_lease(shop: Shop) -> None:
    issued = await shop.vending.vend(BOB, ask((HOME, Level.READ), (KBASE_DATA, Level.READ), renewable_for=DAY))
    await shop.vending.vend(BOB, ask((KBASE_DATA, Level.READ)))
    await shop.house.members.remove(CAROL, KBASE, UserName("bob"), revision=None)

    await shop.renewing.renew(token_of(issued), ORIGIN)

    assert await counts(shop, KBASE_DATA, HOME) == [1, 1]
    await shop.house.members.set(CAROL, KBASE, UserName("bob"), Access.READ_ONLY, revision=None)
    await shop.renewing.renew(token_of(issued), ORIGIN)
    assert await counts(shop, KBASE_DATA, HOME) == [2, 1]
    assert len(await keys(shop)) == 4  # nothing is left of what it reached in between


async def test_keys_for_a_part_leave_a_lease_where_it_is_shown(shop: Shop) -> None:
    issued = await vend(shop, "a/", "b/", duration=100, renewable_for=DAY)
    shop.house.clock.now += 60
    kept = await kept_of(shop, issued.lease.id)

    await shop.renewing.renew_opened(kept, for_("a/", duration=200), ORIGIN)

    shop.house.clock.now += 150
    assert await counts(shop, "a/", "b/") == [1, 1]
    assert await read_all(shop, HOME + "b/", "bob") == 1
    await end(shop, issued)
    assert await keys(shop) == set()


async def test_a_lease_that_ended_while_it_was_renewed_is_not_counted(shop: Shop) -> None:
    issued = await vend(shop, "a/", renewable_for=DAY)

    async def ended() -> None:
        await end(shop, issued)

    shop.store.meanwhile = ended
    with pytest.raises(LeaseEnded):
        await shop.renewing.renew(token_of(issued), ORIGIN)

    assert await count(shop, "a/") == 0


async def test_a_lease_that_was_renewed_while_it_ended_is_not_counted(shop: Shop) -> None:
    issued = await vend(shop, "a/", renewable_for=DAY)
    read = await kept_of(shop, issued.lease.id)
    shop.house.clock.now += 30
    await shop.renewing.renew(token_of(issued), ORIGIN)

    await shop.ending.end_kept(CAROL, read)

    assert await count(shop, "a/") == 0


async def test_a_lease_that_never_left_is_not_counted(shop: Shop) -> None:
    """What is granted changed while the store was busy, so other keys were made and the first forgotten."""

    async def changed() -> None:
        shop.store.meanwhile = nothing
        await shop.house.members.remove(CAROL, KBASE, UserName("bob"), revision=None)

    shop.store.meanwhile = changed
    await shop.vending.vend(BOB, LeaseAsk())

    assert len(shop.store.orders) == 2
    assert await counts(shop, HOME, KBASE_DATA) == [1, 0]


async def test_a_renewal_that_was_made_twice_is_one_lease(shop: Shop) -> None:
    """What is granted changed while the store was busy: the first keys were thrown away, and nobody gets them."""
    bob = UserName("bob")
    await shop.house.members.remove(CAROL, KBASE, bob, revision=None)
    issued = await shop.vending.vend(BOB, LeaseAsk(renewable_for=DAY))
    await shop.house.members.set(CAROL, KBASE, bob, Access.READ_ONLY, revision=None)

    async def changed() -> None:
        shop.store.meanwhile = nothing
        await shop.house.members.remove(CAROL, KBASE, bob, revision=None)

    shop.store.meanwhile = changed
    await shop.renewing.renew(token_of(issued), ORIGIN)

    assert len(shop.store.orders) == 3
    assert await counts(shop, HOME, KBASE_DATA) == [1, 0]
    await end(shop, issued)
    assert await keys(shop) == set()


async def test_counting_stops_no_renewal_and_no_end(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its keys may lie on a primary of a cluster that is away."""
    issued = await vend(shop, "a/", renewable_for=DAY)

    async def away(*_: object, **__: object) -> None:
        raise StateUnavailable("It does not answer.")

    index = shop.vending.register._reaching
    monkeypatch.setattr(index, "renewed", away)
    monkeypatch.setattr(index, "leave", away)
    assert (await shop.renewing.renew(token_of(issued), ORIGIN)).lease.scope
    await end(shop, issued)

    assert not await shop.vending.register.is_live(issued.lease.id)


async def test_histories_of_leases(shop: Shop) -> None:
    """Whatever happens, in whatever order, the index says what reading all leases says."""
    for seed in range(4):
        await History(shop, random.Random(seed)).run(60)


class History:
    """What people do with their leases, at random."""

    PLACES = ("", "a/", "a/b/", "a/b/c/", "a/bc/", "ab/", "c", "c/d")

    def __init__(self, shop: Shop, chance: random.Random) -> None:
        self.shop, self.chance = shop, chance
        self.made: list[tuple[str, Issued]] = []

    async def run(self, steps: int) -> None:
        acts = [self.vend, self.vend, self.vend, self.renew, self.renew, self.part, self.end, self.wait, self.grant]
        for step in range(steps):
            act = self.chance.choice(acts) if step != steps // 2 else self.end_all
            with contextlib.suppress(VendError):  # refused: what was lost meanwhile, or has run out
                await act()
            for user in ("alice", "bob"):
                leases = await places_of_all(self.shop, user)
                paths = (*self.paths(user), KBASE_DATA, KBASE_DATA + "x/")
                found = await asyncio.gather(*(count(self.shop, path, user) for path in paths))
                assert found == [touching(leases, path) for path in paths], (step, act.__name__, user)

    def paths(self, user: str) -> list[str]:
        return [f"{HOMES}{user}/{place}" for place in self.PLACES]

    def scope(self, user: str) -> tuple[Ask, ...]:
        chosen = self.chance.sample([*self.paths(user), KBASE_DATA], self.chance.randint(1, 3))
        return tuple(Ask(parse_s3_path(path), Level.READ) for path in chosen)

    async def vend(self) -> None:
        user, chance = self.chance.choice(("alice", "bob")), self.chance
        scope = self.scope(user) if chance.random() < 0.8 else None
        until = chance.choice((None, 500))
        wanted = LeaseAsk(scope=scope, duration=chance.randint(10, 300), renewable_for=until, partial=True)
        self.made.append((user, await self.shop.vending.vend(caller(user), wanted)))

    async def renew(self) -> None:
        renewable = [issued for _, issued in self.made if issued.token is not None]
        if renewable:
            await self.shop.renewing.renew(token_of(self.chance.choice(renewable)), ORIGIN)

    async def part(self) -> None:
        renewable = [(user, issued) for user, issued in self.made if issued.token is not None]
        if renewable:
            user, issued = self.chance.choice(renewable)
            kept = await self.shop.renewing.open(token_of(issued))
            part = replace(kept.ask, scope=self.scope(user), duration=self.chance.randint(10, 300))
            await self.shop.renewing.renew_opened(kept, part, ORIGIN)

    async def end(self) -> None:
        if self.made:
            user, issued = self.chance.choice(self.made)
            await self.shop.ending.end(caller(user), issued.lease.id)

    async def end_all(self) -> None:
        await self.shop.ending.end_all(CAROL, UserName(self.chance.choice(("alice", "bob"))))

    async def wait(self) -> None:
        self.shop.house.clock.now += self.chance.choice((5, 30, 120))

    async def grant(self) -> None:
        bob = UserName("bob")
        if self.chance.random() < 0.5:
            await self.shop.house.members.remove(CAROL, KBASE, bob, revision=None)
        else:
            await self.shop.house.members.set(CAROL, KBASE, bob, Access.READ_ONLY, revision=None)
