-- Everything that decides what one principal may touch, read in one step.
-- Returns {user, memberships, own shares, everyone's shares, {tenant, its shares}...}, hashes as flat lists.
-- One that acts for a tenant has that tenant's rights, while there is such a tenant, and no others.
local function resolve(root, user, tenant, access)
  local names = base(root)
  local key = names .. 'user:' .. user
  local memberships, own, everyone
  if tenant == '' then
    memberships = redis.call('HGETALL', key .. ':tenants')
    own = redis.call('HGETALL', key .. ':shares')
    everyone = redis.call('HGETALL', names .. 'everyone:shares')
  else
    memberships, own, everyone = {}, {}, {}
    if redis.call('EXISTS', names .. 'tenant:' .. tenant) == 1 then memberships = { tenant, access } end
  end
  local facts = { redis.call('HGETALL', key), memberships, own, everyone }
  for i = 1, #memberships, 2 do
    facts[#facts + 1] = { memberships[i], redis.call('HGETALL', names .. 'tenant:' .. memberships[i] .. ':shares') }
  end
  return facts
end

local function digest(facts)
  return redis.sha1hex(cmsgpack.pack(facts))
end
