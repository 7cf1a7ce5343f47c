-- Write a batch of a whole state under a generation of its own, where nobody reads yet.
-- KEYS: root.  ARGV: token of the import, milliseconds for which it stays alive, generation, revision that the state
-- will have, JSON {checks, room, ops} as in a commit.
-- Returns {1}; or {0, number of the first check that failed}; or {-1} if the import is not the one under way any more.
local lock = KEYS[1] .. ':importing'
if redis.call('GET', lock) ~= ARGV[1] then return { -1 } end
redis.call('PEXPIRE', lock, ARGV[2])
if redis.call('GET', KEYS[1] .. ':hold') == ARGV[1] then redis.call('PEXPIRE', KEYS[1] .. ':hold', ARGV[2]) end
local names = KEYS[1] .. ':' .. ARGV[3] .. ':'
local change = cjson.decode(ARGV[5])
local failing = failed(names, change.checks, change.room)
if failing then return { 0, failing } end
resolve_ops(names, change.ops)
apply(change.ops, ARGV[4])
return { 1 }
