"""Waiting for the log to grow: one question at a time for all who wait, and none when nobody does."""

import asyncio

import pytest

from tests.audit.world import World
from tests.support.waiting import reached
from vendor.audit.pulse import Places, Pulse
from vendor.errors import StateUnavailable

LONG = 20.0


@pytest.fixture
def asked(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the log answered whoever asked for its newest event."""
    answers: list[str] = []
    real = world.log.last

    async def last() -> str:
        answers.append(await real())
        return answers[-1]

    monkeypatch.setattr(world.log, "last", last)
    return answers


async def no_more_looks(pulse: Pulse) -> None:
    await reached(lambda: pulse._looking is None)


async def test_all_who_wait_hear_of_an_event(world: World, asked: list[str]) -> None:
    pulse = Pulse(world.log)
    waiting = [asyncio.create_task(pulse.beyond("0-0", LONG)) for _ in range(50)]
    await reached(lambda: len(asked) >= 2)
    assert not any(task.done() for task in waiting)
    await world.write(1)

    assert all(await asyncio.gather(*waiting))
    assert len(asked) < 50  # not one question for each
    await no_more_looks(pulse)


async def test_nobody_waiting_nothing_is_asked_and_it_starts_again(world: World, asked: list[str]) -> None:
    pulse = Pulse(world.log)
    await world.write(1)
    assert await pulse.beyond("0-0", LONG)
    await no_more_looks(pulse)
    before = len(asked)
    await world.write(1)
    seen = asked[-1]

    assert await pulse.beyond(seen, LONG)
    assert len(asked) > before
    assert not await pulse.beyond(asked[-1], 0.05)
    await no_more_looks(pulse)
    assert pulse._waiting == 0


async def test_a_log_that_cannot_be_asked_for_a_while_ends_no_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulse, real, refused = Pulse(world.log), world.log.last, 0

    async def last() -> str:
        nonlocal refused
        if refused < 2:
            refused += 1
            raise StateUnavailable("down")
        return await real()

    monkeypatch.setattr(world.log, "last", last)
    await world.write(1)
    assert await pulse.beyond("0-0", LONG)
    assert refused == 2
    await pulse.close()


async def test_who_gives_up_waits_no_more_and_closing_ends_the_look(world: World) -> None:
    pulse = Pulse(world.log)
    waiting = asyncio.create_task(pulse.beyond("0-0", LONG))
    await asyncio.sleep(0)
    assert pulse._waiting == 1
    waiting.cancel()
    await asyncio.wait([waiting])
    assert pulse._waiting == 0

    await pulse.close()
    assert pulse._looking is None
    await pulse.close()


def test_nobody_alone_takes_all_places() -> None:
    places = Places(3, each=2)
    places.enter("alice")
    places.enter("alice")
    assert not places.free_for("alice")
    assert places.free_for("bob")
    places.enter("bob")
    assert not places.free_for("carol")
    places.leave("alice")
    assert places.free_for("carol")
    assert places.free_for("alice")
