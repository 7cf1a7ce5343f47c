"""How many live leases reach a path: the index says what reading all of them says, whatever happens to them."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from redis.crc import key_slot

from tests.support.callers import caller
from tests.support.house import KBASE, open_house
from tests.support.shop import KBASE_DATA, Shop, ask, nothing, open_shop
from tests.support.valkeys import Cluster, running_cluster
from vendor.audit.event import Origin
from vendor.errors import LeaseEnded, StateUnavailable, VendError
from vendor.leases import reaching
from vendor.leases.lease import Issued, LeaseAsk, LeaseId
from vendor.leases.reaching import Scope, scope_of
from vendor.leases.register import KEPT_AFTER_END, Kept
from vendor.names import S3Path, UserName, parse_s3_path
from vendor.policy.grant import Access, Ask, Level
from vendor.secret import RawToken

ORIGIN = Origin(request_id="r_reach", door="test")
DAY = 86_400
ALICE, BOB, CAROL = caller("alice"), caller("bob"), caller("carol", admin=True)
HOMES = "s3://cdm-lake/users-general-warehouse/"
HOME = HOMES + "bob/"


def for_(*paths: str, **more: object) -> LeaseAsk:
    return ask(*((HOME + path, Level.READ) for path in paths), **more)


async def vend(shop: Shop, *paths: str, **more: object) -> Issued:
    return await shop.vending.vend(BOB, for_(*paths, **more))


def token_of(issued: Issued) -> RawToken:
    assert issued.token is not None
    return RawToken(issued.token.reveal())


async def kept_of(shop: Shop, lease: LeaseId) -> Kept:
    kept = await shop.vending.register.get(lease)
    assert kept is not None
    return kept


async def end(shop: Shop, issued: Issued) -> None:
    await shop.ending.end(BOB, issued.lease.id)


async def count(shop: Shop, path: str, user: str = "bob") -> int | None:
    full = path if path.startswith("s3") else HOME + path
    return await shop.vending.register.count(UserName(user), parse_s3_path(full), now=shop.house.clock())


async def counts(shop: Shop, *paths: str) -> list[int | None]:
    return [await count(shop, path) for path in paths]


async def read_all(shop: Shop, path: str, user: str) -> int:
    """Count by reading every lease."""
    return touching(await places_of_all(shop, user), path)


async def places_of_all(shop: Shop, user: str) -> list[list[S3Path]]:
    """Read where each of somebody's live leases reaches."""
    now = shop.house.clock()
    return [
        [parse_s3_path(entry["path"]) for entry in kept.view["scope"]]
        async for kept in shop.vending.register.of(UserName(user), since=now)
        if kept.ended is None and kept.expires_at > now
    ]


def touching(leases: list[list[S3Path]], path: str) -> int:
    """Count those that reach a path or something inside it."""
    asked = parse_s3_path(path)
    return sum(
        any(
            place.bucket == asked.bucket
            and (place.prefix.startswith(asked.prefix) or asked.prefix.startswith(place.prefix))
            for place in places
        )
        for places in leases
    )


async def keys(shop: Shop) -> set[str]:
    """Names of the index's keys, without what they have in common."""
    found = [name async for name in shop.house.database._client.scan_iter("{vendor:leases:*")]
    return {name.partition("}:reach")[2] for name in found}


# What is counted ------------------------------------------------------------------------------------------------------


async def test_a_new_lease_is_counted_where_it_reaches(shop: Shop) -> None:
    await vend(shop, "a/b/")

    assert await counts(shop, "a/b/", "a/b/c/", "a/b/c/d", "a/", HOME) == [1] * 5
    assert await counts(shop, "a/bb/", "a/b-c/", "a/c/", "ab/", "a/b!/", "b/", HOMES + "bobby/") == [0] * 7
    assert await count(shop, "s3a://cdm-lake/users-general-warehouse/bob/a/b/") == 1
    assert await count(shop, "s3://cdm-lake-2/users-general-warehouse/bob/a/b/") == 0


async def test_a_lease_of_several_places_is_one_lease(shop: Shop) -> None:
    await vend(shop, "a/", "a/b/", "c/x", "d/é/")

    assert await counts(shop, HOME, "a/b/", "a/z/", "c/", "c/x/y/", "d/é/f/", "d/", "c/xx/") == [1] * 7 + [0]


async def test_leases_with_one_scope_and_with_others(shop: Shop) -> None:
    for paths in [("a/", "b/"), ("b/", "a/"), ("a/",), ("a/b/",), ("c/",)]:
        await vend(shop, *paths)

    assert await counts(shop, "a/", "a/b/", "b/", "c/", HOME) == [4, 4, 2, 1, 5]
    digests = {name for name in await keys(shop) if len(name) == 41}
    assert len(digests) == 4  # the first two are for the same


async def test_everybody_s_leases_are_their_own(shop: Shop) -> None:
    await vend(shop, "a/")
    await shop.vending.vend(ALICE, ask((HOMES + "alice/", Level.WRITE)))
    for who in (ALICE, BOB):
        await shop.vending.vend(who, ask((KBASE_DATA, Level.READ)))

    assert [await count(shop, KBASE_DATA, user) for user in ("alice", "bob", "dave")] == [1, 1, 0]
    assert [await count(shop, HOME, user) for user in ("alice", "bob")] == [0, 1]


