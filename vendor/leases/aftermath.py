"""What a change of governance means for live leases, before the change is answered and again from the feed.

Documents in the store are rewritten, and all leases of a user who was deleted or disabled are ended.  A request waits
for that a moment and no longer: the change stands, and what is left is done in the background.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from vendor.audit.event import Actor, Event, Kind, Origin
from vendor.database import Database, Script
from vendor.errors import VendError
from vendor.leases.ceilings.effects import Concerned, Effects
from vendor.leases.ending import By, Ending
from vendor.names import UserName
from vendor.tasks import give_up

PATIENCE: Final = 1.0  # seconds for which a change waits for its effects
_REMEMBERED: Final = 86_400
_AT_IT: Final = 20  # seconds after which whoever was at it has died, and somebody else may begin anew
_KNOWN: Final = Script("return redis.call('EXISTS', KEYS[1])")

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Aftermath:
    """The use case.  `effects` is None where no store keeps documents."""

    database: Database
    prefix: str
    effects: Effects | None
    ending: Ending
    patience: float = PATIENCE
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    async def __call__(self, texts: Sequence[str]) -> None:
        """Have the effects of a change happen, and wait for them a moment."""
        task = asyncio.create_task(self._all([json.loads(text) for text in texts]), name="effects of a change")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait([task], timeout=self.patience)

    async def close(self) -> None:
        """Give up what is still running: the feed goes on with it, here or in another replica."""
        await give_up(self._running)

    async def ended(self, event: Mapping[str, Any]) -> bool:
        """End all leases of a user whom this event says to be gone or disabled; once, however often it is read.

        False while somebody else is at it: were it done twice at the same time, the second would end what begins after
        the user was let in again.  Raises StateUnavailable, AuditUnavailable.
        """
        if not _ends_leases(event):
            return True
        done = f"{self.prefix}:ended-by:{event['event_id']}"
        if await self.database.run(_KNOWN, [done], [], repeatable=True):
            return True
        doing = f"{self.prefix}:ending-by:{event['event_id']}"
        if not await self.database.acquire(doing, _AT_IT):
            return False
        try:
            if not await self.database.run(_KNOWN, [done], [], repeatable=True):
                await self.ending.end_all_of(_by(event), UserName(event["user"]))
                await self.database.acquire(done, _REMEMBERED)
        finally:
            await self.database.delete(doing)
        return True

    async def _all(self, events: Sequence[Mapping[str, Any]]) -> None:
        try:
            if self.effects is not None:
                await self.effects.of(Concerned.by(events))
            for event in events:
                await self.ended(event)
        except VendError as failure:
            _log.warning("effects of a change are late", reason=failure.code, problem=failure.message)
        except Exception:  # noqa: BLE001 - logged; the feed comes by again
            _log.exception("effects of a change failed")


def _ends_leases(event: Mapping[str, Any]) -> bool:
    if event.get("kind") == Kind.USER_DELETED:
        return True
    return event.get("kind") == Kind.USER_CHANGED and event.get("changed", {}).get("disabled") is True


def _by(event: Mapping[str, Any]) -> By:
    """Whoever brought the change about ends the leases, too."""
    actor = Actor(**event["actor"])
    client = event.get("client", {})
    origin = Origin(event["request_id"], event["door"], client.get("address"), client.get("user_agent"))

    def opened(kind: Kind, now: float, **facts: object) -> Event:
        return Event(kind, now, actor, origin, facts={**facts, "because": event["kind"]})

    return By(actor.name, opened)
