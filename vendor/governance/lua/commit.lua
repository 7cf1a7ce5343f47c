-- One change of governance: all checks hold, or nothing happens.
-- KEYS: root, stream.  ARGV[1]: JSON {checks: [[name, field, expected]], room: [[command, name, most]],
-- ops: [[command, name, ...]], events: [text]}.
-- An expected value of false means absent, true means present.  Room: the command counts fewer than `most`.
-- A null in an op stands for the new revision.
-- Returns {revision}; or {0, number of the first check that failed}; or {-1} while changes are held back.
-- What a script has written is not taken back when a later command fails, so types are looked at before anything is.
local types = { HSET = 'hash', HDEL = 'hash', DEL = 'any', ZADD = 'zset', ZREM = 'zset' }
local counts = { HLEN = true, ZCARD = true }
local change = cjson.decode(ARGV[1])

local function fits(key, expected)
  local found = redis.call('TYPE', key)['ok']
  return expected == 'any' or found == 'none' or found == expected
end

if redis.call('EXISTS', KEYS[1] .. ':hold') == 1 then return { -1 } end
local names = base(KEYS[1])
for number, check in ipairs(change.checks) do
  local found = redis.call('HGET', names .. check[1], check[2])
  local expected = check[3]
  local holds = found == expected
  if expected == true then holds = found ~= false end
  if not holds then return { 0, number } end
end
for number, room in ipairs(change.room) do
  if not counts[room[1]] then return redis.error_reply('command not allowed as a count') end
  if redis.call(room[1], names .. room[2]) >= room[3] then return { 0, #change.checks + number } end
end
for _, op in ipairs(change.ops) do
  local expected = types[op[1]]
  if not expected then return redis.error_reply('command not allowed in a change') end
  op[2] = names .. op[2]
  if not fits(op[2], expected) then return redis.error_reply('a key has the wrong type') end
end
if not fits(KEYS[2], 'stream') then return redis.error_reply('a key has the wrong type') end

local new = redis.call('INCR', KEYS[1] .. ':rev')
for _, op in ipairs(change.ops) do
  for i = 3, #op do
    if op[i] == cjson.null then op[i] = new end
  end
  redis.call(unpack(op))
end
for _, event in ipairs(change.events) do
  redis.call('XADD', KEYS[2], '*', 'event', event, 'revision', new)
end
return { new }
