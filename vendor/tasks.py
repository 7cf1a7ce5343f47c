"""Work beside the requests: begun for as long as something lasts, and given up in order."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

import structlog

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def alongside(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Work in the background as long as the block lasts.  Work that fails before is over, and the log says so."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_tell_failure)
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


def _tell_failure(task: asyncio.Task[Any]) -> None:
    failure = None if task.cancelled() else task.exception()
    if failure is not None:
        _log.error("background work has failed", work=task.get_name(), exc_info=failure)
