"""End leases before their time, and say honestly when the keys that are out stop working.

That is at once where the store keeps documents that limit them, and only said after it was seen; else when they expire.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from vendor.audit.event import Event, Kind
from vendor.audit.trail import Trail
from vendor.errors import StateUnavailable, StoreRefused, StoreUnavailable, UnknownLease
from vendor.leases.ceilings.ceilings import Ceilings
from vendor.leases.lease import LeaseId
from vendor.leases.register import Kept, Register
from vendor.names import Bucket, Prefix, UserName, parse_s3_path
from vendor.stewardship.caller import Caller, require_admin
from vendor.times import Clock, rfc3339

NOW: Final = "now"
AT_EXPIRY: Final = "at_expiry"

_log = structlog.get_logger(__name__)


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
class By:
    """Who ends leases: their name, and how their events are opened."""

    name: str
    event: Callable[..., Event]

    @classmethod
    def caller(cls, caller: Caller) -> "By":
        """Somebody who asks for it."""
        return cls(caller.name, caller.event)


@dataclass(frozen=True, slots=True)
class Ending:
    """The use case."""

    register: Register
    trail: Trail
    clock: Clock
    ceilings: Ceilings | None = None

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
        return await self.end_all_of(By.caller(caller), user)

    async def end_all_of(self, by: By, user: UserName) -> list[Ended]:
        """End all live leases of a user at once, so that also those that share documents end now.

        Among them are those that were ended before and whose keys may still work: now these may end, too.
        """
        now = self.clock()
        live = [kept async for kept in self.register.of(user, since=now) if not _is_over(kept, now)]
        marked = [(kept, await self._mark(by, kept)) for kept in live]
        kept_by_store = [kept for kept in live if _has_ceiling(kept)]
        now_over = bool(kept_by_store) and await self._ceiling_ended(user, None, kept_by_store[0])
        return [await self._ended(by, kept, said, over=now_over and _has_ceiling(kept)) for kept, said in marked]

    async def end_kept(self, caller: Caller, kept: Kept) -> Ended:
        """End a lease that was read already.  If it was renewed since, its newest keys decide when it is over."""
        by = By.caller(caller)
        said = await self._mark(by, kept)
        over = said.get("effective") != NOW and _has_ceiling(kept)
        over = over and await self._ceiling_ended(kept.holder.name, kept.id, kept)
        return await self._ended(by, kept, said, over=over)

    async def _mark(self, by: By, kept: Kept) -> Mapping[str, Any]:
        """Have no further keys come of a lease, and return how it was ended the first time."""
        while (said := await self.register.end(kept, self._first(by, kept))) is None:
            read_again = await self.register.get(kept.id)
            if read_again is None:
                raise UnknownLease("There is no such lease.")
            kept = read_again
        return said

    async def _ceiling_ended(self, user: UserName, lease: LeaseId | None, kept: Kept) -> bool:
        """Take what the documents in the store allow away, from one lease or from all, and see that it is gone."""
        if self.ceilings is None:
            return False
        try:
            return await self.ceilings.end(user, lease, _place(kept))
        except (StoreUnavailable, StoreRefused, StateUnavailable) as failure:
            _log.warning(
                "keys of an ended lease may last until they expire",
                lease=kept.id,
                reason=failure.code,
                problem=failure.message,
            )
            return False

    async def _ended(self, by: By, kept: Kept, said: Mapping[str, Any], *, over: bool) -> Ended:
        """Record how a lease ended, the first time and when it turned out to be over sooner."""
        now = self.clock()
        if over and said.get("effective") != NOW:
            said = {**said, "effective": NOW, "at_latest": rfc3339(now), "how": "ceiling"}
            await self.register.amend_end(kept.id, said)
        ended = Ended(kept.id, str(said.get("effective", AT_EXPIRY)), str(said["at_latest"]), str(said["how"]))
        if kept.ended is None or (over and kept.ended.get("effective") != NOW):
            facts = {"lease": kept.id, "holder": kept.holder.name, **ended.answer()}
            await self.trail.write(by.event(Kind.LEASE_REVOKED, now, **facts))
        return ended

    def _first(self, by: By, kept: Kept) -> dict[str, object]:
        now = self.clock()
        at_latest = rfc3339(max(now, kept.expires_at))
        return {"at": rfc3339(now), "by": by.name, "effective": AT_EXPIRY, "at_latest": at_latest, "how": "expiry"}


def _is_over(kept: Kept, now: float) -> bool:
    """Say whether a lease was ended, and no keys of it work any more."""
    return kept.ended is not None and (kept.ended.get("effective") == NOW or kept.expires_at <= now)


def _has_ceiling(kept: Kept) -> bool:
    return str(kept.view.get("policy", {}).get("form", "")).endswith("ceiling")


def _place(kept: Kept) -> tuple[Bucket, Prefix]:
    path = parse_s3_path(kept.view["scope"][0]["path"])
    return path.bucket, path.prefix