async def test_leases_are_counted_until_their_keys_expire(shop: Shop) -> None:
    await vend(shop, "a/", duration=100)
    await vend(shop, "a/", duration=200, renewable_for=DAY)

    for passed, expected in [(99.0, 2), (1.0, 1), (99.0, 1), (1.0, 0)]:
        shop.house.clock.now += passed
        assert await count(shop, "a/") == expected == await read_all(shop, HOME + "a/", "bob")


# What happens to leases -----------------------------------------------------------------------------------------------


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


# What is kept, and for how long ---------------------------------------------------------------------------------------


async def test_nothing_stays_for_good(shop: Shop) -> None:
    await vend(shop, "a/", duration=100)
    await vend(shop, "b/", duration=200, renewable_for=DAY)

    names = {f"{{vendor:leases:bob}}:reach{name}" for name in await keys(shop)}
    ends = {name: await shop.house.database._client.expiretime(name) for name in names}

    start = int(shop.house.clock())
    assert len(names) == 4
    assert sorted(ends.values()) == [start + 100 + reaching.KEPT] + [start + 200 + reaching.KEPT] * 3


async def test_scopes_without_live_leases_are_cleared_away(shop: Shop) -> None:
    for number in range(10):
        await vend(shop, f"{number}/", f"x/{number}/", duration=100)
    shop.house.clock.now += 101

    for _ in range(6):
        await vend(shop, "new/")

    client = shop.house.database._client
    assert len(await keys(shop)) == 3
    assert await client.zrange("{vendor:leases:bob}:reach", 0, -1) == ["cdm-lake/users-general-warehouse/bob/new/"]
    assert await client.zcard("{vendor:leases:bob}:reach:places") == 1


async def test_expired_leases_of_a_scope_in_use_are_cleared_away(shop: Shop) -> None:
    for _ in range(5):
        await vend(shop, "a/", duration=100)
    shop.house.clock.now += 101

    last = await vend(shop, "a/")

    (digest,) = {name for name in await keys(shop) if len(name) == 41}
    assert await shop.house.database._client.zrange(f"{{vendor:leases:bob}}:reach{digest}", 0, -1) == [last.lease.id]


async def test_ids_of_leases_that_ended_long_ago_are_dropped(shop: Shop) -> None:
    await vend(shop, "a/", duration=100)
    shop.house.clock.now += 101 + KEPT_AFTER_END

    last = await vend(shop, "a/")

    assert await shop.house.database.noted("vendor:leases:bob", since=0) == [last.lease.id]


async def test_more_places_than_are_looked_at_are_not_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is on what a path overlaps, not on what there is."""
    monkeypatch.setattr(reaching, "MOST_PLACES", 3)
    for path in ("a/", "a/1/", "a/2/", "b/"):
        await vend(shop, path)

    assert await counts(shop, HOME, "a/", "a/1/", "b/") == [None, 3, 2, 1]


async def test_a_lease_from_before_the_index_is_in_it_once_it_is_renewed(shop: Shop) -> None:
    issued = await vend(shop, "a/", renewable_for=DAY)
    for name in await keys(shop):
        await shop.house.database.delete(f"{{vendor:leases:bob}}:reach{name}")
    assert await count(shop, "a/") == 0

    await shop.renewing.renew(token_of(issued), ORIGIN)

    assert await count(shop, "a/") == 1


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


@pytest.mark.parametrize(
    ("paths", "scope"),
    [
        (["s3://b/x/"], "b/x/"),
        (["s3a://b/x"], "b/x/"),
        (["s3://b/x/y/", "s3://b/x", "s3://b/xy", "s3://b/x!/", "s3://b2/x/"], "b/x!/\nb/x/\nb/xy/\nb2/x/"),
        (["s3://b/no longer/a/*"], "b/no longer/a/*/"),
    ],
)
def test_scopes(paths: list[str], scope: Scope) -> None:
    assert scope_of(paths) == scope


# On a cluster ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as running:
        yield running


@pytest.fixture
async def spread(cluster: Cluster) -> AsyncIterator[Shop]:
    async with open_house(cluster.url) as house:
        shop = open_shop(house)
        yield shop
        await shop.close()


async def test_on_a_cluster(spread: Shop) -> None:
    shop = spread
    issued = [await vend(shop, "a/", renewable_for=DAY), await vend(shop, "b/")]
    await shop.vending.vend(ALICE, ask((HOMES + "alice/", Level.READ)))
    await shop.renewing.renew(token_of(issued[0]), ORIGIN)
    assert await counts(shop, HOME, "a/", "b/") == [2, 1, 1]
    assert await count(shop, HOMES, "alice") == 1

    for one in issued:
        await end(shop, one)

    assert await count(shop, HOME) == 0


def test_the_index_by_reach_lies_where_that_of_ids_does() -> None:
    names = reaching._keys("vendor:leases:bob")
    assert {key_slot(name.encode()) for name in names} == {key_slot(b"vendor:leases:bob")}
