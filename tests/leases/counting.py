"""Leases of bob's, and how many of somebody's reach a path: as the index says, and as reading all of them says."""

from tests.support.callers import caller
from tests.support.shop import Shop, ask
from vendor.leases.lease import Issued, LeaseAsk, LeaseId
from vendor.leases.register import Kept
from vendor.names import S3Path, UserName, parse_s3_path
from vendor.policy.grant import Level

ALICE, BOB, CAROL = caller("alice"), caller("bob"), caller("carol", admin=True)
HOMES = "s3://cdm-lake/users-general-warehouse/"
HOME = HOMES + "bob/"


def for_(*paths: str, **more: object) -> LeaseAsk:
    return ask(*((HOME + path, Level.READ) for path in paths), **more)


async def vend(shop: Shop, *paths: str, **more: object) -> Issued:
    return await shop.vending.vend(BOB, for_(*paths, **more))


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
