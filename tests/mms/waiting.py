"""Waiting inside the loop, for what a background task does."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually_async(look: Callable[[], T], *, within: float = 10.0) -> T:
    """Call `look` until it returns something true, and return that.  Fails when the time is over."""
    async with asyncio.timeout(within):
        seen = look()
        while not seen:
            await asyncio.sleep(0.01)
            seen = look()
        return seen
