"""Lanes: few requests of one credential at a time, fewer while others are served."""

import asyncio
from collections.abc import Callable

import pytest
from starlette.types import Message, Scope

from vendor.doors import fairness
from vendor.doors.fairness import ALONE, COMPANY, IN_COMPANY, Fair, Lanes
from vendor.secret import RawToken


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def enter_many(lanes: Lanes, who: bytes, count: int) -> list[asyncio.Task[Callable[[], None]]]:
    tasks = [asyncio.create_task(lanes.enter(who)) for _ in range(count)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def started(tasks: list[asyncio.Task[Callable[[], None]]]) -> int:
    return sum(task.done() for task in tasks)


async def end_all(*tasks: asyncio.Task[Callable[[], None]]) -> None:
    for task in tasks:
        (await task)()


async def test_alone_one_gets_many_places_and_in_company_few() -> None:
    clock = Clock()
    lanes = Lanes(clock)
    alone = await enter_many(lanes, b"a", ALONE + 5)
    assert started(alone) == ALONE
    other = await enter_many(lanes, b"b", IN_COMPANY + 5)
    assert started(other) == IN_COMPANY, "and they do not wait for those before them"

    await end_all(*alone, *other)
    clock.now += COMPANY * 2
    again = await enter_many(lanes, b"a", ALONE + 1)
    assert started(again) == ALONE
    await end_all(*again)
    assert lanes.waiting == 0
    assert not lanes._lanes, "nothing is left behind"


async def test_who_floods_gets_fewer_places_as_soon_as_somebody_comes() -> None:
    lanes = Lanes(Clock())
    flood = await enter_many(lanes, b"a", ALONE + 10)
    (other,) = await enter_many(lanes, b"b", 1)
    for task in flood[: ALONE - IN_COMPANY]:
        (await task)()
        await asyncio.sleep(0)
    assert started(flood) == ALONE, "nobody new, until only so many are left"
    (await flood[ALONE - 1])()
    await asyncio.sleep(0)
    assert started(flood) == ALONE + 1
    await end_all(*flood, other)


async def test_a_long_request_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fairness, "LONG", 0.01)
    lanes = Lanes()
    tasks = await enter_many(lanes, b"a", ALONE + 3)
    ends = await asyncio.wait_for(asyncio.gather(*tasks), 5)
    for end in ends:
        end()
        end()
    assert not lanes._lanes


async def test_who_goes_away_while_waiting_leaves_no_hole() -> None:
    lanes = Lanes(Clock())
    tasks = await enter_many(lanes, b"a", ALONE + 3)
    tasks[ALONE].cancel()
    (await tasks[0])()
    tasks[ALONE + 1].cancel()  # just when it is its turn
    await asyncio.gather(*tasks[ALONE : ALONE + 2], return_exceptions=True)

    await asyncio.wait_for(asyncio.shield(tasks[ALONE + 2]), 5)
    await end_all(*tasks[1:ALONE], tasks[ALONE + 2])
    assert not lanes._lanes


async def test_an_answer_that_goes_on_for_long_holds_nobody_up() -> None:
    """Events that are streamed, for instance: the lane is free when the answer begins."""
    lanes = Lanes(Clock())
    go_on = asyncio.Event()

    async def streams(_scope: Scope, _receive: object, send: Callable[[Message], object]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[misc]
        await go_on.wait()

    async def ignore(_message: Message) -> None:
        return

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    app = Fair(streams, lanes)
    scope = {"type": "http", "headers": [(b"authorization", b"Bearer t")]}
    streaming = [asyncio.create_task(app(scope, nothing, ignore)) for _ in range(ALONE * 2)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert lanes.waiting == 0
    go_on.set()
    await asyncio.gather(*streaming)


async def test_a_door_can_hold_a_place_for_a_token_that_it_found_elsewhere() -> None:
    lanes = Lanes(Clock())
    async with lanes.place(RawToken("token")):
        flood = await enter_many(lanes, b"token", ALONE)
        assert started(flood) == ALONE - 1
    await end_all(*flood)
    assert not lanes._lanes
