"""Work beside the requests is over when it has been given up, however it ends."""

import asyncio

import pytest
import structlog

from tests.support.waiting import reached
from vendor.tasks import alongside, give_up


async def test_tasks_are_over_when_they_were_given_up() -> None:
    async def slow_to_go() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)

    async def failing() -> None:
        raise ValueError("on its own")

    tasks = [asyncio.create_task(slow_to_go()), asyncio.create_task(failing())]
    await asyncio.sleep(0)
    await give_up(tasks)

    assert tasks[0].cancelled()
    assert isinstance(tasks[1].exception(), ValueError)


async def test_nothing_to_give_up_is_fine() -> None:
    await give_up([])


async def test_work_lasts_as_long_as_the_block_also_if_that_fails() -> None:
    begun, over = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            over.set()

    async def block() -> None:
        async with alongside(work(), "work"):
            await begun.wait()
            assert not over.is_set()
            raise KeyError("in the block")

    with pytest.raises(KeyError):
        await block()
    assert over.is_set()


async def test_work_that_fails_before_the_end_is_told() -> None:
    async def failing() -> None:
        raise ValueError("on its own")

    with structlog.testing.capture_logs() as lines:
        async with alongside(failing(), "a duty"):
            await reached(lambda: lines)
        async with alongside(asyncio.sleep(60), "another"):
            await asyncio.sleep(0)

    assert [(line["work"], str(line["exc_info"])) for line in lines] == [("a duty", "on its own")]
