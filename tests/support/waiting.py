"""Waiting for something with a deadline, instead of sleeping for luck."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], *, within: float = 10.0, what: str = "it") -> T:
    """Call `look` until it returns something true, and return that.  Fails when the time is over."""
    deadline = time.monotonic() + within
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"{what} did not happen within {within:g} s"
        time.sleep(0.02)


async def reached(look: Callable[[], T], *, within: float = 10.0) -> T:
    """Let other tasks run until `look` returns something true, and return that.  Fails when the time is over."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < deadline, f"it did not happen within {within:g} s"
        await asyncio.sleep(0.005)
    return seen
