"""Governance on a real cluster and behind a real sentinel: the same steps, and what a failover leaves."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.callers import caller
from tests.support.house import KBASE, House, open_house
from tests.support.valkeys import Cluster, Watched, running_cluster, running_sentinel
from vendor.database import Database
from vendor.errors import StateUnavailable
from vendor.governance.records import Target, TargetKind
from vendor.governance.state import Subject
from vendor.names import UserName, parse_s3_path
from vendor.policy.grant import Access, Level
from vendor.secret import Secret
from vendor.stewardship.shares import Offer
from vendor.stewardship.tenant import TenantView

ALICE, CAROL = caller("alice"), caller("carol", admin=True)
OFFER = Offer(
    parse_s3_path("s3a://cdm-lake/users-general-warehouse/alice/data/"),
    (Target(TargetKind.USER, "bob"), Target(TargetKind.TENANT, "kbase"), Target(TargetKind.EVERYONE)),
    Level.READ,
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as running:
        yield running


@pytest.fixture
def watched() -> Iterator[Watched]:
    with running_sentinel() as running:
        yield running


@pytest.fixture
async def clustered(cluster: Cluster) -> AsyncIterator[House]:
    for node in cluster.nodes:
        node.ask("FLUSHALL")
        node.ask("SCRIPT", "FLUSH")
    async with open_house(cluster.url) as house:
        yield house


async def test_a_cluster_takes_every_step(clustered: House) -> None:
    house = clustered
    await house.database.ping()
    await house.shares.create(ALICE, OFFER)
    await house.members.remove(ALICE, KBASE, UserName("bob"), revision=None)

    standing = await house.governance.standing(Subject(UserName("bob")))

    assert standing.tenants == {}
    assert len(standing.shares) == 2  # their own, and everyone's
    assert await house.governance.record(standing, '{"kind":"vend.issued"}') is None
    assert (await house.kinds())[-3:] == ["share.created", "tenant.member_removed", "vend.issued"]


async def test_what_is_no_governance_spreads_over_the_cluster(clustered: House, cluster: Cluster) -> None:
    names = [f"vendor:lease:l_{number}" for number in range(30)]
    for name in names:
        await clustered.database.put_hash(name, {"principal": "alice"}, expires_at=int(time.time()) + 60)

    found = await clustered.database.get_hashes(names)

    assert found == [{"principal": "alice"}] * 30
    assert all(node.ask("DBSIZE") > 0 for node in cluster.nodes)
    await clustered.database.delete(names[0])
    assert await clustered.database.get_hash(names[0]) == {}
    assert await clustered.database.acquire("vendor:cooldown:x", 5)
    assert not await clustered.database.acquire("vendor:cooldown:x", 5)


async def test_one_lost_primary_of_a_cluster_is_not_well(cluster: Cluster) -> None:
    database = Database.open(Secret(cluster.url))
    await database.ping()
    frozen = cluster.nodes[2].child
    frozen.freeze()
    try:
        with pytest.raises(StateUnavailable):
            await database.ping()
    finally:
        frozen.thaw()
        await database.close()


async def test_a_failover_loses_nothing_and_is_followed(watched: Watched) -> None:
    async with open_house(watched.url) as house:
        await house.members.set(CAROL, KBASE, UserName("dave"), Access.READ_WRITE, revision=None)
        before = await house.tenants.view(CAROL, KBASE)
        assert watched.primary.ask("WAIT", 1, 2000) == 1
        watched.primary.child.stop(kill=True)

        after = await _until_it_answers(house)
        assert after == before
        await house.members.remove(CAROL, KBASE, UserName("dave"), revision=None)

        await house.database.ping()
        assert (await house.tenants.view(CAROL, KBASE)).tenant.revision > before.tenant.revision
        assert watched.replica.ask("ROLE")[0] == "master"


async def _until_it_answers(house: House) -> TenantView:
    deadline = time.monotonic() + 20
    while True:
        try:
            return await house.tenants.view(CAROL, KBASE)
        except StateUnavailable:
            assert time.monotonic() < deadline, "no failover within 20 s"
            await asyncio.sleep(0.05)
