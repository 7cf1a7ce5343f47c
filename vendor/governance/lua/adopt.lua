-- Let a staged state take the place of the present one, in one step with its event.
-- KEYS: root, stream.  ARGV: token of the import, generation, revision as it was when staging began, event.
-- Returns {revision}; or {0} if anything was changed meanwhile; or {-1} if the import is not under way any more.
if redis.call('GET', KEYS[1] .. ':importing') ~= ARGV[1] then return { -1 } end
if revision(KEYS[1]) ~= ARGV[3] then return { 0 } end
if redis.call('TYPE', KEYS[2])['ok'] ~= 'stream' and redis.call('EXISTS', KEYS[2]) == 1 then
  error('a key has the wrong type')
end
local before = redis.call('GET', KEYS[1] .. ':generation') or '0'
local new = redis.call('INCR', KEYS[1] .. ':rev')
redis.call('SADD', KEYS[1] .. ':rubbish', before)
redis.call('SREM', KEYS[1] .. ':rubbish', ARGV[2])
redis.call('SET', KEYS[1] .. ':generation', ARGV[2])
redis.call('XADD', KEYS[2], '*', 'event', ARGV[4], 'revision', new)
return { new }
