"""Lease sets and ceilings: few documents, each within its limit, and what is used together stays together."""

import itertools
import json
import random

import pytest

from vendor.errors import NothingGranted, PolicyTooLarge
from vendor.names import TenantName, UserName, parse_bucket, parse_prefix
from vendor.policy.access import AccessTable
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.layout import Layout
from vendor.policy.packing import Item, items_of, pack
from vendor.policy.planner import CEILING_LIMIT, plan_ceilings, plan_lease_set, plan_session_policy, policy_for
from vendor.policy.scope import minimal
from vendor.policy.weight import Scale, own_bytes


def share(number: int, prefix: str, level: Level = Level.READ, bucket: str = "lake") -> Grant:
    return Grant(parse_bucket(bucket), parse_prefix(prefix), level, Source(f"share:s_{number}"), with_key=True)


def of_tenants(layout: Layout, count: int, level: Level = Level.WRITE) -> list[Grant]:
    names = (TenantName(f"tenant{number:03}") for number in range(count))
    return [grant for name in names for grant in layout.tenant_grants(name, level)]


def some_grants(seed: int, count: int) -> list[Grant]:
    chance = random.Random(seed)
    folders = ["a", "bb", "ccc", 'q"', "ü", "<&>", "long-name-of-a-folder"]
    return [
        share(
            number % 7,
            "/".join(chance.choices(folders, k=chance.randint(1, 4))) + f"/{number}",
            chance.choice(list(Level)),
            chance.choice(["lake", "data"]),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("deny_admin", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_the_scale_tells_what_a_document_really_weighs(access: AccessTable, seed: int, deny_admin: bool) -> None:
    grants = some_grants(seed, 1 + seed)
    scale = Scale(access, deny_admin=deny_admin)

    assert scale.total(scale.strings(grants)) == policy_for(grants, access, deny_admin=deny_admin).bytes


@pytest.mark.parametrize("bucket_actions", [(), ("s3:GetBucketLocation",)])
def test_a_grant_by_itself_weighs_the_same_either_way(access: AccessTable, bucket_actions: tuple[str, ...]) -> None:
    scale = Scale(AccessTable(access.listing, access.read, access.write, bucket_actions))

    for grant in [*some_grants(3, 40), Grant(parse_bucket("lake"), parse_prefix("a&b"), Level.WRITE, Source("home"))]:
        assert scale.own(grant) == scale.strings([grant])
        assert own_bytes(grant) == sum(scale.own(grant).values())


def test_the_scale_counts_bucket_actions_too(access: AccessTable) -> None:
    wordy = AccessTable(access.listing, access.read, access.write, bucket=("s3:GetBucketLocation",))
    grants = some_grants(1, 9)
    scale = Scale(wordy)

    assert scale.total(scale.strings(grants)) == policy_for(grants, wordy).bytes


def test_twenty_tenants_take_three_leases(access: AccessTable, layout: Layout) -> None:
    grants = of_tenants(layout, 20)

    parts = plan_lease_set(grants, access, 2048)

    assert len(parts) <= 3
    assert all(part.policy.bytes <= 2048 for part in parts)
    assert sorted(grant for part in parts for grant in part.grants) == sorted(grants)
    assert all(part.policy == plan_session_policy(part.grants, access, 2048) for part in parts)


def test_a_tenants_folders_stay_in_one_lease(access: AccessTable, layout: Layout) -> None:
    grants = [*layout.home_grants(UserName("alice")), *of_tenants(layout, 20)]

    for part in plan_lease_set(grants, access, 2048):
        for source in {grant.source for grant in part.grants}:
            assert sum(grant.source == source for grant in part.grants) == 2


def test_nested_grants_stay_together(access: AccessTable) -> None:
    grants = [share(number, f"{'x' * 40}{number}/") for number in range(20)]
    grants += [share(100 + number, f"{'x' * 40}{number}/inner/", Level.WRITE) for number in range(20)]

    for part in plan_lease_set(grants, access, 2048):
        outer = {grant.prefix for grant in part.grants if grant.level is Level.READ}
        assert {grant.prefix.removesuffix("inner/") for grant in part.grants} == outer


def test_what_fits_one_document_is_not_divided(access: AccessTable, layout: Layout) -> None:
    grants = of_tenants(layout, 6)

    (part,) = plan_lease_set(grants, access, 2048)

    assert part.policy == plan_session_policy(grants, access, 2048)


def test_a_group_too_large_for_one_document_is_divided(access: AccessTable) -> None:
    grants = [
        Grant(parse_bucket("lake"), parse_prefix(f"{number}/" * 20), Level.WRITE, Source("home"))
        for number in range(60)
    ]

    parts = plan_lease_set(grants, access, 2048)

    assert sorted(grant for part in parts for grant in part.grants) == sorted(minimal(grants))
    assert all(part.policy.bytes <= 2048 for part in parts)


def test_a_single_grant_that_fits_nowhere_is_refused(access: AccessTable) -> None:
    with pytest.raises(PolicyTooLarge) as refused:
        plan_lease_set([share(1, "a/"), share(2, "x" * 1000)], access, 2048)

    assert refused.value.details["split_possible"] is False
    assert refused.value.details["drop_count"] == 1


def test_nothing_is_never_a_lease(access: AccessTable) -> None:
    with pytest.raises(NothingGranted):
        plan_lease_set([], access, 2048)
    with pytest.raises(NothingGranted):
        plan_ceilings([], access)


def test_a_hundred_tenants_and_five_hundred_shares_fit_ceilings(access: AccessTable, layout: Layout) -> None:
    grants = [*layout.home_grants(UserName("alice")), *of_tenants(layout, 100)]
    grants += [
        share(number, f"users-general-warehouse/user{number:04}/out/", bucket="cdm-lake") for number in range(500)
    ]

    parts = plan_ceilings(grants, access, deny_admin=True)

    assert len(parts) <= 6
    for part in parts:
        assert part.policy.bytes <= CEILING_LIMIT
        assert json.loads(part.policy.text)["Statement"][0] == {"Effect": "Deny", "Action": ["admin:*"]}
    assert sorted(grant for part in parts for grant in part.grants) == sorted(grants)


def test_the_refusal_names_the_fewest_to_drop(access: AccessTable, layout: Layout) -> None:
    grants = of_tenants(layout, 12)

    with pytest.raises(PolicyTooLarge) as refused:
        plan_session_policy(grants, access, 2048)

    count = refused.value.details["drop_count"]
    dropped = refused.value.details["drop"]
    assert isinstance(count, int)
    assert isinstance(dropped, list)
    paths = {entry["path"] for entry in dropped}
    assert len(paths) == count
    rest = [grant for grant in grants if f"s3://{grant.bucket}/{grant.prefix}" not in paths]
    assert policy_for(rest, access).bytes <= 2048
    assert all(
        policy_for([grant for grant in grants if grant not in fewer], access).bytes > 2048
        for fewer in itertools.islice(itertools.combinations(grants, count - 1), 2000)
    )


@pytest.mark.parametrize("seed", range(12))
def test_no_smaller_number_of_documents_would_do(access: AccessTable, seed: int) -> None:
    scale = Scale(access)
    limit = 700
    chance = random.Random(seed)
    grants = [share(number, f"{number}{'x' * chance.randint(5, 60)}/") for number in range(7)]
    items = items_of(minimal(grants), scale, limit)

    packed = pack(items, scale, limit)

    assert not any(_fits_in(items, count, scale, limit) for count in range(1, len(packed)))


def _fits_in(items: list[Item], count: int, scale: Scale, limit: int) -> bool:
    """Try every way to put `items` into `count` documents."""
    for places in itertools.product(range(count), repeat=len(items)):
        chosen = [[item for item, place in zip(items, places, strict=True) if place == one] for one in range(count)]
        sizes = (scale.total(scale.strings(grant for item in one for grant in item.grants)) for one in chosen if one)
        if all(size <= limit for size in sizes):
            return True
    return False
