"""The audit log as it lies in Redis: the stream of events, the index over it, and the checkpoints beside it.

Everything is in the slot of governance.  An event's cursor is its id in the stream, which only grows, also when a clock
goes back.  Reads here are in whole steps, so that no page mixes two states of the index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from vendor.database import Argument, Database, Script
from vendor.sealed.records import place

START: Final = "0-0"
"""The cursor before the first event."""

# KEYS: stream.  ARGV: after, up to ('+' for the end), count.  Returns entries.
_BETWEEN: Final = Script("return redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], ARGV[2], 'COUNT', ARGV[3])")

# KEYS: stream.  Returns the id of its last entry, also of one that was removed; '0-0' when there never was any.
_LAST: Final = Script("""
if redis.call('EXISTS', KEYS[1]) == 0 then return '0-0' end
local info = redis.call('XINFO', 'STREAM', KEYS[1])
for at = 1, #info, 2 do
  if info[at] == 'last-generated-id' then return info[at + 1] end
end
""")

# KEYS: stream, one stream of the index, others that must have the same events.  ARGV: after, up to, count, term or ''.
# Some streams of the index hold several terms; their entries say which.
# Returns {where the search ended or '' for the end, entries of the events that were found}.
_FOUND: Final = Script("""
local found, position, left = {}, ARGV[1], 5
local wanted = tonumber(ARGV[3])
local function in_others(id)
  for at = 3, #KEYS do
    if #redis.call('XRANGE', KEYS[at], id, id) == 0 then return false end
  end
  return true
end
while left > 0 do
  local entries = redis.call('XRANGE', KEYS[2], '(' .. position, ARGV[2], 'COUNT', 1000)
  for _, entry in ipairs(entries) do
    position = entry[1]
    if (ARGV[4] == '' or entry[2][2] == ARGV[4]) and in_others(position) then
      for _, event in ipairs(redis.call('XRANGE', KEYS[1], position, position)) do found[#found + 1] = event end
      if #found >= wanted then return { position, found } end
    end
  end
  if #entries < 1000 then return { '', found } end
  left = left - 1
end
return { position, found }
""")

# KEYS: checkpoints.  ARGV: number, or '+' for the newest.  Returns entries.
_CHECKPOINT: Final = Script("""
if ARGV[1] == '+' then return redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1) end
return redis.call('XRANGE', KEYS[1], ARGV[1] .. '-0', ARGV[1] .. '-0')
""")

# KEYS: checkpoints.  Returns the entry of the oldest checkpoint that is kept.
_OLDEST: Final = Script("return redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as it is stored: its cursor, the governance revision it brought about if any, and its text."""

    cursor: str
    revision: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """One checkpoint as it is stored."""

    number: int
    jws: str
    leaves: str


@dataclass(frozen=True, slots=True)
class Term:
    """Where the index has the events of one kind, person, or lease; `value` tells them apart where several share."""

    key: str
    value: str = ""


class AuditLog:
    """Reads the log.  Every method raises StateUnavailable."""

    def __init__(self, database: Database, stream: str) -> None:
        self.database = database
        self.stream = stream

    def key(self, name: str) -> str:
        """Return the name of a key that belongs to the log."""
        return f"{self.stream}:{name}"

    async def between(self, after: str, until: str = "+", count: int = 100) -> list[Entry]:
        """Read up to `count` events after the cursor `after`, oldest first."""
        return _entries(await self._read(_BETWEEN, [self.stream], [after, until, count]))

    async def last(self) -> str:
        """Return the cursor of the newest event."""
        return str(await self._read(_LAST, [self.stream], []))

    async def indexed_to(self) -> str:
        """Return the cursor up to which the index is complete."""
        return (await self.database.get_hash(self.key("index"))).get("at", START)

    async def found(self, terms: Sequence[Term], after: str, until: str, count: int) -> tuple[str | None, list[Entry]]:
        """Look up to `count` events up that the index has under all terms; only the first may share its stream.

        With the place where the search broke off, None at the end.
        """
        keys = [self.stream, *(self.key(f"by:{term.key}") for term in terms)]
        position, entries = await self._read(_FOUND, keys, [after, until, count, terms[0].value])
        return position or None, _entries(entries)

    async def head(self) -> Sealed | None:
        """Return the newest checkpoint."""
        return _sealed(await self._read(_CHECKPOINT, [self.key("checkpoints")], ["+"]))

    async def oldest(self) -> Sealed | None:
        """Return the oldest checkpoint that is kept."""
        return _sealed(await self._read(_OLDEST, [self.key("checkpoints")], []))

    async def checkpoint(self, number: int) -> Sealed | None:
        """Return one checkpoint."""
        return _sealed(await self._read(_CHECKPOINT, [self.key("checkpoints")], [number]))

    async def run(
        self, script: Script, names: Sequence[str], arguments: Sequence[Argument], *, repeatable: bool
    ) -> Any:
        """Run a script on keys of the log; the empty name is the stream itself."""
        keys = [self.key(name) if name else self.stream for name in names]
        return await self.database.run(script, keys, arguments, repeatable=repeatable)

    async def _read(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        return await self.database.run(script, keys, arguments, repeatable=True)


def later(one: str, other: str) -> str:
    """Return the later of two cursors."""
    return max(one, other, key=place)


def _entries(found: list[Any]) -> list[Entry]:
    entries = []
    for cursor, flat in found:
        members = dict(zip(flat[::2], flat[1::2], strict=True))
        if "event" in members:
            entries.append(Entry(str(cursor), members.get("revision"), members["event"]))
    return entries


def _sealed(found: list[Any]) -> Sealed | None:
    if not found:
        return None
    cursor, flat = found[0]
    members = dict(zip(flat[::2], flat[1::2], strict=True))
    return Sealed(int(str(cursor).partition("-")[0]), members["jws"], members["leaves"])
