"""Shares: who may give what to whom, and what the others then have."""

import pytest

from tests.support.callers import caller
from tests.support.house import KBASE, House
from vendor.errors import InvalidRequest, NotOwner, UnknownShare, UnknownTenant, UnknownUser
from vendor.governance.records import Target, TargetKind
from vendor.governance.state import Subject
from vendor.names import UserName, parse_s3_path
from vendor.policy.grant import Access, Level
from vendor.stewardship.shares import Offer

ALICE, BOB, CAROL, DAVE = caller("alice"), caller("bob"), caller("carol", admin=True), caller("dave")
HOME = "s3a://cdm-lake/users-general-warehouse/alice/"
TO_BOB = Target(TargetKind.USER, "bob")
TO_KBASE = Target(TargetKind.TENANT, "kbase")
TO_ALL = Target(TargetKind.EVERYONE)


def offer(path: str, *targets: Target, level: Level = Level.READ, expires_at: float | None = None) -> Offer:
    return Offer(parse_s3_path(path), targets, level, expires_at)


async def grants(house: House, name: str) -> set[tuple[str, str]]:
    standing = await house.governance.standing(Subject(UserName(name)))
    return {(grant.prefix, str(grant.level)) for grant in standing.shares}


async def test_an_owner_shares_with_a_user(house: House) -> None:
    (share,) = await house.shares.create(ALICE, offer(HOME + "data", TO_BOB))

    assert share.path.text == HOME + "data"
    assert await grants(house, "bob") == {("users-general-warehouse/alice/data/", "read")}
    assert await grants(house, "dave") == set()


async def test_sharing_again_replaces_the_level_and_the_end(house: House) -> None:
    (first,) = await house.shares.create(ALICE, offer(HOME + "data/", TO_BOB, level=Level.WRITE))
    end = house.clock.now + 60
    (second,) = await house.shares.create(ALICE, offer(HOME + "data", TO_BOB, expires_at=end))

    assert first.id == second.id
    (grant,) = (await house.governance.standing(Subject(UserName("bob")))).shares
    assert (grant.level, grant.expires_at) == (Level.READ, end)


async def test_a_share_with_a_tenant_reaches_each_member_at_the_lower_level(house: House) -> None:
    await house.users.standing(caller("erin"))
    await house.members.set(CAROL, KBASE, UserName("erin"), Access.READ_WRITE, revision=None)

    await house.shares.create(ALICE, offer(HOME + "data/", TO_KBASE, level=Level.WRITE))

    assert await grants(house, "erin") == {("users-general-warehouse/alice/data/", "write")}
    assert await grants(house, "bob") == {("users-general-warehouse/alice/data/", "read")}
    assert await grants(house, "dave") == set()


async def test_a_share_with_everyone_and_its_end(house: House) -> None:
    (share,) = await house.shares.create(ALICE, offer(HOME + "public/", TO_ALL))
    assert await grants(house, "dave") == {("users-general-warehouse/alice/public/", "read")}

    await house.shares.remove(ALICE, share.id)

    assert await grants(house, "dave") == set()
    with pytest.raises(UnknownShare):
        await house.shares.remove(ALICE, share.id)


async def test_a_steward_shares_the_paths_of_the_tenant(house: House) -> None:
    path = "s3://cdm-lake/tenant-general-warehouse/kbase/open/"
    await house.shares.create(ALICE, offer(path, Target(TargetKind.USER, "dave")))

    assert await grants(house, "dave") == {("tenant-general-warehouse/kbase/open/", "read")}
    with pytest.raises(NotOwner):
        await house.shares.create(BOB, offer(path, Target(TargetKind.USER, "dave")))


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("s3://cdm-lake/users-general-warehouse/bob/x/", id="another-home"),
        pytest.param("s3://cdm-lake/users-general-warehouse/alice-2/", id="a-sibling"),
        pytest.param("s3://cdm-lake/users-general-warehouse/", id="all-homes"),
        pytest.param("s3://cdm-lake/tenant-general-warehouse/hydro/", id="another-tenant"),
        pytest.param("s3://cdm-lake/elsewhere/x/", id="nobody's"),
        pytest.param("s3://other-bucket/users-general-warehouse/alice/", id="another-bucket"),
    ],
)
async def test_what_is_not_yours_you_cannot_share(house: House, path: str) -> None:
    with pytest.raises(NotOwner):
        await house.shares.create(ALICE, offer(path, TO_BOB))
    assert "share.created" not in await house.kinds()


async def test_an_administrator_shares_for_an_owner_and_the_record_says_so(house: House) -> None:
    await house.shares.create(CAROL, offer(HOME + "data/", TO_BOB))

    last = (await house.recorded())[-1]
    assert (last["kind"], last["as_admin"]) == ("share.created", True)


async def test_all_targets_or_none(house: House) -> None:
    with pytest.raises(UnknownUser):
        await house.shares.create(ALICE, offer(HOME + "data/", TO_BOB, Target(TargetKind.USER, "nobody")))
    with pytest.raises(UnknownTenant):
        await house.shares.create(ALICE, offer(HOME + "data/", TO_BOB, Target(TargetKind.TENANT, "nowhere")))

    assert await grants(house, "bob") == set()


async def test_senseless_shares(house: House) -> None:
    with pytest.raises(InvalidRequest):
        await house.shares.create(ALICE, offer(HOME, Target(TargetKind.USER, "alice")))
    with pytest.raises(InvalidRequest):
        await house.shares.create(ALICE, offer("s3://cdm-lake/tenant-sql-warehouse/kbase/x/", TO_KBASE))
    with pytest.raises(InvalidRequest):
        await house.shares.create(ALICE, offer(HOME, TO_BOB, expires_at=house.clock.now))


async def test_those_who_were_offered_a_share_know_it_and_others_do_not(house: House) -> None:
    (share,) = await house.shares.create(ALICE, offer(HOME + "data/", TO_BOB))

    with pytest.raises(NotOwner):
        await house.shares.remove(BOB, share.id)
    with pytest.raises(UnknownShare):
        await house.shares.remove(DAVE, share.id)
    assert await grants(house, "bob") != set()


async def test_the_list_has_pages(house: House) -> None:
    for number in range(5):
        await house.shares.create(ALICE, offer(f"{HOME}d{number}/", TO_BOB))

    first = await house.reach.given(ALICE, None, "", 3)
    assert first.following is not None
    second = await house.reach.given(ALICE, None, first.following, 3)

    assert [share.path.text for share in first.shares + second.shares] == [f"{HOME}d{n}/" for n in range(5)]
    assert second.following is None
    with pytest.raises(NotOwner):
        await house.reach.given(BOB, TO_KBASE, "", 3)
