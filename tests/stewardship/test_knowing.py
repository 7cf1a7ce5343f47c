"""How people become known, what is learned of them, and what becomes of those who are disabled or deleted."""

from dataclasses import replace

import pytest

from tests.support.callers import caller
from tests.support.house import KBASE, House
from vendor.errors import Conflict, InvalidRequest, LastSteward, RoleRequired, StaleRevision, UnknownUser
from vendor.governance.records import Target, TargetKind
from vendor.governance.state import Subject
from vendor.identity.principal import ActsFor, PrincipalKind
from vendor.names import TenantName, UserName, parse_s3_path
from vendor.policy.grant import Access, Level
from vendor.stewardship import removal
from vendor.stewardship.caller import Caller
from vendor.stewardship.desk import Desk, Joins
from vendor.stewardship.shares import Offer
from vendor.stewardship.tenants import Metadata
from vendor.stewardship.users import Users

ALICE, BOB, CAROL, DAVE = caller("alice"), caller("bob"), caller("carol", admin=True), caller("dave")
HOME = "s3a://cdm-lake/users-general-warehouse/alice/"


def with_principal(who: Caller, **changes: object) -> Caller:
    return replace(who, principal=replace(who.principal, **changes))  # type: ignore[arg-type] # tests name real fields


def joining(house: House, tenant: str = "kbase", access: Access = Access.READ_ONLY) -> Users:
    return Users(Desk(house.governance, house.clock, Joins(TenantName(tenant), access)))


async def test_people_join_the_default_tenant_at_their_first_sign_in(house: House) -> None:
    users = joining(house)

    standing = await users.standing(caller("erin"))

    assert standing.tenants == {KBASE: Access.READ_ONLY}
    assert (await house.tenants.view(CAROL, KBASE)).members["erin"] is Access.READ_ONLY
    assert (await house.kinds())[-2:] == ["user.created", "tenant.member_set"]
    await house.members.remove(CAROL, KBASE, UserName("erin"), revision=None)
    assert (await users.standing(caller("erin"))).tenants == {}  # only the first time


async def test_who_is_made_known_before_joins_then(house: House) -> None:
    await joining(house).create(CAROL, UserName("erin"), None, None)

    assert (await house.users.standing(caller("erin"))).tenants == {KBASE: Access.READ_ONLY}


async def test_a_default_tenant_that_does_not_exist_keeps_nobody_out(house: House) -> None:
    standing = await joining(house, "nowhere").standing(caller("erin"))

    assert standing.user is not None
    assert standing.tenants == {}


async def test_workloads_do_not_join(house: House) -> None:
    robot = with_principal(caller("robot"), kind=PrincipalKind.WORKLOAD, has_home=False)

    assert (await joining(house).standing(robot)).tenants == {}


async def test_what_a_token_says_is_kept_where_nothing_was_known(house: House) -> None:
    await house.users.create(CAROL, UserName("erin"), None, "erin@example.org")
    erin = with_principal(caller("erin"), display_name="Erin\u0007 E.", email="other@example.org")

    standing = await house.users.standing(erin)

    assert standing.user is not None
    assert (standing.user.display_name, standing.user.email) == ("Erin E.", "erin@example.org")
    before = len(await house.kinds())
    await house.users.standing(with_principal(erin, display_name="Somebody Else"))
    assert len(await house.kinds()) == before


async def test_an_address_that_is_none_is_not_kept(house: House) -> None:
    standing = await house.users.standing(with_principal(caller("erin"), email="no address", display_name=" \n"))

    assert standing.user is not None
    assert (standing.user.display_name, standing.user.email) == (None, None)


async def test_a_disabled_user_is_refused_everywhere_and_enabled_again(house: House) -> None:
    await house.users.patch(CAROL, UserName("alice"), {"disabled": True}, revision=None)

    for attempt in (
        house.members.set(ALICE, KBASE, UserName("dave"), Access.READ_ONLY, revision=None),
        house.shares.create(ALICE, Offer(parse_s3_path(HOME + "x"), (Target(TargetKind.USER, "bob"),), Level.READ)),
        house.tenants.view(ALICE, KBASE),
        house.reach.given(ALICE, None, "", 10),
    ):
        with pytest.raises(RoleRequired, match="disabled"):
            await attempt
    await house.users.patch(CAROL, UserName("alice"), {"disabled": False}, revision=None)
    assert (await house.tenants.view(ALICE, KBASE)).tenant.name == "kbase"


