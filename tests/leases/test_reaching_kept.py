"""What the index of leases by what they reach keeps, and for how long."""

from tests.leases.counting import count, keys, vend
from tests.leases.renewals import DAY, ORIGIN, token_of
from tests.support.shop import Shop
from vendor.leases import reaching
from vendor.leases.register import KEPT_AFTER_END


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


async def test_a_lease_from_before_the_index_is_in_it_once_it_is_renewed(shop: Shop) -> None:
    issued = await vend(shop, "a/", renewable_for=DAY)
    for name in await keys(shop):
        await shop.house.database.delete(f"{{vendor:leases:bob}}:reach{name}")
    assert await count(shop, "a/") == 0

    await shop.renewing.renew(token_of(issued), ORIGIN)

    assert await count(shop, "a/") == 1
