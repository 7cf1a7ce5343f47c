-- The parts of a change (`change.py`): whether it can be made on the state under `names`, and making it.
-- What a script has written is not taken back when a later command fails, so everything is looked at before anything
-- is written.
local types = { HSET = 'hash', HDEL = 'hash', DEL = 'any', ZADD = 'zset', ZREM = 'zset' }
local counts = { HLEN = true, ZCARD = true }

local function fits(key, expected)
  local found = redis.call('TYPE', key)['ok']
  return expected == 'any' or found == 'none' or found == expected
end

-- Returns the number of the first check that does not hold (room counts after the checks), or nil.
local function failed(names, checks, room)
  for number, check in ipairs(checks) do
    local found = redis.call('HGET', names .. check[1], check[2])
    local expected = check[3]
    local holds = found == expected
    if expected == true then holds = found ~= false end
    if not holds then return number end
  end
  for number, one in ipairs(room) do
    if not counts[one[1]] then error('command not allowed as a count') end
    if redis.call(one[1], names .. one[2]) >= one[3] then return #checks + number end
  end
end

-- Puts `names` in front of every key.  Raises an error for what a change must not do.
local function resolve_ops(names, ops)
  for _, op in ipairs(ops) do
    local expected = types[op[1]]
    if not expected then error('command not allowed in a change') end
    op[2] = names .. op[2]
    if not fits(op[2], expected) then error('a key has the wrong type') end
  end
end

local function apply(ops, revision)
  for _, op in ipairs(ops) do
    for i = 3, #op do
      if op[i] == cjson.null then op[i] = revision end
    end
    redis.call(unpack(op))
  end
end
