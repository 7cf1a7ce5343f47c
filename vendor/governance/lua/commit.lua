-- One change of governance: all checks hold, or nothing happens.
-- KEYS: root, stream.  ARGV[1]: JSON {checks: [[key, field, expected]], ops: [[command, key, ...]], events: [text]}.
-- An expected value of false means absent, true means present.  A value '@rev' stands for the new revision.
-- Returns {revision}; or {0, number of the first check that failed}.
local allowed = { HSET = true, HDEL = true, DEL = true, ZADD = true, ZREM = true }
local change = cjson.decode(ARGV[1])
for _, op in ipairs(change.ops) do
  if not allowed[op[1]] then return redis.error_reply('command not allowed in a change') end
end
for number, check in ipairs(change.checks) do
  local found = redis.call('HGET', check[1], check[2])
  local expected = check[3]
  local holds = found == expected
  if expected == true then holds = found ~= false end
  if not holds then return { 0, number } end
end
local new = redis.call('INCR', KEYS[1] .. ':rev')
for _, op in ipairs(change.ops) do
  for i = 3, #op do
    if op[i] == '@rev' then op[i] = new end
  end
  redis.call(unpack(op))
end
for _, event in ipairs(change.events) do
  redis.call('XADD', KEYS[2], '*', 'event', event, 'revision', new)
end
return { new }
