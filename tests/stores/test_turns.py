"""Places at a store: bounded, and given out in turn among those who ask."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from tests.support.waiting import reached
from vendor.errors import StoreUnavailable
from vendor.stores.turns import Turns


class Line:
    """Callers at one store, who stay at their place until they are told to leave."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.served: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._leave = asyncio.Semaphore(0)

    def comes(self, who: str) -> asyncio.Task[None]:
        task = asyncio.create_task(self._visit(who))
        self.tasks.append(task)
        return task

    async def _visit(self, who: str) -> None:
        async with self.turns.place(who):
            self.served.append(who)
            await self._leave.acquire()

    async def leave(self, count: int = 1) -> None:
        for _ in range(count):
            before = self.now()
            self._leave.release()
            await reached(partial(self.is_not, before))

    def now(self) -> tuple[int, int]:
        return self.turns.counters.served, self.turns.running

    def is_not(self, before: tuple[int, int]) -> bool:
        return self.now() != before


@asynccontextmanager
async def line(turns: Turns) -> AsyncIterator[Line]:
    made = Line(turns)
    yield made
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks, return_exceptions=True)
    assert turns.running == turns.waiting == 0, "nothing is left behind"


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_at_a_time_than_said() -> None:
    async with line(Turns(4, 100)) as there:
        for name in "abcdefgh":
            there.comes(name)
        await settled()
        assert there.served == list("abcd")
        assert (there.turns.running, there.turns.waiting) == (4, 4)
        await there.leave(4)
        assert there.served == list("abcdefgh")


async def test_one_who_floods_leaves_a_place_free_for_others() -> None:
    async with line(Turns(4, 100)) as there:
        for _ in range(50):
            there.comes("flood")
        await settled()
        there.comes("other")
        await settled()

        assert there.served == ["flood"] * 3 + ["other"]


async def test_those_who_wait_are_served_in_turn_and_each_in_their_own_order() -> None:
    async with line(Turns(1, 100)) as there:
        there.comes("first")
        await settled()
        for who in ("flood", "flood", "flood", "b", "c", "b"):
            there.comes(who)
            await settled()
        await there.leave(6)

        assert there.served == ["first", "flood", "b", "c", "flood", "b", "flood"]


async def test_a_full_queue_sends_the_newest_of_the_longest_away_and_nobody_else() -> None:
    async with line(Turns(1, 4)) as there:
        flood = [there.comes("flood") for _ in range(5)]
        await settled()
        assert there.turns.waiting == 4
        other = there.comes("other")
        await settled()

        with pytest.raises(StoreUnavailable) as refusal:
            await flood[-1]
        assert refusal.value.retry_after
        assert not other.done()
        with pytest.raises(StoreUnavailable):
            await there.comes("flood")
        assert there.turns.counters.turned_away == 2
        assert there.turns.waiting == 4


async def test_equals_do_not_push_each_other_out() -> None:
    async with line(Turns(1, 2)) as there:
        for who in ("a", "b", "c"):
            there.comes(who)
        await settled()

        with pytest.raises(StoreUnavailable):
            await there.comes("d")


async def test_who_waits_too_long_is_sent_away() -> None:
    async with line(Turns(1, 10, patience=0.05)) as there:
        there.comes("a")
        await settled()

        with pytest.raises(StoreUnavailable):
            await there.comes("b")
        assert there.turns.waiting == 0


async def test_a_place_goes_on_when_its_holder_goes_away() -> None:
    async with line(Turns(1, 10)) as there:
        holder = there.comes("a")
        await settled()
        waiting, other = there.comes("b"), there.comes("c")
        await settled()
        waiting.cancel()
        await settled()
        holder.cancel()
        await settled()

        assert there.served == ["a", "c"]
        assert not other.done()


async def test_a_place_given_to_one_who_just_left_goes_on() -> None:
    async with line(Turns(1, 10)) as there:
        holder = there.comes("a")
        await settled()
        waiting = there.comes("b")
        there.comes("c")
        await settled()
        holder.cancel()
        await asyncio.sleep(0)  # the place is given to b, who does not know yet
        waiting.cancel()
        await settled()

        assert there.served[-1] == "c"
