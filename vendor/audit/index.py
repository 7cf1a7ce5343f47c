"""Keep the index over the stream: who is in which event, and how often what was granted is made use of.

The index follows the stream in batches.  Each batch is one step that also moves the mark up to which the index is
complete, and does nothing where another replica was faster; so no event is counted twice and none is left out.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

import structlog

from vendor.audit.log import AuditLog, Entry
from vendor.audit.terms import terms, uses
from vendor.database import Argument, Script
from vendor.times import rfc3339

BATCH: Final = 32  # events; Redis and the event loop do nothing else meanwhile, some 0.1 ms for each
USES_KEPT: Final = 800 * 86_400  # seconds for which it is remembered who made use of what
_log = structlog.get_logger(__name__)

# KEYS: index.  ARGV: mark as read, new mark, root of the names, seconds for which uses are kept, JSON
# {entries: [[name, id, term]], uses: [[name, field]]}.  Returns 1, or 0 if the mark was moved meanwhile.
# Names of the index are remembered, so that it can be trimmed.
_ADD: Final = Script("""
local mark = redis.call('HGET', KEYS[1], 'at') or '0-0'
if mark ~= ARGV[1] then return 0 end
local batch = cjson.decode(ARGV[5])
for _, entry in ipairs(batch.entries) do
  local key = ARGV[3] .. ':by:' .. entry[1]
  if redis.call('EXISTS', key) == 0 then redis.call('SADD', ARGV[3] .. ':terms', entry[1]) end
  redis.call('XADD', key, entry[2], 't', entry[3])
end
for _, use in ipairs(batch.uses) do
  local key = ARGV[3] .. ':used:' .. use[1]
  redis.call('HINCRBY', key, use[2], 1)
  redis.call('EXPIRE', key, ARGV[4])
end
redis.call('HSET', KEYS[1], 'at', ARGV[2])
return 1
""")


class Indexer:
    """Brings the index up to date.  Methods raise StateUnavailable."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    async def step(self) -> bool:
        """Add one batch of events; False when there was none to add."""
        mark = await self._log.indexed_to()
        entries = await self._log.between(mark, count=BATCH)
        if not entries:
            return False
        arguments: list[Argument] = [mark, entries[-1].cursor, self._log.stream, USES_KEPT, json.dumps(_batch(entries))]
        await self._log.run(_ADD, ["index"], arguments, repeatable=False)
        return True

    async def catch_up(self) -> None:
        """Add everything there is."""
        while await self.step():
            pass


def read_event(text: str) -> dict[str, Any]:
    """Return a stored event; an empty one for what is not an event."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def day_of(cursor: str) -> str:
    """Return the day (UTC) on which the log took an event."""
    return rfc3339(int(cursor.partition("-")[0]) / 1000)[:10]


def _batch(entries: Sequence[Entry]) -> dict[str, object]:
    index: list[tuple[str, str, str]] = []
    used: list[tuple[str, str]] = []
    for entry in entries:
        event = read_event(entry.text)
        if not event:
            _log.error("audit stream holds what is no event", cursor=entry.cursor)
        index += ((_plain(term.key), entry.cursor, _plain(term.value)) for term in dict.fromkeys(terms(event)))
        day = day_of(entry.cursor)
        used += ((_plain(f"{source}:{day}"), _plain(f"{user} {level}")) for source, user, level in uses(event))
    return {"entries": index, "uses": used}


def _plain(text: str) -> str:
    """Return a text without halves of characters, which Redis's JSON does not take."""
    return text.encode("utf-8", "replace").decode("utf-8")
