"""End leases before their time, and say honestly when the keys that are out stop working."""

from dataclasses import dataclass

from vendor.audit.event import Kind
from vendor.audit.trail import Trail
from vendor.errors import UnknownLease
from vendor.leases.lease import LeaseId
from vendor.leases.register import Kept, Register
from vendor.names import UserName
from vendor.stewardship.caller import Caller, require_admin
from vendor.times import Clock, rfc3339


@dataclass(frozen=True, slots=True)
class Ended:
    """What ending a lease came to.  `how` is what makes its keys stop working, `at_latest` when (RFC 3339)."""

    lease: LeaseId
    effective: str
    at_latest: str
    how: str

    def answer(self) -> dict[str, object]:
        """As the API and the audit log say it."""
        return {"revoked": True, "effective": self.effective, "at_latest": self.at_latest, "how": self.how}


@dataclass(frozen=True, slots=True)
class Ending:
    """The use case."""

    register: Register
    trail: Trail
    clock: Clock

    async def end(self, caller: Caller, lease: LeaseId) -> Ended:
        """End one lease, for its holder and for administrators.  Ending it again answers the same.

        Raises UnknownLease (also for somebody else's), StateUnavailable, AuditUnavailable.
        """
        kept = await self.register.get(lease)
        me = caller.principal
        if kept is None or not (me.admin or me.name == kept.holder.name):
            raise UnknownLease("There is no such lease.")
        return await self.end_kept(caller, kept)

    async def end_all(self, caller: Caller, user: UserName) -> list[Ended]:
        """End all live leases of a user, for that user and for administrators.  Raises as `end` does, RoleRequired."""
        if user != caller.principal.name:
            require_admin(caller, "end somebody else's leases")
        return [await self.end_kept(caller, kept) async for kept in self.register.of(user, since=self.clock())]

    async def end_kept(self, caller: Caller, kept: Kept) -> Ended:
        """End a lease that was read already.  If it was renewed since, its newest keys decide when it is over."""
        now = self.clock()
        while (said := await self.register.end(kept, self._first(caller, kept, now))) is None:
            read_again = await self.register.get(kept.id)
            if read_again is None:
                raise UnknownLease("There is no such lease.")
            kept = read_again
        ended = Ended(kept.id, "at_expiry", str(said["at_latest"]), str(said["how"]))
        if kept.ended is None:
            facts = {"lease": kept.id, "holder": kept.holder.name, **ended.answer()}
            await self.trail.write(caller.event(Kind.LEASE_REVOKED, now, **facts))
        return ended

    def _first(self, caller: Caller, kept: Kept, now: float) -> dict[str, object]:
        at_latest = rfc3339(max(now, kept.expires_at))
        return {"at": rfc3339(now), "by": caller.principal.name, "at_latest": at_latest, "how": "expiry"}
