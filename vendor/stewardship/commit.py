"""Make a change that was decided on what was read, and read again when somebody else was faster."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from vendor.audit.event import Event
from vendor.errors import Conflict, StaleRevision
from vendor.governance.state import Change, Governance

TRIES: Final = 12
_LONGEST_PAUSE: Final = 0.05
_Result = TypeVar("_Result")

Decided = tuple[Change, Event, _Result]
"""A change, the event that records it, and what the use case answers once it is made."""


async def commit(governance: Governance, decide: Callable[[], Awaitable[Decided[_Result]]]) -> tuple[_Result, int]:
    """Run `decide`, which reads and refuses or decides, and make its change; repeat if what it read has changed.

    Returns what was decided, and the new revision.  Raises Conflict when others keep being faster.
    """
    for attempt in range(TRIES):
        change, event, result = await decide()
        revision = await governance.commit(change, [event.text()])
        if revision is not None:
            return result, revision
        await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE * attempt / TRIES))  # noqa: S311 - spreads rivals
    raise Conflict("Too many changes to the same thing at the same time.")


def require_revision(wanted: int | None, found: int) -> None:
    """Raise StaleRevision unless the caller asked for no particular revision, or for this one."""
    if wanted is not None and wanted != found:
        raise StaleRevision("The object has changed since it was read.", details={"revision": found})
