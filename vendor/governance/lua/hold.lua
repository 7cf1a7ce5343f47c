-- Hold all changes back for a moment, or let them go on.  KEYS: root.  ARGV: token, milliseconds (0 lets go).
-- Returns {1, revision}; or {0} while another holds them.
local key = KEYS[1] .. ':hold'
local holder = redis.call('GET', key)
if holder and holder ~= ARGV[1] then return { 0 } end
if ARGV[2] == '0' then
  redis.call('DEL', key)
else
  redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
end
return { 1, revision(KEYS[1]) }
