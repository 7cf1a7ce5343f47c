"""Delivery: everything at least once, in order, whatever a sink does; and what nobody needs any more goes."""

import asyncio

import pytest

from tests.audit.world import Taking, World
from vendor.audit.reader import Filter, Reader
from vendor.audit.retention import Retention
from vendor.audit.sinks.delivery import _TAKEN, MOST_RUNS, taken_by


async def test_a_sink_gets_everything_in_order(world: World) -> None:
    sink = Taking()
    delivery = world.delivery(sink)
    assert not await delivery.step()
    await world.seal(3)
    while await delivery.step():
        pass
    await world.seal(2)
    while await delivery.step():
        pass

    assert world.received(sink.lines).events == 15
    assert [batch.first.number for batch in sink.batches] == [1, 4]
    assert (delivery.state.lag_events, delivery.state.lag_seconds, delivery.state.taken) == (0, 0.0, 5)
    assert delivery.state.delivered_events == 15


async def test_a_sink_that_fails_is_tried_again_and_its_lag_grows(world: World) -> None:
    sink = Taking(fails_before=2)
    delivery = world.delivery(sink)
    await world.seal(2)
    world.clock.now += 3600

    assert await delivery.step()
    assert (delivery.state.problem, delivery.state.failures) == ("it is full", 1)
    assert (delivery.state.lag_events, delivery.state.lag_seconds) == (6, 3600)
    await world.seal(1)
    assert await delivery.step()
    assert delivery.state.lag_events == 9
    assert await delivery.step()
    assert delivery.state.problem is None
    assert not await delivery.step()
    assert world.received(sink.lines).events == 9


async def test_what_may_have_been_taken_comes_again(world: World) -> None:
    sink = Taking(fails_after=1)
    delivery = world.delivery(sink)
    await world.seal(2)
    await delivery.step()
    await world.seal(1)
    while await delivery.step():
        pass

    assert [(batch.first.number, batch.last.number) for batch in sink.batches] == [(1, 2), (1, 3)]
    assert world.received(sink.lines).events == 9


async def test_another_replica_goes_on_where_one_was(world: World) -> None:
    sink = Taking()
    await world.seal(2)
    await world.delivery(sink).step()
    await world.seal(2)
    late = world.delivery(sink)
    await late.step()

    assert [batch.first.number for batch in sink.batches] == [1, 3]
    await world.log.run(_TAKEN, ["sinks"], ["taking", 1], repeatable=True)
    assert await taken_by(world.log, "taking") == 4


async def test_sinks_do_not_wait_for_each_other(world: World) -> None:
    full, fine = Taking("full", fails_before=10**6), Taking("fine")
    await world.seal(2)
    for each in (full, fine, full):
        await world.delivery(each).step()

    assert world.received(fine.lines).events == 6
    assert not full.batches


async def test_a_sink_that_hangs_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(Taking):
        async def deliver(self, batch: object) -> None:
            await asyncio.sleep(3600)

    monkeypatch.setattr("vendor.audit.sinks.delivery.SECONDS", 0.05)
    delivery = world.delivery(Hanging("hanging"))
    await world.seal(1)
    await delivery.step()

    assert delivery.state.problem == "it took too long"


async def test_one_that_lingers_waits_for_more(world: World) -> None:
    sink = Taking(linger=60.0)
    delivery = world.delivery(sink)
    await world.seal(1)
    assert not await delivery.step()
    assert delivery.state.lag_events == 3
    world.clock.now += 61
    assert await delivery.step()
    await world.seal(1, events=1000)
    assert await delivery.step()


async def test_much_is_delivered_in_pieces(world: World) -> None:
    sink = Taking()
    delivery = world.delivery(sink)
    await world.seal(MOST_RUNS + 3, events=1)
    while await delivery.step():
        pass

    assert [len(batch.checkpoints) for batch in sink.batches] == [MOST_RUNS, 3]
    assert world.received(sink.lines).events == MOST_RUNS + 3


def retention(world: World, *required: str, keep: float = 60.0) -> Retention:
    return Retention(world.log, world.trail.write, world.clock, keep, required)


async def left(world: World) -> int:
    return int(await world.log.database._client.xlen(world.log.stream))


async def test_what_is_old_and_taken_goes_and_the_log_says_so(world: World) -> None:
    sink = Taking()
    await world.seal(4)
    await world.indexer.catch_up()
    keeper = retention(world, "taking")

    assert not await keeper.step()
    await world.delivery(sink).step()
    assert await keeper.step()

    assert await left(world) == 3 + 1
    said = (await world.log.between("0-0"))[-1].text
    assert '"kind":"audit.trimmed"' in said
    assert '"events":9' in said
    while await world.sealer.step():
        pass
    assert world.received(b"".join((await world.export())[:-1])).events == 4
    await world.indexer.catch_up()
    page = await Reader(world.log).page(Filter(user="alice"), "0-0", 100)
    assert len(page.found) == 3


@pytest.mark.parametrize("reason", ["young", "not indexed", "not taken", "group", "pending"])
async def test_what_somebody_needs_stays(world: World, reason: str) -> None:
    client = world.log.database._client
    await world.seal(4)
    if reason != "not indexed":
        await world.indexer.catch_up()
    sink = Taking()
    if reason != "not taken":
        await world.delivery(sink).step()
    if reason in {"group", "pending"}:
        await client.xgroup_create(world.log.stream, "others", id="0")
    if reason == "pending":
        await client.xreadgroup("others", "one", {world.log.stream: ">"}, count=100)
    keep = 10**10 if reason == "young" else 60.0

    assert not await retention(world, "taking", keep=keep).step()
    assert await left(world) == 12


async def test_a_group_that_has_dealt_with_a_part_lets_that_go(world: World) -> None:
    client = world.log.database._client
    await world.seal(4)
    await world.indexer.catch_up()
    await client.xgroup_create(world.log.stream, "others", id="0")
    ((_, entries),) = await client.xreadgroup("others", "one", {world.log.stream: ">"}, count=7)
    for cursor, _ in entries[:5]:
        await client.xack(world.log.stream, "others", cursor)

    assert await retention(world).step()

    assert await left(world) == 12 - 3 + 1
