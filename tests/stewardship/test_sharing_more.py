"""Shares with several at once, by path, with everyone; who reaches a path; and how far a steward may go."""

from collections.abc import Callable

import pytest

from tests.support.callers import caller
from tests.support.house import KBASE, House
from vendor.errors import Conflict, NotOwner, NotSteward, UnknownShare, UnknownTenant, UnknownUser
from vendor.governance.records import Target, TargetKind
from vendor.governance.state import Subject
from vendor.names import TenantName, UserName, parse_s3_path
from vendor.policy.grant import Access, Level
from vendor.stewardship import sharing
from vendor.stewardship.shares import EVERYONE, Offer
from vendor.stewardship.tenants import Metadata

ALICE, BOB, CAROL, DAVE = caller("alice"), caller("bob"), caller("carol", admin=True), caller("dave")
HOME = "s3a://cdm-lake/users-general-warehouse/alice/"
KBASE_OPEN = "s3a://cdm-lake/tenant-general-warehouse/kbase/open/"
TO_BOB, TO_DAVE = Target(TargetKind.USER, "bob"), Target(TargetKind.USER, "dave")
TO_KBASE, TO_HYDRO = Target(TargetKind.TENANT, "kbase"), Target(TargetKind.TENANT, "hydro")
NOBODY, NOWHERE = Target(TargetKind.USER, "nobody"), Target(TargetKind.TENANT, "nowhere")


def offer(path: str, *targets: Target, level: Level = Level.READ, expires_at: float | None = None) -> Offer:
    return Offer(parse_s3_path(path), targets, level, expires_at)


async def reaching(house: House, path: str) -> set[str]:
    found = await house.reach.of(ALICE, parse_s3_path(path))
    return {str(share.target) for share in found.shares}


async def test_each_target_has_an_outcome_of_its_own(house: House) -> None:
    outcomes = await house.shares.create_each(ALICE, offer(HOME + "x", TO_BOB, NOBODY, TO_KBASE, NOWHERE, TO_BOB))

    assert [(str(one.target), type(one.refusal)) for one in outcomes] == [
        ("user:bob", type(None)),
        ("user:nobody", UnknownUser),
        ("tenant:kbase", type(None)),
        ("tenant:nowhere", UnknownTenant),
    ]
    made = [one.share for one in outcomes if one.share is not None]
    assert {share.revision for share in made} == {made[0].revision}
    assert made[0].revision > 0
    assert (await house.kinds())[-1] == "share.created"
    assert await reaching(house, HOME + "x") == {"user:bob", "tenant:kbase"}
    with pytest.raises(NotOwner):
        await house.shares.create_each(BOB, offer(HOME + "x", TO_BOB))


async def test_sharing_the_same_again_changes_nothing(house: House) -> None:
    (first,) = await house.shares.create(ALICE, offer(HOME + "x", TO_BOB))
    before = await house.kinds()

    (again,) = await house.shares.create(ALICE, offer(HOME + "x", TO_BOB))

    assert again == first
    assert await house.kinds() == before


async def test_taken_back_by_path_and_target(house: House) -> None:
    await house.shares.create(ALICE, offer(HOME + "x", TO_BOB, TO_KBASE))
    other_scheme = parse_s3_path(HOME.replace("s3a", "s3") + "x/")

    gone = await house.shares.remove_from(ALICE, other_scheme, [TO_BOB, TO_DAVE, NOBODY])

    assert gone == [TO_BOB]
    assert await house.shares.remove_from(ALICE, other_scheme, [TO_BOB]) == []
    assert await reaching(house, HOME + "x") == {"tenant:kbase"}
    with pytest.raises(NotOwner):
        await house.shares.remove_from(BOB, other_scheme, [TO_KBASE])


