"""Checkpoints: one chain, whoever seals, whenever, and whatever clocks do."""

import asyncio
import json

import pytest

from tests.audit.world import World, signing
from vendor.audit.seal import Sealer
from vendor.errors import InvalidRequest, StateUnavailable
from vendor.sealed.keys import read_keys
from vendor.sealed.verify import BadRecord, verify, verify_proof


async def test_everything_is_sealed_once_and_in_order(world: World) -> None:
    await world.write(2500)

    while await world.sealer.step():
        pass

    head = await world.sealer.head()
    assert (head.number, head.size, head.last) == (3, 2500, await world.log.last())
    found = verify(await world.export(), world.keys)
    assert (found.events, found.checkpoints) == (2500, 3)


async def test_a_short_run_is_left_to_grow_for_a_while(world: World) -> None:
    await world.write(3)
    world.clock.now = int((await world.log.between("0-0"))[0].cursor.partition("-")[0]) / 1000

    world.clock.now += 2.9
    assert not await world.sealer.step(patience=3)
    world.clock.now += 0.2
    assert await world.sealer.step(patience=3)
    await world.write(1000)
    world.clock.now -= 1000
    assert await world.sealer.step(patience=3)


async def test_many_sealers_make_one_chain(world: World) -> None:
    others = [Sealer(world.log, world.signer, f"https://g{number}.example.org", world.clock) for number in range(5)]

    async def seal(sealer: Sealer) -> None:
        for _ in range(40):
            await sealer.step()

    await asyncio.gather(world.write(300), *(seal(sealer) for sealer in others))

    found = verify(await world.export(), world.keys)
    assert found.events == 300
    assert found.checkpoints >= 5


async def test_one_who_was_late_appends_nothing(world: World) -> None:
    await world.seal(1)
    head = await world.sealer.head()
    await world.write(2)
    entries = await world.log.between(head.last)

    assert await world.sealer._seal(head, entries)
    assert not await world.sealer._seal(head, entries)
    assert (await world.sealer.head()).number == 2


async def test_a_clock_that_goes_back_moves_no_checkpoint(world: World) -> None:
    await world.seal(1)
    before = (await world.sealer.head()).said
    world.clock.now -= 3600
    await world.seal(1)

    after = (await world.sealer.head()).said
    assert before is not None
    assert after is not None
    assert after.time == before.time
    verify(await world.export(), world.keys)


async def test_an_export_seals_what_was_not_sealed_yet(world: World) -> None:
    await world.seal(2)
    await world.write(2)

    lines = await world.export()

    assert verify(lines, world.keys).events == 8
    assert lines[-1].startswith(b'{"end"')
    assert lines[-2].startswith(b'{"checkpoint"')


async def test_an_export_begins_with_the_checkpoint_that_holds_a_moment(world: World) -> None:
    await world.seal(4)
    entries = await world.log.between("0-0")
    moment = int(entries[7].cursor.partition("-")[0]) / 1000

    lines = await world.export(since=moment)

    found = verify(lines, world.keys)
    assert found.events < 12 or entries[0].cursor.partition("-")[0] == entries[7].cursor.partition("-")[0]
    assert entries[7].cursor.encode() in b"".join(lines)
    with pytest.raises(InvalidRequest):
        await world.export(since=5_000_000_000.0)


async def test_whatever_is_done_to_redis_shows_in_the_export(world: World) -> None:
    await world.seal(3)
    entries = await world.log.between("0-0")
    await world.log.database._client.xdel(world.log.stream, entries[4].cursor)

    with pytest.raises(BadRecord) as caught:
        verify(await world.export(), world.keys)
    assert entries[5].cursor in caught.value.record


async def test_a_missing_checkpoint_is_said(world: World) -> None:
    await world.seal(3)
    await world.log.database._client.xdel(world.log.key("checkpoints"), "2-0")

    with pytest.raises(StateUnavailable):
        await world.export()


async def test_a_new_key_goes_on_with_the_chain(world: World) -> None:
    await world.seal(2)
    other = signing()
    world.sealer.signer = other
    await world.seal(2)

    both = {"keys": [*world.signer.jwks()["keys"], *other.jwks()["keys"]]}  # type: ignore[misc]  # lists of keys
    lines = await world.export()

    assert verify(lines, read_keys(json.dumps(both))).checkpoints == 4
    with pytest.raises(BadRecord, match="not among the given"):
        verify(lines, world.keys)


async def test_every_event_can_be_proved(world: World) -> None:
    await world.seal(5, events=7)
    for entry in await world.log.between("0-0"):
        line = await world.exporter.proof(entry.cursor)
        assert line is not None
        cursor, said = verify_proof(line.encode(), world.keys)
        assert cursor == entry.cursor
        assert said.count == 7
    await world.write(1)
    assert await world.exporter.proof(await world.log.last()) is None
    assert await world.exporter.proof("1-1") is None


async def test_an_empty_log_has_no_export(world: World) -> None:
    with pytest.raises(StateUnavailable):
        await world.export()
    assert not await world.sealer.step()
