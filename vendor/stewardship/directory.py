"""What everybody who is signed in may know of every tenant: that it exists, what it says of itself, who looks after it.

It takes this to ask for membership.  Who the members are stays between the members, stewards and administrators
(`Tenants.view`); here they are a number.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vendor.errors import UnknownTenant
from vendor.governance import keys
from vendor.governance.records import Tenant, User, membership
from vendor.names import TenantName, UserName
from vendor.policy.grant import Access
from vendor.stewardship.caller import Caller, require_admin
from vendor.stewardship.desk import Desk
from vendor.stewardship.tenant import TenantView, read_members, read_stewards

AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """A tenant as everybody may see it.  `access` and `steward` are the reader's own part in it."""

    tenant: Tenant
    member_count: int
    access: Access | None
    steward: bool


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of a user, for those who see them in a tenant."""

    display_name: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """The use cases of looking tenants up."""

    desk: Desk

    async def names(self, caller: Caller) -> list[TenantName]:
        """Return the names of all tenants, in order."""
        names: list[TenantName] = []
        while True:
            start = f"({names[-1]}" if names else "-"
            _, (page,) = await self.desk.look(
                caller, ("ZRANGEBYLEX", keys.TENANTS, start, "+", "LIMIT", 0, 10 * AT_ONCE)
            )
            names += (TenantName(name) for name in page)
            if len(page) < 10 * AT_ONCE:
                return names

    async def entries(self, caller: Caller) -> AsyncIterator[Entry]:
        """Yield every tenant, in the order of their names, read some hundred at a time."""
        names = await self.names(caller)
        for start in range(0, len(names), AT_ONCE):
            batch = names[start : start + AT_ONCE]
            _, answers = await self.desk.look(caller, *(read for name in batch for read in _reads(caller, name)))
            for name, one in zip(batch, range(0, len(answers), 4), strict=True):
                entry = _entry(name, answers[one : one + 4])
                if entry is not None:
                    yield entry

    async def entry(self, caller: Caller, name: TenantName) -> tuple[Entry, dict[str, dict[str, str]]]:
        """Return one tenant, and its stewards: user → when and by whom they were named.  Raises UnknownTenant."""
        _, (*answers, stewards) = await self.desk.look(caller, *_reads(caller, name), ("HGETALL", keys.stewards(name)))
        entry = _entry(name, answers)
        if entry is None:
            raise UnknownTenant(f"There is no tenant {name}.")
        return entry, read_stewards(stewards)

    async def members(self, caller: Caller) -> AsyncIterator[tuple[TenantName, dict[str, Access]]]:
        """Yield every tenant with its members.  For administrators (RoleRequired)."""
        require_admin(caller, "list the members of all tenants")
        names = await self.names(caller)
        for start in range(0, len(names), AT_ONCE):
            batch = names[start : start + AT_ONCE]
            _, answers = await self.desk.look(caller, *(("HGETALL", keys.members(name)) for name in batch))
            for name, stored in zip(batch, answers, strict=True):
                yield name, read_members(name, stored)

    async def people(self, caller: Caller, view: TenantView) -> dict[str, Person]:
        """Return who the people of a tenant are, to one whom it concerns: nobody else is given a view."""
        found = await self._users(caller, sorted({*view.members, *view.stewards}))
        return {user.name: Person(user.display_name, user.email) for user in found}

    async def display_names(self, caller: Caller, users: Iterable[str]) -> dict[str, Person]:
        """Return what users are called, and no more, to anybody."""
        return {user.name: Person(user.display_name, None) for user in await self._users(caller, sorted(users))}

    async def _users(self, caller: Caller, names: Sequence[str]) -> list[User]:
        users: list[User | None] = []
        for start in range(0, len(names), AT_ONCE):
            batch = [UserName(name) for name in names[start : start + AT_ONCE]]
            _, answers = await self.desk.look(caller, *(("HGETALL", keys.user(name)) for name in batch))
            users += (User.read(name, stored) for name, stored in zip(batch, answers, strict=True))
        return [user for user in users if user is not None]


def _reads(caller: Caller, name: TenantName) -> list[tuple[str, ...]]:
    return [
        ("HGETALL", keys.tenant(name)),
        ("HLEN", keys.members(name)),
        ("HGET", keys.members(name), caller.name),
        ("HGET", keys.stewards(name), caller.name),
    ]


def _entry(name: TenantName, answers: list[Any]) -> Entry | None:
    stored, count, access, steward = answers
    found = Tenant.read(name, stored)
    if found is None:
        return None
    mine = membership(name, str(access))[1] if access else None
    return Entry(found, int(count), mine, bool(steward))
