"""What a change of governance does to live leases: whose documents it concerns, and having them written."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from vendor.audit.event import Kind
from vendor.errors import VendError
from vendor.governance import keys
from vendor.governance.records import Target, TargetKind
from vendor.leases.ceilings.writer import Writer
from vendor.names import TenantName, UserName

AT_ONCE: Final = 16  # users
_FEW: Final = 20  # so many users are just looked at, rather than asking first who has live leases at all

_OF_USERS: Final = frozenset({Kind.USER_CHANGED, Kind.USER_CREATED, Kind.USER_DELETED})
_OF_MEMBERS: Final = frozenset({Kind.MEMBER_SET, Kind.MEMBER_REMOVED})
_OF_TENANTS: Final = frozenset({Kind.TENANT_CREATED, Kind.TENANT_DELETED})
_OF_SHARES: Final = frozenset({Kind.SHARE_CREATED, Kind.SHARE_REMOVED})
KINDS: Final = frozenset({*_OF_USERS, *_OF_MEMBERS, *_OF_TENANTS, *_OF_SHARES, Kind.STATE_IMPORTED})

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Concerned:
    """Whom some events concern: users, members of tenants, those who act for them, or everybody."""

    users: set[UserName]
    tenants: set[TenantName]
    everybody: bool = False

    @classmethod
    def by(cls, events: Iterable[Mapping[str, Any]]) -> "Concerned":
        """Read it out of events."""
        found = cls(set(), set())
        for event in events:
            found._add(event)
        return found

    def _add(self, event: Mapping[str, Any]) -> None:
        kind = event.get("kind")
        if kind in _OF_USERS or kind in _OF_MEMBERS:
            self.users.add(UserName(event["user"]))
        elif kind in _OF_TENANTS:
            self.tenants.add(TenantName(event["tenant"]))
        elif kind in _OF_SHARES:
            targets = event["shares"].values() if "shares" in event else [event["target"]]
            for text in targets:
                self._add_target(Target.parse(text))
        elif kind == Kind.STATE_IMPORTED:
            self.everybody = True

    def _add_target(self, target: Target) -> None:
        if target.kind is TargetKind.USER:
            self.users.add(UserName(target.name))
        elif target.kind is TargetKind.TENANT:
            self.tenants.add(TenantName(target.name))
        else:
            self.everybody = True


@dataclass(frozen=True, slots=True)
class Effects:
    """Has documents written for whoever a change concerns."""

    writer: Writer

    async def of(self, concerned: Concerned) -> bool:
        """Return once all documents are as they should be; False if some could not be written, and will be later.

        Raises StateUnavailable when it cannot be found out whose they are.
        """
        users = await self._users(concerned)
        places = asyncio.Semaphore(AT_ONCE)

        async def settle(user: UserName) -> bool:
            async with places:
                return await self._unaffected(user) or await self.settled(user)

        return all(await asyncio.gather(*(settle(user) for user in users)))

    async def _unaffected(self, user: UserName) -> bool:
        """Say whether nothing is kept for a user, as for most, or all that is kept is as it should be already.

        Then a change needs no turn, and waits for no disk.  Whoever takes a slot after this look makes keys of what
        governance says after the change, or none.
        """
        try:
            return not await self.writer.slots.taken(user) or await self.writer.in_place(user)
        except VendError:
            return False  # whoever settles it says why not

    async def settled(self, user: UserName) -> bool:
        """Have one user's documents written; False if that failed.  It is noted then, or its event is still unread."""
        try:
            await self.writer.settle(user)
        except VendError as failure:
            _log.warning(
                "what limits live leases is out of date", user=user, reason=failure.code, problem=failure.message
            )
            return False
        return True

    async def _users(self, concerned: Concerned) -> Sequence[UserName]:
        slots = self.writer.slots
        if concerned.everybody:
            return await slots.live_users()
        users = set(concerned.users)
        for tenant in concerned.tenants:
            users.update(await slots.acting_for(tenant))
            _, (members,) = await self.writer.governance.look(("HGETALL", keys.members(tenant)))
            users.update(UserName(member) for member in members)
        if len(users) > _FEW:
            users &= set(await slots.live_users())
        return sorted(users)
