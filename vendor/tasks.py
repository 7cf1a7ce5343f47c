"""Work beside the requests: begun for as long as something lasts, and given up in order."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def alongside(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Work in the background as long as the block lasts."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        await give_up([task])


async def give_up(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and wait until they are over, however they end."""
    running = list(tasks)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