async def test_a_change_loses_against_being_disabled_meanwhile(house: House) -> None:
    """The caller is looked at when the change is decided, and again when it is made."""
    real = house.governance.commit
    done: list[bool] = []

    async def disabled_first(change: object, events: object) -> object:
        if not done:
            done.append(True)
            await house.users.patch(CAROL, UserName("alice"), {"disabled": True}, revision=None)
        return await real(change, events)  # type: ignore[arg-type] # passed on as it came

    house.governance.commit = disabled_first  # type: ignore[method-assign,assignment] # a race, made to happen
    with pytest.raises(RoleRequired, match="disabled"):
        await house.members.set(ALICE, KBASE, UserName("dave"), Access.READ_ONLY, revision=None)
    house.governance.commit = real  # type: ignore[method-assign] # as it was
    assert "dave" not in (await house.tenants.view(CAROL, KBASE)).members


async def test_who_acts_for_a_tenant_governs_nothing(house: House) -> None:
    robot = with_principal(ALICE, acts_for=ActsFor(KBASE, Access.READ_WRITE))

    with pytest.raises(RoleRequired):
        await house.members.set(robot, KBASE, UserName("dave"), Access.READ_ONLY, revision=None)
    offer = Offer(parse_s3_path(HOME + "x"), (Target(TargetKind.USER, "bob"),), Level.READ)
    with pytest.raises(Exception, match="owner"):
        await house.shares.create(robot, offer)


async def test_changing_a_user(house: House) -> None:
    before = await house.users.view(CAROL, UserName("bob"))

    changed = await house.users.patch(
        CAROL, UserName("bob"), {"display_name": "Bob", "email": "bob@example.org"}, revision=before.revision
    )

    assert (changed.display_name, changed.email, changed.disabled) == ("Bob", "bob@example.org", False)
    with pytest.raises(StaleRevision):
        await house.users.patch(CAROL, UserName("bob"), {"display_name": None}, revision=before.revision)
    assert (await house.users.patch(CAROL, UserName("bob"), {"email": None}, revision=None)).email is None
    with pytest.raises(InvalidRequest):
        await house.users.patch(CAROL, UserName("bob"), {"display_name": "a\nb"}, revision=None)
    with pytest.raises(Conflict):
        await house.users.patch(CAROL, UserName("carol"), {"disabled": True}, revision=None)


async def test_lists_of_users(house: House) -> None:
    _, first = await house.users.listed(CAROL, "", 3)
    _, rest = await house.users.listed(CAROL, first[-1].name, 3)

    assert [user.name for user in first + rest] == ["alice", "bob", "carol", "dave"]
    total, second_page = await house.users.numbered(CAROL, 2, 2)
    assert (total, [user.name for user in second_page]) == (4, ["carol", "dave"])
    assert await house.users.names(CAROL, "bob", 10) == ["carol", "dave"]
    belonging = await house.users.belonging(ALICE, UserName("alice"))
    assert (belonging.memberships, belonging.stewardships) == ({KBASE: Access.READ_WRITE}, (KBASE,))
    with pytest.raises(UnknownUser):
        await house.users.belonging(BOB, UserName("alice"))


async def furnish(house: House) -> None:
    """Give alice something of everything."""
    data = parse_s3_path(HOME + "data/")
    both = (Target(TargetKind.USER, "bob"), Target(TargetKind.TENANT, "kbase"))
    await house.shares.create(ALICE, Offer(data, both, Level.WRITE))
    bobs = parse_s3_path("s3a://cdm-lake/users-sql-warehouse/bob/x/")
    await house.shares.create(BOB, Offer(bobs, (Target(TargetKind.USER, "alice"),), Level.READ))
    open_folder = parse_s3_path("s3a://cdm-lake/tenant-general-warehouse/kbase/open/")
    await house.shares.create(CAROL, Offer(open_folder, (Target(TargetKind.USER, "dave"),), Level.READ))


