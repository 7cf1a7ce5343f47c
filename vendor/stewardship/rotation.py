"""Other keys from now on: mark a user so that no replica gives the keys again that it gave before.

The mark is part of what every vend and every repeated answer is checked against, so it counts everywhere at once.
Ending the leases themselves is the business of `leases.rotating`.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from vendor.audit.event import Event, Kind
from vendor.errors import UnknownUser
from vendor.governance import edits, keys
from vendor.governance.change import Change
from vendor.names import UserName
from vendor.stewardship.caller import Caller, require_admin, require_unlimited
from vendor.stewardship.desk import Decided, Desk
from vendor.times import rfc3339

AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Rotation:
    """The use cases.  All of them raise StateUnavailable and Conflict."""

    desk: Desk

    async def rotate(self, caller: Caller, user: UserName | None = None) -> None:
        """Mark the caller, or for administrators another user.  Raises RoleRequired, UnknownUser."""
        whose = caller.name if user is None else user
        if whose != caller.name:
            require_admin(caller, "rotate another user's keys")
            require_unlimited(caller)

        async def decide() -> Decided[None]:
            _, (known,) = await self.desk.look(caller, ("HGET", keys.user(whose), "rev"))
            if known is None:
                raise UnknownUser(f"There is no user {whose}.")
            return Decided(None, *self._mark(caller, [whose]))

        await self.desk.commit(caller, decide)

    async def rotate_all(self, caller: Caller) -> AsyncIterator[list[UserName]]:
        """Mark everybody, some at a time, and yield who was.  Raises RoleRequired."""
        require_admin(caller, "rotate everybody's keys")
        require_unlimited(caller)
        after = ""
        while True:

            async def decide(start: str = f"({after}" if after else "-") -> Decided[list[UserName]]:
                page = ("ZRANGEBYLEX", keys.USERS, start, "+", "LIMIT", 0, AT_ONCE)
                _, (found,) = await self.desk.look(caller, page)
                names = [UserName(name) for name in found]
                return Decided(names, *self._mark(caller, names)) if names else Decided(names)

            names = await self.desk.commit(caller, decide)
            yield names
            if len(names) < AT_ONCE:
                return
            after = names[-1]

    def _mark(self, caller: Caller, names: list[UserName]) -> tuple[Change, list[Event]]:
        now = self.desk.clock()
        change = Change()
        for name in names:
            edits.change_user(change, name, {"keys_since": rfc3339(now)})
        events = [caller.event(Kind.KEYS_ROTATED, now, user=name) for name in names]
        return change, events
