"""Take old events out of Redis, once nobody needs them there any more.

An event goes only if it is older than is to be kept, sealed, indexed, taken by every sink that has to have it, and
dealt with by every consumer group on the stream.  It goes by whole checkpoints, and the log itself says what went.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from vendor.audit.event import Actor, Event, Kind, Origin
from vendor.audit.log import AuditLog
from vendor.audit.seal import head_of
from vendor.audit.sinks.delivery import taken_by
from vendor.database import Script
from vendor.sealed.records import Checkpoint, place
from vendor.times import Clock

LOOK_EVERY: Final = 60.0
AT_ONCE: Final = 20
"""As many checkpoints go in one step."""
_SYSTEM: Final = Actor("", "", "")

# KEYS: stream.  Returns the id up to which every consumer group has dealt with the stream; '' without any group.
_DEALT_WITH: Final = Script("""
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
local ids = {}
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local about = {}
  for at = 1, #group, 2 do about[group[at]] = group[at + 1] end
  local pending = redis.call('XPENDING', KEYS[1], about['name'])
  ids[#ids + 1] = { about['last-delivered-id'], pending[1] > 0 and pending[2] or '' }
end
return ids
""")

# KEYS: stream, checkpoints.  ARGV: first id that stays, number of the first checkpoint that stays.
_TRIM: Final = Script("""
redis.call('XTRIM', KEYS[2], 'MINID', ARGV[2] .. '-0')
return redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])
""")

# KEYS: terms.  ARGV: cursor of the scan, root of the names, first id that stays.  Returns the next cursor.
_TRIM_INDEX: Final = Script("""
local found = redis.call('SSCAN', KEYS[1], ARGV[1], 'COUNT', 200)
for _, name in ipairs(found[2]) do
  local key = ARGV[2] .. ':by:' .. name
  redis.call('XTRIM', key, 'MINID', ARGV[3])
  if redis.call('XLEN', key) == 0 then
    redis.call('DEL', key)
    redis.call('SREM', KEYS[1], name)
  end
end
return found[1]
""")


@dataclass(slots=True)
class Retention:
    """Trims the log.  Events stay for `keep_seconds` in any case, and until the `required` sinks have them."""

    log: AuditLog
    write: Callable[[Event], Awaitable[None]]
    clock: Clock
    keep_seconds: float
    required: Sequence[str] = ()
    _next_look: float = 0.0

    async def duty(self) -> bool:
        """Trim a little, once a minute, or again at once while there is more.  Raises StateUnavailable."""
        if self.clock() < self._next_look:
            return False
        if await self.step():
            return True
        self._next_look = self.clock() + LOOK_EVERY
        return False

    async def step(self) -> bool:
        """Trim up to some checkpoints; False when nothing may go.  Raises StateUnavailable, AuditUnavailable."""
        oldest = head_of(await self.log.oldest())
        if oldest.said is None:
            return False
        upto = await self._upto()
        gone: Checkpoint | None = None
        count = 0
        for number in range(oldest.number, oldest.number + AT_ONCE):
            said = head_of(await self.log.checkpoint(number)).said
            following = await self.log.checkpoint(number + 1)
            if said is None or following is None or place(said.last) > place(upto):
                break
            gone, count = said, count + said.count
        if gone is None:
            return False
        facts: dict[str, object] = {"through": gone.last, "checkpoint": gone.number, "events": count}
        origin = Origin(request_id="", door="retention")
        await self.write(Event(Kind.AUDIT_TRIMMED, self.clock(), _SYSTEM, origin, facts=facts))
        stays = _after(gone.last)
        await self.log.run(_TRIM, ["", "checkpoints"], [stays, str(gone.number + 1)], repeatable=True)
        cursor = "0"
        while True:
            cursor = await self.log.run(_TRIM_INDEX, ["terms"], [cursor, self.log.stream, stays], repeatable=True)
            if cursor == "0":
                return True

    async def _upto(self) -> str:
        """Return the last cursor that nobody needs any more; checkpoints apart."""
        bounds = [f"{max(0, int((self.clock() - self.keep_seconds) * 1000))}-0", await self.log.indexed_to()]
        for delivered, pending in await self.log.run(_DEALT_WITH, [""], [], repeatable=True):
            bounds.append(_before(pending) if pending else delivered)
        for name in self.required:
            sealed = await self.log.checkpoint(await taken_by(self.log, name) or 0)
            said = head_of(sealed).said
            bounds.append("0-0" if said is None else said.last)
        return min(bounds, key=place)


def _after(cursor: str) -> str:
    moment, number = place(cursor)
    return f"{moment}-{number + 1}"


def _before(cursor: str) -> str:
    moment, number = place(cursor)
    return f"{moment}-{number - 1}" if number else f"{moment - 1}-18446744073709551615"
