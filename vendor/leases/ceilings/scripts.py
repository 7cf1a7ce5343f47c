"""The steps on the slots of one user that have to be atomic.

KEYS[1] is the hash of the user's slots: `store/variant/number` → the slot as JSON.  A slot is taken until the later of
`until`, the end of the keys that are out for it, and `lapse`, the end of a reservation.
"""

from typing import Final

from vendor.database import Script

# `until` is a word of Lua, so that member is written in brackets.
_BASE: Final = """
local function taken(slot, now) return slot['until'] > now or slot.lapse > now end
local function keep(field, slot) redis.call('HSET', KEYS[1], field, cjson.encode(slot)) end
local function find(field)
  local text = redis.call('HGET', KEYS[1], field)
  return text and cjson.decode(text) or nil
end
"""


def _script(text: str) -> Script:
    return Script(_BASE + text)


# ARGV: where the field begins, lease, now, lapse, own slots, slots in all, who, end of the lease's present keys, and
# how many of all are for sharing only.
# Returns {field, slot}, or {} when there is no slot left; {field, slot} of an ended one if the lease was ended.
RESERVE: Final = _script("""
local begin, lease, now, lapse = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local own, most, loose, kept = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[8]), tonumber(ARGV[9])
local all = redis.call('HGETALL', KEYS[1])
local known, live, shared = {}, 0, nil
for i = 1, #all, 2 do
  if string.sub(all[i], 1, #begin) == begin then
    local slot = cjson.decode(all[i + 1])
    local number = tonumber(string.sub(all[i], #begin + 1))
    known[number] = slot
    if taken(slot, now) then
      if slot.lease == lease and not slot.shared then
        slot.lapse = math.max(slot.lapse, lapse)
        keep(all[i], slot)
        return { all[i], cjson.encode(slot) }
      end
      if not slot.ended and slot.shared then shared = number end
      if not slot.ended and not slot.shared then live = live + 1 end
    end
  end
end
local function free(below)
  for number = 0, below - 1 do
    local old = known[number]
    if not old or not taken(old, now) then return number end
  end
end
local number = live < own and free(most - kept) or nil
local alone = number ~= nil
if not alone and shared then
  local slot = known[shared]
  slot.lapse = math.max(slot.lapse, lapse)
  keep(begin .. shared, slot)
  return { begin .. shared, cjson.encode(slot) }
end
number = number or free(most)
if not number then return {} end
local old = known[number]
local slot = { lease = alone and lease or '', shared = not alone, ended = false, since = now, lapse = lapse,
  who = ARGV[7], wish = '', loose = loose, parts = old and old.parts or 0, written = old and old.written or '' }
slot['until'] = 0
keep(begin .. number, slot)
if redis.call('TTL', KEYS[1]) < 86400 then redis.call('EXPIRE', KEYS[1], 172800) end
return { begin .. number, cjson.encode(slot) }
""")

# ARGV: field, lease, end, moment of forgetting.
CONFIRM: Final = _script("""
local slot = find(ARGV[1])
if not slot or slot.ended or (not slot.shared and slot.lease ~= ARGV[2]) then return 0 end
slot['until'] = math.max(slot['until'], tonumber(ARGV[3]))
keep(ARGV[1], slot)
local forgotten = tonumber(ARGV[4])
if redis.call('EXPIRETIME', KEYS[1]) < forgotten then redis.call('EXPIREAT', KEYS[1], forgotten) end
return 1
""")

# ARGV: field, lease.
RELEASE: Final = _script("""
local slot = find(ARGV[1])
if not slot or slot.shared or slot.ended or slot.lease ~= ARGV[2] then return 0 end
slot.lapse, slot['until'] = 0, 0
keep(ARGV[1], slot)
return 1
""")

# ARGV: field, lease, wish.
DESCRIBE: Final = _script("""
local slot = find(ARGV[1])
if not slot or slot.ended or slot.shared or slot.lease ~= ARGV[2] then return 0 end
slot.wish = ARGV[3]
keep(ARGV[1], slot)
return 1
""")

# ARGV: lease or empty for all, now.  Returns field, slot, field, slot…
END: Final = _script("""
local all = redis.call('HGETALL', KEYS[1])
local ended = {}
for i = 1, #all, 2 do
  local slot = cjson.decode(all[i + 1])
  local meant = ARGV[1] == '' or (slot.lease == ARGV[1] and not slot.shared)
  if meant and taken(slot, tonumber(ARGV[2])) then
    slot.ended = true
    keep(all[i], slot)
    ended[#ended + 1] = all[i]
    ended[#ended + 1] = cjson.encode(slot)
  end
end
return ended
""")

# ARGV: now.  Returns field, slot, field, slot…
TAKEN: Final = _script("""
local all = redis.call('HGETALL', KEYS[1])
local found = {}
for i = 1, #all, 2 do
  if taken(cjson.decode(all[i + 1]), tonumber(ARGV[1])) then
    found[#found + 1] = all[i]
    found[#found + 1] = all[i + 1]
  end
end
return found
""")

# ARGV: field, digests, parts, field, digests, parts…
WRITTEN: Final = _script("""
for i = 1, #ARGV, 3 do
  local slot = find(ARGV[i])
  if slot then
    slot.written = ARGV[i + 1]
    slot.parts = math.max(slot.parts, tonumber(ARGV[i + 2]))
    keep(ARGV[i], slot)
  end
end
return 1
""")

# KEYS: sorted set.  ARGV: member, score.  Scores only grow here.
LATER: Final = Script("return redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])")

# KEYS: sorted set.  ARGV: member, score.
SCORE: Final = Script("return redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])")

# KEYS: sorted set.  ARGV: member, the score that it must still have, empty for any.
UNSCORE: Final = Script("""
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or (ARGV[2] ~= '' and tonumber(score) ~= tonumber(ARGV[2])) then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
""")

# KEYS: sorted set.  ARGV: member, the highest score that it may have.
UNSCORE_BEFORE: Final = Script("""
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) > tonumber(ARGV[2]) then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
""")

# KEYS: turn.  ARGV: token, milliseconds.
TURN: Final = Script("return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0")

# KEYS: turn.  ARGV: token, milliseconds, 0 to give it back.
TURN_AGAIN: Final = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
""")
