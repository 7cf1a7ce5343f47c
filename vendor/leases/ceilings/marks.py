"""Whose documents have to be looked at again, and when: what is left to do survives whoever began it."""

from typing import Final

from vendor.database import Database
from vendor.leases.ceilings import scripts
from vendor.names import UserName

AT_ONCE: Final = 200


class Marks:
    """A list of users by the moment from which on somebody should look.  Every method raises StateUnavailable."""

    def __init__(self, database: Database, key: str) -> None:
        self._database = database
        self._key = key

    async def put(self, user: UserName, moment: float) -> None:
        """Mark a user, in place of an earlier mark."""
        await self._database.run(scripts.SCORE, [self._key], [user, moment], repeatable=True)

    async def take_back(self, user: UserName, moment: float) -> None:
        """Remove a mark, unless it was replaced meanwhile."""
        await self._database.run(scripts.UNSCORE, [self._key], [user, moment], repeatable=True)

    async def drop(self, user: UserName) -> None:
        """Remove a user's mark, whatever it says."""
        await self._database.run(scripts.UNSCORE, [self._key], [user, ""], repeatable=True)

    async def drop_before(self, user: UserName, moment: float) -> None:
        """Remove a user's mark if it is for no later than `moment`."""
        await self._database.run(scripts.UNSCORE_BEFORE, [self._key], [user, moment], repeatable=True)

    async def overdue(self, now: float) -> list[UserName]:
        """Return some of the users whose moment has come, the longest waiting first."""
        return [UserName(user) for user, _ in await self._database.overdue(self._key, until=now, count=AT_ONCE)]