async def test_public_is_for_reading_and_private_is_of_exactly_this_path(house: House) -> None:
    path = parse_s3_path(HOME + "a/b")
    share = await house.shares.make_public(ALICE, path)
    assert (share.target, share.level) == (EVERYONE, Level.READ)
    await house.shares.create(ALICE, offer(HOME + "a/b", TO_BOB, TO_KBASE, level=Level.WRITE))
    await house.shares.create(ALICE, offer(HOME + "a", TO_DAVE))
    await house.shares.create(ALICE, offer(HOME + "a/bc", TO_DAVE))
    await house.shares.create(ALICE, offer(HOME + "a/b/c", TO_DAVE))

    gone = await house.shares.make_private(ALICE, path)

    assert set(gone) == {EVERYONE, TO_BOB, TO_KBASE}
    assert await reaching(house, HOME + "a/b") == {"user:dave"}  # through the folder above
    assert len((await house.reach.given(ALICE, None, "", 10)).shares) == 3
    assert await house.shares.make_private(ALICE, path) == []


async def test_who_reaches_a_path(house: House) -> None:
    for path, target in [
        ("exp1", TO_BOB), ("exp10", TO_DAVE), ("exp1/deep/er", TO_KBASE), ("exp1/deep", EVERYONE),
    ]:  # fmt: skip
        await house.shares.create(ALICE, offer(HOME + path, target))

    found = await house.reach.of(ALICE, parse_s3_path(HOME + "exp1/deep/"), below=10)

    assert found.owner == Target(TargetKind.USER, "alice")
    assert [str(share.target) for share in found.shares] == ["user:bob", "everyone"]
    assert [str(share.target) for share in found.below] == ["tenant:kbase"]
    whole = await house.reach.of(CAROL, parse_s3_path(HOME), below=3)
    assert (whole.shares, len(whole.below)) == ([], 3)
    for stranger in (BOB, DAVE):
        with pytest.raises(NotOwner):
            await house.reach.of(stranger, parse_s3_path(HOME + "exp1"))
    assert (await house.reach.of(ALICE, parse_s3_path(KBASE_OPEN))).owner == TO_KBASE
    with pytest.raises(NotOwner):
        await house.reach.of(BOB, parse_s3_path(KBASE_OPEN))  # a member is no steward


async def test_an_expired_share_stops_counting_at_once(house: House) -> None:
    end = house.clock.now + 60
    await house.shares.create(ALICE, offer(HOME + "x", TO_BOB, expires_at=end + 0.7))
    assert await reaching(house, HOME + "x") == {"user:bob"}

    house.clock.now = end

    assert await reaching(house, HOME + "x") == set()
    (grant,) = (await house.governance.standing(Subject(UserName("bob")))).shares
    assert grant.expires_at == end  # who leases looks at it
    assert len((await house.reach.given(ALICE, None, "", 10)).shares) == 1  # and its owner still sees it


async def test_lists(house: House) -> None:
    await house.shares.create(ALICE, offer(HOME + "x", TO_BOB, TO_KBASE, EVERYONE))
    await house.shares.create(ALICE, offer(HOME + "x/y", TO_BOB))

    at = await house.reach.at(ALICE, parse_s3_path(HOME + "x"), "", 2)
    assert at.following is not None
    rest = await house.reach.at(ALICE, parse_s3_path(HOME + "x"), at.following, 2)
    assert {share.target for share in at.shares + rest.shares} == {TO_BOB, TO_KBASE, EVERYONE}
    assert rest.following is None

    mine = await house.reach.received(BOB, TO_BOB, "", 1)
    assert mine.following is not None
    others = await house.reach.received(BOB, TO_BOB, mine.following, 5)
    assert {share.path.text for share in mine.shares + others.shares} == {HOME + "x", HOME + "x/y"}
    assert len((await house.reach.received(BOB, TO_KBASE, "", 5)).shares) == 1
    assert len((await house.reach.received(DAVE, EVERYONE, "", 5)).shares) == 1
    with pytest.raises(UnknownTenant):
        await house.reach.received(DAVE, TO_KBASE, "", 5)
    with pytest.raises(UnknownUser):
        await house.reach.received(DAVE, TO_BOB, "", 5)


