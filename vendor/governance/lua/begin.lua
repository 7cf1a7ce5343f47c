-- Begin an import, if none is under way.  KEYS: root.  ARGV: token, milliseconds for which it stays alive.
-- Returns {generation to write to}; or {-1}.  The generation is noted as rubbish until it is adopted.
if not redis.call('SET', KEYS[1] .. ':importing', ARGV[1], 'NX', 'PX', ARGV[2]) then return { -1 } end
local generation = redis.call('INCR', KEYS[1] .. ':generations')
redis.call('SADD', KEYS[1] .. ':rubbish', generation)
return { generation }
