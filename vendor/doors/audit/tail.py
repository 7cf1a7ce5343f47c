"""The audit log as server-sent events, for as long as somebody listens and may."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from vendor.audit.log import later
from vendor.audit.parts import AuditParts
from vendor.audit.reader import Filter, Found
from vendor.errors import StateUnavailable

BATCH: Final = 200
SILENCE: Final = 15.0  # seconds after which a comment is sent, so that nobody in between takes the connection for dead
LONGEST: Final = 3600.0
RETRY_MS: Final = 2000


@dataclass(slots=True)
class Tail:
    """One listener.

    `until` is the end of its identity token, in seconds since the epoch; `may` says whether its user still may listen.
    """

    parts: AuditParts
    wanted: Filter
    after: str
    line: Callable[[Found], str]
    who: str
    until: float
    may: Callable[[], Awaitable[bool]]

    async def text(self) -> AsyncIterator[str]:
        """Yield what is sent.  Where the log cannot be read it ends, and the listener comes back by itself."""
        self.parts.tails.enter(self.who)
        try:
            yield f"retry: {RETRY_MS}\n\n"
            ends = time.monotonic() + min(LONGEST, self.until - self.parts.clock())
            while (left := ends - time.monotonic()) > 0:
                newest = await self.parts.log.last()
                page = await self.parts.reader.page(self.wanted, self.after, BATCH)
                if not await self.may():
                    return
                if page.found:
                    yield "".join(self._shown(found) for found in page.found)
                self.after = page.next
                if page.more:
                    continue
                self.after = later(page.next, newest)
                if not await self.parts.pulse.beyond(self.after, min(SILENCE, left)):
                    yield ": nothing new\n\n"
        except StateUnavailable:
            return
        finally:
            self.parts.tails.leave(self.who)

    def _shown(self, found: Found) -> str:
        kind = str(found.event.get("kind", "")).replace("\n", " ").replace("\r", " ")
        return f"id: {found.entry.cursor}\nevent: {kind}\ndata: {self.line(found)}\n\n"
