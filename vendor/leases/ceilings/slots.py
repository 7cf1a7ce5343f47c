"""Slots: which documents in a store belong to which live lease, as Redis keeps it.

A user has some slots per store.  Each live lease takes one of its own, so that ending it touches no other; when all are
taken, or wait for the keys of ended leases to run out, further leases share one.  A slot whose lease was ended is given
to nobody before the lease's keys have run out: otherwise what is written for the next lease would revive them.  All
slots of a user are one hash, so that taking one is one atomic step; it runs beside the reading of governance and costs
a lease no round trip.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vendor.database import Argument, Database
from vendor.errors import StateUnavailable
from vendor.governance.state import Subject
from vendor.identity.principal import Principal
from vendor.leases.ceilings import scripts
from vendor.leases.lease import LeaseId
from vendor.names import TenantName, UserName
from vendor.policy.grant import Access
from vendor.times import Clock

LAPSE: Final = 60.0  # seconds after which a slot that was taken for keys that never came is free again
SLACK: Final = 60.0  # how far the store's clock may be behind when keys end
MOST: Final = 256  # slots of one user in one store, those included that wait for the end of ended leases
FOR_SHARING: Final = 8  # of them: whoever ends leases all the time gets keys nevertheless, to end with others or expire
_FORGOTTEN: Final = 86_400


@dataclass(frozen=True, slots=True)
class Who:
    """Whose rights a slot holds: a user's own, or what somebody has who has no home or acts for a tenant."""

    user: UserName
    has_home: bool = True
    tenant: TenantName | None = None
    access: Access | None = None

    @classmethod
    def of(cls, principal: Principal) -> "Who":
        """Return whose rights a principal has."""
        acts = principal.acts_for
        if acts is None:
            return cls(principal.name, principal.has_home)
        return cls(principal.name, principal.has_home, acts.tenant, acts.access)

    @property
    def variant(self) -> str:
        """What tells the slots of this one from those of the user's own, which have none."""
        if self.has_home and self.tenant is None:
            return ""
        return hashlib.sha256(self.text().encode()).hexdigest()[:16]

    @property
    def subject(self) -> Subject:
        """As governance knows it."""
        return Subject(self.user, self.tenant, self.access)

    def text(self) -> str:
        """As it is kept with a slot."""
        return json.dumps([self.has_home, self.tenant, None if self.access is None else str(self.access)])

    @classmethod
    def parse(cls, user: UserName, text: str) -> "Who":
        """Read it back."""
        has_home, tenant, access = json.loads(text)
        return cls(user, bool(has_home), None if tenant is None else TenantName(tenant), access and Access(access))


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot.  `written` are the digests of the documents last written, as far as that is known.

    `wish` is what the one lease in it may do, where that is less than everything and not said by a session policy.
    `loose_until`: until then older keys of the lease may be out that another slot holds.
    """

    store: str
    number: int
    who: Who
    lease: LeaseId
    shared: bool
    ended: bool
    since: float
    until: float
    parts: int
    written: tuple[str, ...]
    wish: str
    loose_until: float

    @property
    def field(self) -> str:
        """Where it is in the hash of its user."""
        return field_of(self.store, self.who.variant, self.number)


def field_of(store: str, variant: str, number: int) -> str:
    """Return where a slot is in the hash of its user."""
    return f"{store}/{variant}/{number}"


class Slots:
    """Keeper of slots.  Every method raises StateUnavailable."""

    def __init__(self, database: Database, prefix: str, clock: Clock, *, own: Mapping[str, int]) -> None:
        self._database = database
        self._prefix = prefix
        self._clock = clock
        self._own = own

    async def reserve(self, who: Who, store: str, lease: LeaseId, *, renewed_until: float = 0.0) -> Slot | None:
        """Take a slot for keys to be made soon; a renewal stays in its own.  None when there is none left.

        `renewed_until` is the end of the lease's present keys.
        """
        now = self._clock()
        arguments: list[Argument] = [f"{store}/{who.variant}/", lease, now, now + LAPSE, self._own[store], MOST]
        said = await self._database.run(
            scripts.RESERVE,
            [self._key(who.user)],
            [*arguments, who.text(), renewed_until, FOR_SHARING],
            repeatable=True,
        )
        return None if not said else _slot(who.user, said[0], said[1])

    async def mark_live(self, who: Who) -> None:
        """Note that a user has live slots, for those who look for everybody that a change concerns."""
        until = self._clock() + _FORGOTTEN
        await self._database.run(scripts.LATER, [self._live()], [who.user, until], repeatable=True)
        if who.tenant is not None:
            await self._database.run(scripts.LATER, [self._acting(who.tenant)], [who.user, until], repeatable=True)

    async def confirm(self, slot: Slot, lease: LeaseId, until: float) -> bool:
        """Keep the slot until its keys end; False if it was ended, or lost, in the meantime."""
        arguments: list[Argument] = [slot.field, lease, until + SLACK, int(until + SLACK + _FORGOTTEN)]
        return bool(await self._database.run(scripts.CONFIRM, [self._key(slot.who.user)], arguments, repeatable=True))

    async def release(self, slot: Slot, lease: LeaseId) -> None:
        """Give back the slot of a new lease whose keys never left the gateway."""
        await self._database.run(scripts.RELEASE, [self._key(slot.who.user)], [slot.field, lease], repeatable=True)

    async def describe(self, slot: Slot, wish: str) -> bool:
        """Say what the one lease in a slot may do; False if it was ended, or lost, in the meantime."""
        arguments: list[Argument] = [slot.field, slot.lease, wish]
        return bool(await self._database.run(scripts.DESCRIBE, [self._key(slot.who.user)], arguments, repeatable=True))

    async def end(self, user: UserName, lease: LeaseId | None) -> list[Slot]:
        """Mark the slot of one lease as ended, or all slots of a user, and return them; nothing for a shared one."""
        said = await self._database.run(scripts.END, [self._key(user)], [lease or "", self._clock()], repeatable=True)
        return _slots(user, said)

    async def taken(self, user: UserName, *, since: float = 0.0) -> list[Slot]:
        """Return the slots of a user that keys may be out for, or were `since` seconds ago; ended ones included."""
        now = self._clock() - since
        return _slots(user, await self._database.run(scripts.TAKEN, [self._key(user)], [now], repeatable=True))

    async def writing(self, user: UserName, slots: Sequence[Slot]) -> None:
        """Forget what the documents of these slots hold: it is about to change."""
        arguments: list[Argument] = [text for slot in slots for text in (slot.field, "", slot.parts)]
        await self._database.run(scripts.WRITTEN, [self._key(user)], arguments, repeatable=True)

    async def forget(self, user: UserName, fields: Iterable[str]) -> None:
        """Forget what the documents of unused slots hold: they are about to be removed."""
        arguments: list[Argument] = [text for field in fields for text in (field, "", 0)]
        await self._database.run(scripts.WRITTEN, [self._key(user)], arguments, repeatable=True)

    async def written(self, user: UserName, written: Mapping[str, Sequence[str]]) -> None:
        """Keep what the documents of slots hold now, as digests."""
        arguments: list[Argument] = [
            text for field, digests in written.items() for text in (field, ",".join(digests), len(digests))
        ]
        await self._database.run(scripts.WRITTEN, [self._key(user)], arguments, repeatable=True)

    async def live_users(self) -> list[UserName]:
        """Return everybody who has live slots."""
        return [UserName(user) for user in await self._database.noted(self._live(), since=self._clock())]

    async def acting_for(self, tenant: TenantName) -> list[UserName]:
        """Return everybody with live slots who acts for a tenant."""
        return [UserName(user) for user in await self._database.noted(self._acting(tenant), since=self._clock())]

    def _key(self, user: UserName) -> str:
        return f"{self._prefix}:ceiling:{user}"

    def _live(self) -> str:
        return f"{self._prefix}:ceilings"

    def _acting(self, tenant: TenantName) -> str:
        return f"{self._prefix}:ceilings:{tenant}"


def _slots(user: UserName, said: Sequence[str]) -> list[Slot]:
    return [_slot(user, field, text) for field, text in zip(said[::2], said[1::2], strict=True)]


def _slot(user: UserName, field: str, text: str) -> Slot:
    try:
        kept: dict[str, Any] = json.loads(text)
        store, _, number = field.split("/")
        return Slot(
            store=store,
            number=int(number),
            who=Who.parse(user, kept["who"]),
            lease=LeaseId(kept["lease"]),
            shared=bool(kept["shared"]),
            ended=bool(kept["ended"]),
            since=float(kept["since"]),
            until=max(float(kept["until"]), float(kept["lapse"])),
            parts=int(kept["parts"]),
            written=tuple(kept["written"].split(",")) if kept["written"] else (),
            wish=kept["wish"],
            loose_until=float(kept["loose"]),
        )
    except (ValueError, KeyError, TypeError) as problem:
        raise StateUnavailable("A stored slot cannot be read.") from problem
