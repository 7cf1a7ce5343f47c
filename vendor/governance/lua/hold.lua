-- Hold all changes back for some time, or for some time more.  KEYS: root.  ARGV: token, milliseconds.
-- Returns {1, revision}; or {0} while another holds them.
local key = KEYS[1] .. ':hold'
local holder = redis.call('GET', key)
if holder and holder ~= ARGV[1] then return { 0 } end
redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
return { 1, revision(KEYS[1]) }
