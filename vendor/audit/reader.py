"""Read the log in pages, oldest first: everything, or what a filter leaves of it.

Filters are looked up in the index as far as that goes; what is newer is read from the stream itself, so an event shows
as soon as it is written.  A page may be shorter than asked where very much has to be looked through; it says so.
"""

import time
from dataclasses import dataclass, field
from typing import Any, Final

from vendor.audit import terms
from vendor.audit.index import read_event
from vendor.audit.log import AuditLog, Entry, Term, later
from vendor.sealed.records import place

MOST_SECONDS: Final = 0.08
"""After so long a page that is not full yet goes out as it is."""
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the log is wanted.  Empty members do not narrow it.

    `since` and `until` are times (seconds) at which the log took an event, `until` excluded.  `about` is a user whom
    it must be about whatever else is asked: what somebody who is no administrator sees.
    """

    kind: str | None = None
    user: str | None = None
    tenant: str | None = None
    lease: str | None = None
    access_key: str | None = None
    since: float | None = None
    until: float | None = None
    about: str | None = None

    def keeps(self, event: dict[str, Any]) -> bool:
        """Say whether an event is wanted; times apart."""
        people = terms.people(event)
        return (
            (self.kind is None or event.get("kind") == self.kind)
            and (self.user is None or self.user in people)
            and (self.about is None or self.about in people)
            and (self.tenant is None or self.tenant in terms.tenants(event))
            and (self.lease is None or self.lease in terms.leases(event))
            and (self.access_key is None or self.access_key in terms.access_keys(event))
        )

    def terms(self) -> list[Term]:
        """Return what the index is asked for, the narrowest first; all that is wanted is under all of them."""
        if self.lease is not None:
            return [terms.by_lease(self.lease)]
        if self.access_key is not None:
            return [terms.by_access_key(self.access_key)]
        people = dict.fromkeys(user for user in (self.about, self.user) if user is not None)
        found = [
            terms.by_user(user) if self.kind is None else terms.by_user_and_kind(user, self.kind) for user in people
        ]
        if self.tenant is not None:
            found.append(terms.by_tenant(self.tenant))
        if self.kind is not None and not people:
            rarer = not self.kind.startswith("vend.")  # than all there is of a tenant
            found.insert(0 if rarer else len(found), terms.by_kind(self.kind))
        return found

    @property
    def exact(self) -> bool:
        """Whether everything that the index finds is wanted, so that no more than is missing need be read."""
        narrowing = (self.lease, self.access_key, self.tenant, self.user, self.about, self.kind)
        return (self.lease, self.access_key) == (None, None) or sum(one is not None for one in narrowing) == 1

    def begin(self, after: str) -> str:
        """Return the cursor after which the wanted events begin."""
        return after if self.since is None else later(after, just_before(self.since))

    @property
    def end(self) -> str:
        """The last cursor that may be wanted."""
        return "+" if self.until is None else just_before(self.until)


@dataclass(frozen=True, slots=True)
class Found:
    """One event: its cursor, its stored text, and what that says."""

    entry: Entry
    event: dict[str, Any]


@dataclass(slots=True)
class Page:
    """Some events.  `next` is where to go on; `more` says that there is more already, or may be."""

    found: list[Found] = field(default_factory=list)
    next: str = "0-0"
    more: bool = False


class Reader:
    """Reads pages.  Methods raise StateUnavailable."""

    def __init__(self, log: AuditLog) -> None:
        self.log = log

    async def page(self, wanted: Filter, after: str, limit: int) -> Page:
        """Return up to `limit` events after the cursor `after`."""
        page = Page(next=after)
        ends = time.monotonic() + MOST_SECONDS
        position = wanted.begin(after)
        found = wanted.terms()
        if found:
            mark = await self.log.indexed_to()
            if place(position) < place(mark):
                until = mark if wanted.end == "+" or place(mark) < place(wanted.end) else wanted.end
                position = await self._from_index(page, wanted, position, until, limit, ends)
        if not page.more:
            await self._from_stream(page, wanted, position, limit, ends)
        return page

    async def _from_index(self, page: Page, wanted: Filter, after: str, until: str, limit: int, ends: float) -> str:
        """Fill a page from the index up to `until`; return where the stream has to be read from then."""
        position: str | None = after
        while position is not None:
            room = min(_BATCH, limit - len(page.found) + 1) if wanted.exact else _BATCH
            position, entries = await self.log.found(wanted.terms(), position, until, room)
            if not self._take(page, wanted, entries, limit):
                return page.next
            page.next = later(page.next, until if position is None else position)
            if position is not None and time.monotonic() > ends:
                page.more = True
                return page.next
        return until

    async def _from_stream(self, page: Page, wanted: Filter, after: str, limit: int, ends: float) -> None:
        position = after
        while True:
            count = _BATCH if wanted.terms() else min(_BATCH, limit - len(page.found) + 1)
            entries = await self.log.between(position, wanted.end, count)
            if not self._take(page, wanted, entries, limit):
                return
            if entries:
                position = page.next = entries[-1].cursor
            if len(entries) < count:
                return
            if time.monotonic() > ends:
                page.more = True
                return

    def _take(self, page: Page, wanted: Filter, entries: list[Entry], limit: int) -> bool:
        """Add what is wanted to a page; False once it is full and there is another one."""
        for entry in entries:
            if len(page.found) == limit:
                page.more = True
                return False
            event = read_event(entry.text)
            if wanted.keeps(event):
                page.found.append(Found(entry, event))
                page.next = entry.cursor
        return True


def just_before(moment: float) -> str:
    """Return the last cursor that the log can have given before a moment."""
    milliseconds = int(moment * 1000)
    return "0-0" if milliseconds <= 0 else f"{milliseconds - 1}-18446744073709551615"