async def keys_about(house: House, name: str) -> list[str]:
    keys = [key async for key in house.database._client.scan_iter("*")]
    found = [key for key in keys if f":{name}" in key]
    for key in keys:
        kind = await house.database._client.type(key)
        if kind == "hash":
            content = str(await house.database._client.hgetall(key))
        elif kind == "zset":
            content = str(await house.database._client.zrange(key, 0, -1))
        else:
            continue
        found += [key] if name in content and not key.endswith(":rev") else []
    return found


@pytest.mark.parametrize("at_once", [1000, 2, 1])
async def test_a_deleted_user_leaves_nothing(house: House, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    await furnish(house)
    monkeypatch.setattr(removal, "AT_ONCE", at_once)
    with pytest.raises(LastSteward):
        await house.removal.of_user(CAROL, UserName("alice"), force=False, revision=None)

    user = await house.users.view(CAROL, UserName("alice"))
    await house.removal.of_user(CAROL, UserName("alice"), force=True, revision=user.revision)

    assert await keys_about(house, "alice") == []
    assert (await house.governance.standing(Subject(UserName("bob")))).shares == ()
    view = await house.tenants.view(CAROL, KBASE)
    assert (set(view.members), view.stewards) == ({"bob"}, {})
    kinds = await house.kinds()
    assert kinds[-1] == "user.deleted"
    assert kinds.count("share.removed") == 3
    assert kinds.count("tenant.member_removed") == 1
    assert kinds.count("tenant.steward_removed") == 1
    with pytest.raises(UnknownUser):
        await house.removal.of_user(CAROL, UserName("alice"), force=True, revision=None)


@pytest.mark.parametrize("at_once", [1000, 2, 1])
async def test_a_deleted_tenant_leaves_nothing(house: House, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    await furnish(house)
    monkeypatch.setattr(removal, "AT_ONCE", at_once)

    revision = (await house.tenants.view(CAROL, KBASE)).tenant.revision
    await house.removal.of_tenant(CAROL, KBASE, revision=revision)

    assert await keys_about(house, "kbase") == []
    assert (await house.governance.standing(Subject(UserName("alice")))).tenants == {}
    assert (await house.governance.standing(Subject(UserName("dave")))).shares == ()
    kinds = await house.kinds()
    assert kinds[-1] == "tenant.deleted"
    assert kinds.count("share.removed") == 2
    again, created = await house.tenants.put(CAROL, KBASE, Metadata(), revision=None)
    assert (created, again.members, again.stewards) == (True, {}, {})


async def test_what_comes_to_a_user_while_they_are_deleted_goes_with_them(house: House) -> None:
    real = house.governance.commit
    done: list[bool] = []

    async def shared_first(change: object, events: object) -> object:
        if not done:
            done.append(True)
            bobs = parse_s3_path("s3a://cdm-lake/users-sql-warehouse/bob/late/")
            await house.shares.create(BOB, Offer(bobs, (Target(TargetKind.USER, "dave"),), Level.READ))
        return await real(change, events)  # type: ignore[arg-type] # passed on as it came

    house.governance.commit = shared_first  # type: ignore[method-assign,assignment] # a race, made to happen
    await house.removal.of_user(CAROL, UserName("dave"), force=False, revision=None)

    assert await keys_about(house, "dave") == []
    assert (await house.reach.given(BOB, None, "", 10)).shares == []


async def test_only_administrators_delete(house: House) -> None:
    for attempt in (
        house.removal.of_user(ALICE, UserName("bob"), force=True, revision=None),
        house.removal.of_user(DAVE, UserName("dave"), force=True, revision=None),
        house.removal.of_tenant(ALICE, KBASE, revision=None),
    ):
        with pytest.raises(RoleRequired):
            await attempt
