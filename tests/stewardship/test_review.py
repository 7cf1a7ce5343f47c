"""Reviewing a tenant's access: what is, what was, and what was made use of."""

import time

import pytest

from tests.support.callers import caller
from tests.support.house import KBASE, House
from tests.support.shop import KBASE_DATA, ask, open_shop
from vendor.audit.index import Indexer
from vendor.audit.log import AuditLog
from vendor.audit.reader import Reader
from vendor.errors import InvalidRequest, NotSteward, UnknownTenant
from vendor.governance.change import Change
from vendor.governance.edits import change_user
from vendor.governance.records import Target, TargetKind
from vendor.names import UserName, parse_s3_path
from vendor.policy.grant import Access, Level
from vendor.stewardship.review import Review, Row
from vendor.stewardship.shares import Offer
from vendor.times import rfc3339

DAVE = Target(TargetKind.USER, "dave")


async def reviewed(house: House, name: str = "alice", back: float = 3600, *, admin: bool = False) -> list[Row]:
    log = AuditLog(house.database, "{vendor}:audit")
    await Indexer(log).catch_up()
    review = Review(house.desk, house.reach, Reader(log), house.trail)
    return await review.of(caller(name, admin=admin), KBASE, house.clock() - back)


@pytest.fixture
async def today(house: House) -> House:
    """The log counts use by the day that it took an event, so the clock shows the present, and people are known."""
    house.clock.now = time.time()
    change = Change()
    for name in ("alice", "bob"):
        change_user(change, UserName(name), {"first_seen": rfc3339(house.clock.now - 7200)})
    assert await house.governance.commit(change, []) is not None
    return house


async def test_who_has_access_and_who_used_it(today: House) -> None:
    house, carol = today, caller("carol", admin=True)
    shop = open_shop(house)
    share, unused = [
        (await house.shares.create(caller("alice"), Offer(parse_s3_path(path), (DAVE,), Level.WRITE)))[0]
        for path in (KBASE_DATA, KBASE_DATA + "more/")
    ]
    for _ in range(2):
        await shop.vending.vend(caller("bob"), ask())
    await shop.vending.vend(caller("dave"), ask((KBASE_DATA, Level.READ)))
    await house.users.standing(caller("eve"))
    await house.members.set(carol, KBASE, UserName("eve"), Access.READ_ONLY, revision=None)
    await house.members.remove(carol, KBASE, UserName("eve"), revision=None)
    await house.shares.remove(caller("alice"), unused.id)

    rows = {(row.who, row.through): row for row in await reviewed(house)}

    assert rows["alice", "member"].finding == "never used"
    bob = rows["bob", "member"]
    assert (bob.leases, bob.writing, bob.finding, bob.access) == (2, 0, "", "read_only")
    assert bob.last_used == time.strftime("%Y-%m-%d", time.gmtime())
    shared = rows["user:dave", f"share:{share.id}"]
    assert (shared.leases, shared.finding) == (1, "write never used")
    assert shared.begun is not None
    assert rows["eve", "member"].until is not None
    assert rows["user:dave", f"share:{unused.id}"].until is not None
    assert "audit.reviewed" in await house.kinds()


async def test_who_may_review(today: House) -> None:
    assert await reviewed(today, "carol", admin=True)
    with pytest.raises(NotSteward):
        await reviewed(today, "bob")
    with pytest.raises(UnknownTenant):
        await reviewed(today, "dave")


@pytest.mark.parametrize("back", [-10.0, 801 * 86_400.0])
async def test_the_time_has_limits(today: House, back: float) -> None:
    with pytest.raises(InvalidRequest):
        await reviewed(today, back=back)


async def test_use_by_a_former_owner_of_a_name_is_not_the_present_owner_s(today: House) -> None:
    """The former member's keys were given today; the new one of that name comes tomorrow."""
    house, carol, bob = today, caller("carol", admin=True), UserName("bob")
    await open_shop(house).vending.vend(caller("bob"), ask())
    await house.removal.of_user(carol, bob, force=True, revision=None)
    house.clock.now += 86_400
    await house.users.standing(caller("bob"))
    await house.members.set(carol, KBASE, bob, Access.READ_ONLY, revision=None)

    rows = await reviewed(house, back=2 * 86_400)

    assert [(row.leases, row.finding) for row in rows if row.who == "bob" and row.until is None] == [(0, "never used")]
    assert [row.leases for row in rows if row.who == "bob" and row.until is not None] == [1]
