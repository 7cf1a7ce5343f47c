"""How many live leases reach a path: what is counted, and where."""

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.crc import key_slot

from tests.leases.counting import ALICE, BOB, HOME, HOMES, count, counts, end, keys, read_all, vend
from tests.leases.renewals import DAY, ORIGIN, token_of
from tests.support.house import open_house
from tests.support.shop import KBASE_DATA, Shop, ask, open_shop
from tests.support.valkeys import Cluster, running_cluster
from vendor.leases import reaching
from vendor.leases.reaching import Scope, scope_of
from vendor.policy.grant import Level


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


async def test_more_places_than_are_looked_at_are_not_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is on what a path overlaps, not on what there is."""
    monkeypatch.setattr(reaching, "MOST_PLACES", 3)
    for path in ("a/", "a/1/", "a/2/", "b/"):
        await vend(shop, path)

    assert await counts(shop, HOME, "a/", "a/1/", "b/") == [None, 3, 2, 1]


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
