-- Remove a little of the rubbish: generations that were replaced, or never adopted.
-- KEYS: root.  ARGV: token of the import under way, milliseconds for which it stays alive, how many users or tenants.
-- Returns {1} while there is more, {0} when nothing is left, {-1} if the import is not under way any more.
local lock = KEYS[1] .. ':importing'
if redis.call('GET', lock) ~= ARGV[1] then return { -1 } end
redis.call('PEXPIRE', lock, ARGV[2])
local rubbish = KEYS[1] .. ':rubbish'
local generation = redis.call('SRANDMEMBER', rubbish)
if not generation then return { 0 } end
if generation == (redis.call('GET', KEYS[1] .. ':generation') or '0') then error('the present state is no rubbish') end
local names = KEYS[1] .. ':' .. generation .. ':'

local function remove(index, kind, parts)
  local found = redis.call('ZRANGE', names .. index, 0, tonumber(ARGV[3]) - 1)
  for _, name in ipairs(found) do
    local key = names .. kind .. name
    for _, place in ipairs(redis.call('ZRANGE', key .. ':shared', 0, -1)) do
      redis.call('UNLINK', names .. 'share:' .. string.match(place, '\t(.*)$'))
    end
    redis.call('UNLINK', key)
    for _, part in ipairs(parts) do
      redis.call('UNLINK', key .. part)
    end
    redis.call('ZREM', names .. index, name)
  end
  return #found
end

if remove('users', 'user:', { ':tenants', ':stewards', ':shares', ':shared' }) > 0 then return { 1 } end
if remove('tenants', 'tenant:', { ':members', ':stewards', ':shares', ':shared' }) > 0 then return { 1 } end
redis.call('UNLINK', names .. 'everyone:shares', names .. 'revisions')
redis.call('SREM', rubbish, generation)
return { 1 }
