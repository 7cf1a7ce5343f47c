"""Who reads the audit log, and what of it is theirs to see.

Administrators see all, others what they did and what concerns them, since their account is there.
"""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from vendor.audit.parts import AuditParts
from vendor.audit.reader import just_before
from vendor.doors.context import caller, gateway
from vendor.errors import RoleRequired
from vendor.governance import keys as keys_of
from vendor.sealed.records import place
from vendor.stewardship.caller import Caller
from vendor.times import parse_rfc3339


def sees_all(who: Caller) -> bool:
    """Say whether a caller sees every event: administrators, unless their token is limited to part of their rights."""
    return who.admin and who.principal.acts_for is None and who.principal.max_scope is None


@dataclass(frozen=True, slots=True)
class Reading:
    """Somebody who reads, and when they were first seen: what was before concerns others who had their name."""

    who: Caller
    parts: AuditParts
    first_seen: str

    @property
    def since(self) -> float | None:
        """The moment (seconds) from which on events are theirs to see; None for who sees all."""
        return None if sees_all(self.who) else parse_rfc3339(self.first_seen)


async def reader(request: Request) -> Reading:
    """Authenticate somebody who may read about themself at least.  Raises RoleRequired for one who is disabled."""
    who = await caller(request)
    parts = gateway(request)
    _, (first_seen,) = await parts.users.desk.look(who, ("HGET", keys_of.user(who.name), "first_seen"))
    if not first_seen:  # deleted while we looked
        raise RoleRequired("This account is gone.", remedy="Sign in again.")
    return Reading(who, parts.audit, first_seen)


def may_see(me: Reading, cursor: str, event: dict[str, Any]) -> bool:
    """Say whether a reader may see an event as it stands: only as it was stored does it prove anything."""
    if me.since is None:
        return True
    return place(cursor) > place(just_before(me.since)) and (event.get("actor") or {}).get("name") == me.who.name
