"""Look at leases in the register, many in one round trip: all who ask while one look is under way share the next.

A look always begins after it was asked for, so nobody is told of a moment before they came.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from vendor.database import Database
from vendor.errors import StateUnavailable
from vendor.leases.lease import LeaseId

_FIELDS: Final = ("begun", "ended")
MOST: Final = 256  # leases looked at in one round trip


@dataclass(frozen=True, slots=True)
class Glance:
    """Whether a lease is known and not ended, and the revision of governance at that moment."""

    live: bool
    revision: str


class Glances:
    """Looks at leases.  `revision` is the name of governance's counter of changes."""

    def __init__(self, database: Database, prefix: str, revision: str) -> None:
        self._database = database
        self._prefix = prefix
        self._revision = revision
        self._asked: dict[LeaseId, asyncio.Future[Glance]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def look(self, lease: LeaseId) -> Glance:
        """Return how a lease is now.  Raises StateUnavailable."""
        future = self._asked.get(lease)
        if future is None:
            future = self._asked[lease] = asyncio.get_running_loop().create_future()
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(future)

    async def _look(self) -> None:
        try:
            while self._asked:
                batch = dict(list(self._asked.items())[:MOST])
                for lease in batch:
                    del self._asked[lease]
                await self._answer(batch)
        finally:
            self._looking = None

    async def _answer(self, batch: dict[LeaseId, asyncio.Future[Glance]]) -> None:
        try:
            names = [f"{self._prefix}:lease:{lease}" for lease in batch]
            records, revision = await self._database.glance(names, _FIELDS, self._revision)
        except StateUnavailable as failure:
            for future in batch.values():
                future.set_exception(StateUnavailable(failure.message))
                future.exception()  # seen, also if everybody who waited is gone
            return
        for future, (begun, ended) in zip(batch.values(), records, strict=True):
            future.set_result(Glance(begun is not None and ended is None, revision or "0"))
