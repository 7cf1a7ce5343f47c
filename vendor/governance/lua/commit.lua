-- One change of governance: all checks hold, or nothing happens.
-- KEYS: root, stream.  ARGV[1]: JSON {checks: [[name, field, expected]], room: [[command, name, most]],
-- ops: [[command, name, ...]], events: [text]}.
-- An expected value of false means absent, true means present.  Room: the command counts fewer than `most`.
-- A null in an op stands for the new revision.
-- Returns {revision}; or {0, number of the first check that failed}; or {-1} while changes are held back.
local change = cjson.decode(ARGV[1])
if redis.call('EXISTS', KEYS[1] .. ':hold') == 1 then return { -1 } end
local names = base(KEYS[1])
local failing = failed(names, change.checks, change.room)
if failing then return { 0, failing } end
resolve_ops(names, change.ops)
if not fits(KEYS[2], 'stream') then error('a key has the wrong type') end

local new = redis.call('INCR', KEYS[1] .. ':rev')
apply(change.ops, new)
for _, event in ipairs(change.events) do
  redis.call('XADD', KEYS[2], '*', 'event', event, 'revision', new)
end
return { new }
