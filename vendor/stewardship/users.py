"""Users: known from their first sign-in, or made known before it by an administrator."""

from dataclasses import dataclass

from vendor.audit.event import Kind
from vendor.errors import AlreadyExists, UnknownUser
from vendor.governance.records import User
from vendor.governance.state import Change, Governance, Standing, Subject
from vendor.names import UserName
from vendor.stewardship.caller import Caller
from vendor.stewardship.tenant import require_admin
from vendor.times import Clock, rfc3339


@dataclass(frozen=True, slots=True)
class Users:
    """The use cases about users."""

    governance: Governance
    clock: Clock

    async def standing(self, caller: Caller) -> Standing:
        """Return what governance says of the caller, who becomes known if this is the first time.

        One round trip to Redis; three the first time.  Raises StateUnavailable.
        """
        me = caller.principal
        subject = Subject(me.name)
        if me.acts_for is not None:
            subject = Subject(me.name, me.acts_for.tenant, me.acts_for.access)
        standing = await self.governance.standing(subject)
        if standing.user is not None:
            return standing
        # Lost to a parallel first request of the same user, this does nothing, and the user is known all the same.
        await self._add(caller, me.name, me.display_name, me.email)
        return await self.governance.standing(subject)

    async def create(self, caller: Caller, name: UserName, display_name: str | None, email: str | None) -> User:
        """Make a user known before their first sign-in.  For administrators.

        Raises RoleRequired, AlreadyExists, StateUnavailable.
        """
        require_admin(caller, "make a user known")
        if await self._add(caller, name, display_name, email) is None:
            raise AlreadyExists("There is a user of this name already.")
        user = await self.governance.user(name)
        if user is None:  # removed again in the meantime
            raise UnknownUser("There is no such user.")
        return user

    async def _add(self, caller: Caller, name: UserName, display_name: str | None, email: str | None) -> int | None:
        now = self.clock()
        keys = self.governance.keys
        change = Change()
        change.require(keys.user(name), "rev", expected=False)
        change.put(
            keys.user(name),
            {
                "first_seen": rfc3339(now),
                "display_name": display_name or "",
                "email": email or "",
                "disabled": "0",
                "rev": "@rev",
            },
        )
        change.do("ZADD", keys.users, 0, name)
        event = caller.event(Kind.USER_CREATED, now, user=name, display_name=display_name, email=email)
        return await self.governance.commit(change, [event.text()])
