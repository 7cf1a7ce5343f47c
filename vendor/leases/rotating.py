"""Other keys from now on: end the leases that are given again, and let no replica give them once more.

The mark in governance counts on every replica at once.  The leases end as any lease does: `Ending` says when their
keys stop working.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from vendor.leases.ending import Ending
from vendor.leases.kept import is_given_again
from vendor.names import UserName
from vendor.stewardship.caller import Caller
from vendor.stewardship.rotation import Rotation

AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Rotating:
    """The use cases.  All of them raise StateUnavailable, AuditUnavailable and Conflict."""

    rotation: Rotation
    ending: Ending

    async def rotate(self, caller: Caller, user: UserName | None = None) -> None:
        """Rotate the caller, or for administrators another user.  Raises RoleRequired, UnknownUser."""
        whose = caller.name if user is None else user
        await self.rotation.rotate(caller, whose)
        await self._end(caller, whose)

    async def rotate_all(self, caller: Caller) -> int:
        """Rotate everybody; return how many.  For administrators (RoleRequired)."""
        count = 0
        places = asyncio.Semaphore(AT_ONCE)

        async def end(user: UserName) -> None:
            async with places:
                await self._end(caller, user)

        async for users in self.rotation.rotate_all(caller):
            await asyncio.gather(*(end(user) for user in users))
            count += len(users)
        return count

    async def _end(self, caller: Caller, user: UserName) -> None:
        register = self.ending.register
        async for kept in register.of(user, since=self.ending.clock()):
            if kept.ended is None and is_given_again(kept.ask):
                await self.ending.end_kept(caller, kept)
