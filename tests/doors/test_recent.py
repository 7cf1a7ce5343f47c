"""Looking at most once a second, and once for all who wait."""

import asyncio

from vendor.doors.recent import SECONDS, Recent


class Looker:
    def __init__(self) -> None:
        self.now, self.looks = 0.0, 0
        self.free = asyncio.Event()
        self.free.set()

    async def look(self) -> int:
        self.looks += 1
        await self.free.wait()
        return self.looks


async def test_one_look_for_all_who_ask_and_another_when_its_time_is_over() -> None:
    there = Looker()
    recent = Recent(there.look, lambda: there.now)
    there.free.clear()
    asking = [asyncio.create_task(recent.get()) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.sleep(0)
    there.free.set()
    found = await asyncio.gather(*asking, return_exceptions=True)

    assert found[1:] == [1] * 49
    there.now += SECONDS - 0.01
    assert await recent.get() == 1
    there.now += 0.02
    assert await recent.get() == 2
