"""Users: known from their first sign-in, or made known before it by an administrator."""

from collections.abc import Mapping
from dataclasses import dataclass

from vendor.audit.event import Kind
from vendor.errors import AlreadyExists, Conflict, UnknownUser
from vendor.governance import edits, keys
from vendor.governance.change import Change
from vendor.governance.records import User, membership
from vendor.governance.state import Held, Standing, Subject
from vendor.governance.texts import checked, usable
from vendor.identity.principal import PrincipalKind
from vendor.names import TenantName, UserName
from vendor.policy.grant import Access
from vendor.stewardship.caller import Caller, require_admin, require_unlimited
from vendor.stewardship.desk import Decided, Desk, require_revision


@dataclass(frozen=True, slots=True)
class Belonging:
    """Where a user belongs: the tenants they are a member of, and those they look after."""

    memberships: dict[TenantName, Access]
    stewardships: tuple[TenantName, ...]


@dataclass(frozen=True, slots=True)
class Users:
    """The use cases about users.  Beyond their own record, all of it is for administrators (RoleRequired)."""

    desk: Desk

    async def standing(self, caller: Caller) -> Standing:
        """Return what governance says of the caller, who becomes known if this is the first time.

        One round trip to Redis; a few the first time.  Raises StateUnavailable.
        """
        me = caller.principal
        standing = await self.standing_if_known(caller)
        if standing.user is not None:
            if await self._learned(caller, standing.user):
                return await self.standing_if_known(caller)
            return standing
        # Lost to a parallel first request of the same user, this does nothing, and the user is known all the same.
        await self.desk.make_known(caller, me.name, me.display_name, me.email)
        return await self.standing_if_known(caller)

    async def standing_if_known(self, caller: Caller) -> Standing:
        """Return the same of a caller who does not become known by it.  Raises StateUnavailable."""
        me = caller.principal
        subject = Subject(me.name)
        if me.acts_for is not None:
            subject = Subject(me.name, me.acts_for.tenant, me.acts_for.access)
        return await self.desk.governance.standing(subject)

    async def _learned(self, caller: Caller, user: User) -> bool:
        """Keep what a token says of somebody of whom that was not known, such as one made known before they came."""
        me = caller.principal
        known = {"display_name": user.display_name, "email": user.email}
        told = {"display_name": usable("display_name", me.display_name), "email": usable("email", me.email)}
        new = {field: text for field, text in told.items() if text and not known[field]}
        if not new or me.kind is not PrincipalKind.USER or user.disabled:
            return False
        change = Change()
        change.require(keys.user(user.name), "rev", str(user.revision))
        edits.change_user(change, user.name, new)
        event = caller.event(Kind.USER_CHANGED, self.desk.clock(), user=user.name, changed=new, because="signed_in")
        try:
            return await self.desk.governance.commit(change, [event.text()]) is not None
        except Held:  # there is a next time
            return False

    async def view(self, caller: Caller, name: UserName) -> User:
        """Return a user to themself and to administrators; to others it is an UnknownUser."""
        _, (stored,) = await self.desk.look(caller, ("HGETALL", keys.user(name)))
        found = User.read(name, stored)
        if found is None or not (caller.admin or caller.name == name):
            raise UnknownUser("There is no such user.")
        return found

    async def belonging(self, caller: Caller, name: UserName) -> Belonging:
        """Return where a user belongs, to themself and to administrators; to others it is an UnknownUser."""
        _, (known, tenants, offices) = await self.desk.look(
            caller,
            ("HGET", keys.user(name), "rev"),
            ("HGETALL", keys.memberships(name)),
            ("ZRANGE", keys.stewardships(name), 0, -1),
        )
        if known is None or not (caller.admin or caller.name == name):
            raise UnknownUser("There is no such user.")
        memberships = dict(membership(tenant, access) for tenant, access in sorted(tenants.items()))
        return Belonging(memberships, tuple(TenantName(tenant) for tenant in offices))

    async def listed(self, caller: Caller, after: str, count: int) -> tuple[int, list[User]]:
        """List up to `count` users after the name `after`, with the revision of all governance."""
        require_admin(caller, "list users")
        start = f"({after}" if after else "-"
        page = ("EACH", "user:", "ZRANGEBYLEX", keys.USERS, start, "+", "LIMIT", 0, count)
        revision, (found,) = await self.desk.look(caller, page)
        return revision, _users(found)

    async def numbered(self, caller: Caller, first: int, count: int) -> tuple[int, list[User]]:
        """List up to `count` users from the place `first` (0 and up) in the order of names; and how many there are."""
        require_admin(caller, "list users")
        page = ("EACH", "user:", "ZRANGE", keys.USERS, first, first + count - 1)
        _, (total, found) = await self.desk.look(caller, ("ZCARD", keys.USERS), page)
        return int(total), _users(found)

    async def names(self, caller: Caller, after: str, count: int) -> list[UserName]:
        """List up to `count` names of users after the name `after`."""
        require_admin(caller, "list users")
        start = f"({after}" if after else "-"
        _, (found,) = await self.desk.look(caller, ("ZRANGEBYLEX", keys.USERS, start, "+", "LIMIT", 0, count))
        return [UserName(name) for name in found]

    async def create(self, caller: Caller, name: UserName, display_name: str | None, email: str | None) -> User:
        """Make a user known before their first sign-in.  Raises AlreadyExists, StateUnavailable."""
        require_admin(caller, "make a user known")
        require_unlimited(caller)
        checked("display_name", display_name)
        checked("email", email)
        await self.desk.look(caller)
        if not await self.desk.make_known(caller, name, display_name, email):
            raise AlreadyExists("There is a user of this name already.")
        return await self.view(caller, name)

    async def patch(
        self, caller: Caller, name: UserName, said: Mapping[str, str | bool | None], *, revision: int | None
    ) -> User:
        """Replace some of `display_name`, `email` (None clears) and `disabled`.

        A disabled user gets no lease and changes nothing; live leases end when they are renewed.  Raises UnknownUser,
        StaleRevision, Conflict; administrators cannot disable themselves.
        """
        require_admin(caller, "change a user")
        require_unlimited(caller)
        if said.get("disabled") is True and name == caller.name:
            raise Conflict("Administrators cannot disable themselves.", remedy="Ask another administrator.")
        wanted = {
            field: _stored(field, said[field]) for field in ("display_name", "email", "disabled") if field in said
        }

        async def decide() -> Decided[None]:
            _, (stored,) = await self.desk.look(caller, ("HGETALL", keys.user(name)))
            found = User.read(name, stored)
            if found is None:
                raise UnknownUser("There is no such user.")
            require_revision(revision, found.revision)
            changed = {field: text for field, text in wanted.items() if text != stored.get(field, "")}
            if not changed:
                return Decided(None)
            change = Change()
            if revision is not None:
                change.require(keys.user(name), "rev", str(found.revision))
            edits.change_user(change, name, changed)
            now = {field: said[field] for field in changed}
            event = caller.event(Kind.USER_CHANGED, self.desk.clock(), user=name, changed=now, as_admin=True)
            return Decided(None, change, [event])

        await self.desk.commit(caller, decide)
        return await self.view(caller, name)


def _stored(field: str, value: str | bool | None) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return checked(field, value)


def _users(found: list[tuple[str, dict[str, str]]]) -> list[User]:
    users = (User.read(UserName(name), fields) for name, fields in found)
    return [user for user in users if user is not None]