async def test_one_share_is_shown_to_those_it_concerns(house: House) -> None:
    for_kbase, for_all = await house.shares.create(ALICE, offer(HOME + "x", TO_KBASE, EVERYONE))

    for who in (ALICE, BOB, CAROL):
        assert await house.reach.one(who, for_kbase.id) == for_kbase
    assert await house.reach.one(DAVE, for_all.id) == for_all
    with pytest.raises(UnknownShare):
        await house.reach.one(DAVE, for_kbase.id)


@pytest.mark.parametrize(
    ("own", "there", "target", "level", "allowed"),
    [
        pytest.param("read_write", None, TO_DAVE, Level.WRITE, True, id="to-another"),
        pytest.param("read_only", None, TO_DAVE, Level.WRITE, True, id="more-than-one-has-to-another"),
        pytest.param("read_only", None, EVERYONE, Level.READ, True, id="everyone-what-one-has"),
        pytest.param("read_only", None, EVERYONE, Level.WRITE, False, id="everyone-more-than-one-has"),
        pytest.param(None, None, EVERYONE, Level.READ, False, id="everyone-what-one-has-not"),
        pytest.param("read_only", "read_write", TO_HYDRO, Level.WRITE, False, id="own-other-tenant"),
        pytest.param("read_only", "read_only", TO_HYDRO, Level.WRITE, True, id="other-tenant-where-one-reads"),
        pytest.param(None, "read_only", TO_HYDRO, Level.READ, False, id="from-outside-through-another"),
        pytest.param("read_only", None, TO_HYDRO, Level.WRITE, True, id="tenant-one-is-not-in"),
        pytest.param("read_write", "read_write", TO_HYDRO, Level.WRITE, True, id="no-more-than-one-has"),
    ],
)
async def test_a_steward_does_not_raise_themself_by_sharing(
    house: House, own: str | None, there: str | None, target: Target, level: Level, allowed: bool
) -> None:
    await house.tenants.put(CAROL, TenantName("hydro"), Metadata(), revision=None)
    await house.members.remove(CAROL, KBASE, UserName("alice"), revision=None)
    for tenant, access in ((KBASE, own), (TenantName("hydro"), there)):
        if access is not None:
            await house.members.set(CAROL, tenant, UserName("alice"), Access(access), revision=None)

    if allowed:
        await house.shares.create(ALICE, offer(KBASE_OPEN, target, level=level))
        return
    with pytest.raises(NotSteward):
        await house.shares.create(ALICE, offer(KBASE_OPEN, target, level=level))
    assert "share.created" not in await house.kinds()


@pytest.mark.parametrize(
    ("limit", "target", "path"),
    [
        pytest.param("MOST_BY_ONE", lambda _: TO_BOB, lambda n: HOME + f"p{n}", id="by-one"),
        pytest.param("MOST_WITH_ONE", lambda _: TO_DAVE, lambda n: HOME + f"p{n}", id="with-one"),
        pytest.param("MOST_WITH_EVERYONE", lambda _: EVERYONE, lambda n: HOME + f"p{n}", id="with-everyone"),
    ],
)
async def test_there_is_room_for_so_many(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    target: Callable[[int], Target],
    path: Callable[[int], str],
) -> None:
    monkeypatch.setattr(sharing, limit, 3)
    for number in range(3):
        await house.shares.create(ALICE, offer(path(number), target(number)))

    with pytest.raises(Conflict, match="room"):
        await house.shares.create(ALICE, offer(path(3), target(3)))
    await house.shares.create(ALICE, offer(path(0), target(0), level=Level.WRITE))  # one that is there is replaced


async def test_the_home_of_nobody_and_the_folders_of_no_tenant_are_not_shared(house: House) -> None:
    with pytest.raises(UnknownUser):
        await house.shares.create(CAROL, offer(HOME.replace("alice", "zed") + "x", TO_BOB))
    with pytest.raises(UnknownTenant):
        await house.shares.create(CAROL, offer(KBASE_OPEN.replace("kbase", "nowhere"), TO_BOB))
