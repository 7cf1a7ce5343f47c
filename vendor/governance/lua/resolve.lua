-- Everything that decides what one user may touch, read in one step.  The other scripts are joined to this text.
-- Returns {user, memberships, own shares, everyone's shares, {tenant, its shares}...}, hashes as flat lists.
local function resolve(root, user)
  local key = root .. ':user:' .. user
  local memberships = redis.call('HGETALL', key .. ':tenants')
  local facts = {
    redis.call('HGETALL', key),
    memberships,
    redis.call('HGETALL', key .. ':shares'),
    redis.call('HGETALL', root .. ':everyone:shares'),
  }
  for i = 1, #memberships, 2 do
    facts[#facts + 1] = { memberships[i], redis.call('HGETALL', root .. ':tenant:' .. memberships[i] .. ':shares') }
  end
  return facts
end

local function digest(facts)
  return redis.sha1hex(cmsgpack.pack(facts))
end

local function revision(root)
  return redis.call('GET', root .. ':rev') or '0'
end
