"""Which live leases of somebody reach a path: an index beside that of their ids, in the same slot of a cluster.

Many leases of a user have the same scope, so a scope is indexed once, by its outermost places, and names its leases
with the end of their keys.  To count is to find the scopes that overlap a path and to count in each, all of it in one
step in Redis and without reading a lease.

It only counts.  What a crash or an outage leaves undone, or two renewals of one lease at the same time, make a count
wrong until the keys in question expire, and nothing else.  Leases that an earlier release made are in it once they are
renewed; the others' keys are gone within the longest life of keys.

Of the index `I` of a user's leases these are `{I}:reach`, a sorted set of scopes by the last end of keys among their
leases; `{I}:reach:places`, a lexical index of a place and the digest of a scope that it is in; and for each scope
`{I}:reach:` and its digest, a sorted set of leases by the end of their keys.  All of them go by themselves.
"""

from collections.abc import Iterable
from typing import Final, NewType

from vendor.database import Database, Script
from vendor.leases.lease import LeaseId
from vendor.names import S3Path

Scope = NewType("Scope", str)
"""The outermost places of a scope, sorted, a line each; no name holds a line's end."""

MOST_PLACES: Final = 1000  # of places that overlap a path; more are not counted, which would hold Redis up
KEPT: Final = 3600  # seconds after the last end of keys; clocks may be apart
_CLEARED: Final = 2  # scopes without live leases, for each lease that is entered: more than can come to be

# A place in the lexical index is followed by the digest of a scope, 40 digits, on a line of its own.
_BASE: Final = """
local function leases_of(reach, scope) return reach .. ':' .. redis.sha1hex(scope) end

local function each_entry(scope, act)
  local digest = redis.sha1hex(scope)
  for place in string.gmatch(scope, '[^\\n]+') do act(place .. '\\n' .. digest) end
end

local function forget(reach, places, scope)
  each_entry(scope, function(entry) redis.call('ZREM', places, entry) end)
  redis.call('ZREM', reach, scope)
  redis.call('DEL', leases_of(reach, scope))
end

local function keep(key, gone)
  if redis.call('EXPIREAT', key, gone, 'GT') == 0 then redis.call('EXPIREAT', key, gone, 'NX') end
end

local function leave(reach, places, lease, scope)
  local leases = leases_of(reach, scope)
  if redis.call('ZREM', leases, lease) == 1 and redis.call('EXISTS', leases) == 0 then forget(reach, places, scope) end
end

local function enter(reach, places, lease, scope, expires_at, now, gone, cleared)
  local leases = leases_of(reach, scope)
  redis.call('ZADD', leases, 'GT', expires_at, lease)
  redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
  if redis.call('ZADD', reach, 'GT', expires_at, scope) == 1 then
    each_entry(scope, function(entry) redis.call('ZADD', places, 0, entry) end)
  end
  for _, past in ipairs(redis.call('ZRANGEBYSCORE', reach, '-inf', now, 'LIMIT', 0, cleared)) do
    forget(reach, places, past)
  end
  keep(leases, gone)
  keep(reach, gone)
  keep(places, gone)
end
"""

# KEYS: reach, places, index.  ARGV: lease, scope, expires_at, now, moment when all is gone, how many to clear; until
# when the lease is in the index, the end before which others are dropped from it.
_NEW: Final = Script(
    _BASE
    + """
redis.call('ZADD', KEYS[3], ARGV[7], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', ARGV[8])
return enter(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6])
"""
)

# KEYS: reach, places.  ARGV: as above up to how many to clear; the scope that the lease had.
_RENEWED: Final = Script(
    _BASE
    + """
if ARGV[7] ~= ARGV[2] then leave(KEYS[1], KEYS[2], ARGV[1], ARGV[7]) end
return enter(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6])
"""
)

# KEYS: reach, places.  ARGV: lease, scope.
_LEAVE: Final = Script(_BASE + "return leave(KEYS[1], KEYS[2], ARGV[1], ARGV[2])")

# KEYS: reach, places.  ARGV: place, now, how many places to look at.  Returns how many leases there are, or nothing
# where there are more places.  What overlaps a place is a folder above it, or begins with it.
_COUNT: Final = Script("""
local place, most = ARGV[1], tonumber(ARGV[3])
local seen, scopes = 0, {}
local function look(first, last)
  local found = redis.call('ZRANGEBYLEX', KEYS[2], first, last, 'LIMIT', 0, most - seen + 1)
  for _, entry in ipairs(found) do scopes[string.sub(entry, -40)] = true end
  seen = seen + #found
end
for at in string.gmatch(place, '()/') do
  local folder = string.sub(place, 1, at)
  if seen <= most and folder ~= place then look('[' .. folder .. '\\n', '(' .. folder .. '\\011') end
end
if seen <= most then look('[' .. place, '(' .. place .. '\\255') end
if seen > most then return false end
local count = 0
for digest in pairs(scopes) do
  count = count + redis.call('ZCOUNT', KEYS[1] .. ':' .. digest, '(' .. ARGV[2], '+inf')
end
return count
""")


def scope_of(paths: Iterable[str]) -> Scope:
    """Return the scope of the paths of a lease, as the API shows them.

    They are taken as they are: what cannot be parsed any more must not be in the way of ending a lease.
    """
    outermost: list[str] = []
    for place in sorted({_place(path) for path in paths}):  # what lies in a folder follows it without a gap
        if not outermost or not place.startswith(outermost[-1]):
            outermost.append(place)
    return Scope("\n".join(outermost))


def _place(path: str) -> str:
    place = path.partition("://")[2]
    return place if place.endswith("/") else place + "/"


class Reaching:
    """Keeper of the index of somebody's leases, and of that by what they reach.  All methods raise StateUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def new(
        self, index: str, lease: LeaseId, scope: Scope, *, expires_at: float, now: float, until: float, forgotten: float
    ) -> None:
        """Enter a new lease, whose keys end at `expires_at` and which is in the index of ids until `until`.

        Ids that mattered until before `forgotten` are dropped from that.
        """
        arguments = [*_entry(lease, scope, expires_at, now), until, forgotten]
        await self._database.run(_NEW, [*_keys(index), index], arguments, repeatable=True)

    async def renewed(
        self, index: str, lease: LeaseId, scope: Scope, *, before: Scope, expires_at: float, now: float
    ) -> None:
        """Enter a lease again whose keys end later now, and which may have had another scope `before`."""
        arguments = [*_entry(lease, scope, expires_at, now), before]
        await self._database.run(_RENEWED, _keys(index), arguments, repeatable=True)

    async def leave(self, index: str, lease: LeaseId, scope: Scope) -> None:
        """Take a lease out of what is counted; it stays in the index of ids."""
        await self._database.run(_LEAVE, _keys(index), [lease, scope], repeatable=True)

    async def count(self, index: str, path: S3Path, *, now: float) -> int | None:
        """Count the leases with live keys that reach a path or something inside it; None where that is too much."""
        place = f"{path.bucket}/{path.prefix}"
        found: int | None = await self._database.run(_COUNT, _keys(index), [place, now, MOST_PLACES], repeatable=True)
        return found


def _keys(index: str) -> list[str]:
    """Return the names of the index by reach; the tag puts them where the index of ids is, whose name has none."""
    return [f"{{{index}}}:reach", f"{{{index}}}:reach:places"]


def _entry(lease: LeaseId, scope: Scope, expires_at: float, now: float) -> list[str | int | float]:
    return [lease, scope, expires_at, now, int(expires_at) + KEPT, _CLEARED]
