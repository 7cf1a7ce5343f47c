-- Everything that decides what one principal may touch, read in one step.
-- Returns {user, memberships, own shares, everyone's shares, {tenant, its shares}...}, hashes as flat lists; and the
-- revisions at which any of it last changed.
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
  local marks = { 'to:user:' .. user, 'to:everyone' }
  for i = 1, #memberships, 2 do
    facts[#facts + 1] = { memberships[i], redis.call('HGETALL', names .. 'tenant:' .. memberships[i] .. ':shares') }
    marks[#marks + 1] = 'to:tenant:' .. memberships[i]
  end
  return facts, redis.call('HMGET', names .. 'revisions', unpack(marks))
end

-- What was taken away and given again is the same in the facts, but live keys may have ended of it: so the revisions
-- at which any of it last changed count, too.
local function digest(facts, revisions)
  return redis.sha1hex(cmsgpack.pack({ facts, revisions }))
end
