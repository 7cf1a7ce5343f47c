"""Review a tenant's access: who had it since a moment, through what, who made use of it, and what was never used.

Who has access now comes from governance, who had it from the audit log, and use from the counts that the index of the
log keeps by day.  Use means keys that were given; which objects were touched with them is in the store's own log.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vendor.audit.event import Kind
from vendor.audit.reader import Filter, Reader
from vendor.audit.trail import Trail
from vendor.errors import InvalidRequest, NotSteward
from vendor.governance import keys
from vendor.governance.records import Share, Target, TargetKind
from vendor.names import TenantName, UserName
from vendor.stewardship.caller import Caller
from vendor.stewardship.desk import Desk
from vendor.stewardship.reach import Reach
from vendor.stewardship.tenant import read_members, stand_before
from vendor.times import rfc3339

MOST_DAYS: Final = 800
_PAGE: Final = 500
_AT_ONCE: Final = 100
_MEMBER: Final = "member"


@dataclass(frozen=True, slots=True)
class Row:
    """One way to a tenant's data.  `who` is a user, or the target of a share; `until` is None for one that still is.

    `begun` is None for one that was there before the time of the review.  `leases` counts keys that were given because
    of it, `writing` those of them that may write.
    """

    who: str
    through: str
    access: str
    path: str | None = None
    begun: str | None = None
    until: str | None = None
    leases: int = 0
    writing: int = 0
    last_used: str | None = None

    @property
    def finding(self) -> str:
        """What a reviewer should look at: `never used`, `write never used`, or nothing."""
        if self.leases == 0:
            return "never used"
        return "write never used" if self.access in {"write", "read_write"} and not self.writing else ""

    def answer(self) -> dict[str, object]:
        """As the API shows it."""
        shown = {name: getattr(self, name) for name in self.__slots__}
        return {**shown, "finding": self.finding}


@dataclass(frozen=True, slots=True)
class Review:
    """The use case."""

    desk: Desk
    reach: Reach
    reader: Reader
    trail: Trail

    async def of(self, caller: Caller, tenant: TenantName, since: float) -> list[Row]:
        """Return every way to the tenant's data since `since` (seconds).  For its stewards and administrators.

        Raises UnknownTenant, NotSteward, InvalidRequest.  That somebody looked is recorded.
        """
        now = self.desk.clock()
        if not now - MOST_DAYS * 86_400 <= since <= now:
            raise InvalidRequest(f"since: not within the last {MOST_DAYS} days.")
        step = await stand_before(self.desk, caller, tenant, ("HGETALL", keys.members(tenant)))
        if not (caller.admin or step.steward):
            raise NotSteward("Only stewards and administrators review a tenant's access.")
        await self.trail.write(caller.event(Kind.AUDIT_REVIEWED, now, tenant=tenant, since=rfc3339(since)))
        members = {
            user: Row(user, _MEMBER, str(access)) for user, access in read_members(tenant, step.answers[0]).items()
        }
        shares = {share.id: _shared(share) for share in await self._shares(caller, tenant)}
        gone = await self._history(tenant, since, members, shares)
        days = list(_days(since, now))
        rows = [*members.values(), *gone, *shares.values()]
        used = await self._use({_source(tenant, row) for row in rows}, days)
        known = await self._known_since(caller, [row.who for row in members.values()])
        return sorted((_with_use(row, used[_source(tenant, row)], known) for row in rows), key=_order)

    async def _known_since(self, caller: Caller, users: list[str]) -> dict[str, str]:
        """Return the day since which each user is known: what was before is of others who had the name."""
        found: dict[str, str] = {}
        for start in range(0, len(users), _PAGE):
            some = users[start : start + _PAGE]
            _, seen = await self.desk.look(
                caller, *(("HGET", keys.user(UserName(user)), "first_seen") for user in some)
            )
            found |= {user: first[:10] for user, first in zip(some, seen, strict=True) if first}
        return found

    async def _shares(self, caller: Caller, tenant: TenantName) -> list[Share]:
        """Read all shares of the tenant's paths."""
        found: list[Share] = []
        after = ""
        while True:
            page = await self.reach.given(caller, Target(TargetKind.TENANT, tenant), after, _PAGE)
            found += page.shares
            if page.following is None:
                return found
            after = page.following

    async def _history(
        self, tenant: TenantName, since: float, members: dict[str, Row], shares: dict[str, Row]
    ) -> list[Row]:
        """Say of what there is since when it is, and return what is no more."""
        gone: list[Row] = []
        async for event in self._events(tenant, since):
            moment = str(event["time"])
            match event["kind"]:
                case Kind.MEMBER_SET if event["user"] in members:
                    members[event["user"]] = replace(members[event["user"]], begun=moment)
                case Kind.MEMBER_REMOVED:
                    gone.append(Row(event["user"], _MEMBER, str(event.get("before") or ""), until=moment))
                case Kind.SHARE_CREATED:
                    for share in event["shares"].keys() & shares.keys():
                        shares[share] = replace(shares[share], begun=moment)
                case Kind.SHARE_REMOVED if event["owner"] == f"tenant:{tenant}":
                    through = f"share:{event['share']}"
                    gone.append(Row(event["target"], through, "", event["path"], until=moment))
                case _:
                    pass
        return gone

    async def _events(self, tenant: TenantName, since: float) -> Any:
        for kind in (Kind.MEMBER_SET, Kind.MEMBER_REMOVED, Kind.SHARE_CREATED, Kind.SHARE_REMOVED):
            after, more = "0-0", True
            while more:
                page = await self.reader.page(Filter(kind=str(kind), tenant=tenant, since=since), after, _PAGE)
                for found in page.found:
                    yield found.event
                after, more = page.next, page.more

    async def _use(self, sources: Iterable[str], days: list[str]) -> dict[str, dict[str, dict[str, str]]]:
        """Return for each source and day who was given keys because of it, and how often."""
        log = self.reader.log
        wanted = [(source, day) for source in sorted(sources) for day in days]
        used: dict[str, dict[str, dict[str, str]]] = {source: {} for source, _ in wanted}
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            counts = await log.database.get_hashes([log.key(f"used:{source}:{day}") for source, day in some])
            for (source, day), fields in zip(some, counts, strict=True):
                if fields:
                    used[source][day] = fields
        return used


def _shared(share: Share) -> Row:
    return Row(str(share.target), f"share:{share.id}", str(share.level), share.path.text)


def _source(tenant: TenantName, row: Row) -> str:
    """Return what leases call the way of a row."""
    return f"tenant:{tenant}" if row.through == _MEMBER else row.through


def _with_use(row: Row, by_day: dict[str, dict[str, str]], known: dict[str, str]) -> Row:
    leases = writing = 0
    last: str | None = None
    for day, fields in sorted(by_day.items()):
        for field, count in fields.items():
            user, _, level = field.rpartition(" ")
            if row.through == _MEMBER and user != row.who:
                continue
            if row.through == _MEMBER and row.until is None and day < known.get(user, ""):
                continue
            leases += int(count)
            writing += int(count) if level == "write" else 0
            last = day
    return replace(row, leases=leases, writing=writing, last_used=last)


def _days(since: float, now: float) -> Iterator[str]:
    day = datetime.fromtimestamp(since, UTC).date()
    while day <= datetime.fromtimestamp(now, UTC).date():
        yield day.isoformat()
        day += timedelta(days=1)


def _order(row: Row) -> tuple[bool, bool, str, str]:
    return row.until is not None, row.through != _MEMBER, row.who, row.through
