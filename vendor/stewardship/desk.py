"""What all use cases of governance stand on: look for a caller, decide, commit, and decide again after a lost race."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import structlog

from vendor.audit.event import Event, Kind
from vendor.errors import Conflict, RoleRequired, StaleRevision, StateUnavailable
from vendor.governance import edits, keys
from vendor.governance.change import Change, Part
from vendor.governance.records import User
from vendor.governance.state import Governance, Held
from vendor.governance.texts import usable
from vendor.identity.principal import PrincipalKind
from vendor.names import TenantName, UserName
from vendor.policy.grant import Access
from vendor.stewardship.caller import Caller
from vendor.times import Clock, rfc3339

PATIENCE: Final = 5.0  # seconds for which a change is tried again after lost races
_FIRST_PAUSE: Final = 0.002
_LONGEST_PAUSE: Final = 0.1
ANY: Final = -1
"""As a wanted revision: whatever it is, but the object must exist."""

_log = structlog.get_logger(__name__)
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Decided(Generic[_Result]):
    """What a use case answers, and the change with its events that has to be made for it; None for no change."""

    result: _Result
    change: Change | None = None
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class Joins:
    """The tenant that people become members of when they become known, and how."""

    tenant: TenantName
    access: Access


After = Callable[[Sequence[str]], Awaitable[None]]
"""Told the events of a change that was made.  It never fails: the change stands, whatever comes of it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Reads and changes governance on behalf of a caller.  Every method raises StateUnavailable."""

    governance: Governance
    clock: Clock
    joins: Joins | None = None
    after: After | None = None

    async def look(self, caller: Caller, *reads: Sequence[Part]) -> tuple[int, list[Any]]:
        """Read in one step (`Governance.look`).  A caller who is not known yet becomes known.

        Raises RoleRequired for one who is disabled.
        """
        own = ("HGETALL", keys.user(caller.name))
        revision, (fields, *answers) = await self.governance.look(own, *reads)
        if not fields:
            await self.make_known(caller, caller.name, caller.principal.display_name, caller.principal.email)
            revision, (fields, *answers) = await self.governance.look(own, *reads)
        me = User.read(caller.name, fields)
        if me is not None and me.disabled:
            raise RoleRequired("This account is disabled.", remedy="Ask an administrator to enable it again.")
        return revision, answers

    async def commit(self, caller: Caller, decide: Callable[[], Awaitable[Decided[_Result]]]) -> _Result:
        """Run `decide`, which looks and refuses or decides, and make its change; repeat if what it saw has changed.

        Nothing is done for a caller who was disabled meanwhile.  Raises Conflict when others keep being faster.
        """
        return (await self.commit_at(caller, decide))[0]

    async def commit_at(
        self, caller: Caller, decide: Callable[[], Awaitable[Decided[_Result]]]
    ) -> tuple[_Result, int | None]:
        """Do the same, and return the revision that the change brought about, too; None if nothing was changed."""
        deadline = time.monotonic() + PATIENCE
        pause = _FIRST_PAUSE
        while True:
            decided = await decide()
            if decided.change is None:
                return decided.result, None
            decided.change.require(keys.user(caller.name), "disabled", "0")
            revision = await self._committed(decided.change, [event.text() for event in decided.events], deadline)
            if revision is not None:
                return decided.result, revision
            if time.monotonic() > deadline:
                raise Conflict("Too many changes to the same thing at the same time.")
            await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - spreads rivals
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _committed(self, change: Change, events: Sequence[str], deadline: float) -> int | None:
        while True:
            try:
                revision = await self.governance.commit(change, events)
                if revision is not None:
                    await self.tell(events)
                return revision
            except Held:
                if time.monotonic() > deadline:
                    raise StateUnavailable("Changes are held back while the whole state is copied.") from None
                await asyncio.sleep(_LONGEST_PAUSE)

    async def tell(self, events: Sequence[str]) -> None:
        """Let what a change means for live leases happen before the change is answered."""
        if self.after is not None:
            await self.after(events)

    async def make_known(self, caller: Caller, name: UserName, display_name: str | None, email: str | None) -> bool:
        """Make a user known; False, and nothing is done, if they are already.

        People join the tenant that everybody joins, if it exists.
        """
        joins = self.joins
        if name == caller.name and caller.principal.kind is not PrincipalKind.USER:
            joins = None
        if joins is not None:
            _, (exists,) = await self.governance.look(("HGET", keys.tenant(joins.tenant), "rev"))
            if not exists:
                _log.warning("the tenant that everybody joins does not exist", tenant=joins.tenant)
                joins = None
        display_name, email = usable("display_name", display_name) or None, usable("email", email) or None
        now = self.clock()
        change = Change()
        edits.add_user(change, name, rfc3339(now), display_name, email)
        events = [caller.event(Kind.USER_CREATED, now, user=name, display_name=display_name, email=email)]
        if joins is not None:
            edits.set_member(change, joins.tenant, name, joins.access, known=False)
            facts = {"tenant": joins.tenant, "user": name, "access": str(joins.access), "before": None}
            events.append(caller.event(Kind.MEMBER_SET, now, **facts, because="joined_on_becoming_known"))
        known = await self._committed(change, [event.text() for event in events], time.monotonic() + PATIENCE)
        return known is not None


def require_revision(wanted: int | None, found: int) -> None:
    """Raise StaleRevision unless the caller asked for no particular revision, or for this one.

    `found` is 0 for what does not exist; `ANY` asks for whatever exists.
    """
    if wanted is None or wanted == found or (wanted == ANY and found):
        return
    raise StaleRevision("The object has changed since it was read.", details={"revision": found})
