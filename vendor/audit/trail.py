"""The durable stream of audit events in Redis.

The stream lies in the same slot as governance, so that a change and its event are one step.  Whether a written entry
survives a crash is a setting of Redis (`appendonly yes`, `appendfsync always`).
"""

import structlog

from vendor.audit.event import Event
from vendor.database import Database
from vendor.errors import AuditUnavailable, StateUnavailable

_log = structlog.get_logger(__name__)


def stream_key(root: str) -> str:
    """Return the name of the stream beside governance keys that begin with `root`."""
    return f"{root}:audit"


class Trail:
    """Writer of the stream."""

    def __init__(self, database: Database, stream: str) -> None:
        self._database = database
        self._stream = stream

    async def write(self, event: Event) -> None:
        """Append one event.  Raises AuditUnavailable when it was not written, or may not have been."""
        try:
            await self._database.append(self._stream, {"event": event.text()})
        except StateUnavailable as failure:
            raise AuditUnavailable("The audit log does not take events.") from failure

    async def write_refusal(self, event: Event) -> None:
        """Append the event of a refusal.  No key went out, so where it cannot be written the refusal itself stands."""
        try:
            await self.write(event)
        except AuditUnavailable:
            _log.error("refusal not recorded", audit_event=event.event_id, reason=event.reason)
