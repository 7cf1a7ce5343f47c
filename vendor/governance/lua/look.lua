-- Read several things in one step.
-- KEYS: root.  ARGV[1]: JSON [[command, name, ...]].  Returns {revision, {answer, ...}}.
-- EACH, prefix, command, name, ...: for every member that the command returns, the member and the hash of that name
-- behind the prefix, as a flat list; of a member with a tab, what follows the tab is the name.
local readers = { HGETALL = true, HGET = true, HLEN = true, ZCARD = true, ZRANGE = true, ZRANGEBYLEX = true }
local names = base(KEYS[1])

local function read(command, name, ...)
  if not readers[command] then error('command not allowed in a look') end
  return redis.call(command, names .. name, ...)
end

local answers = {}
for _, look in ipairs(cjson.decode(ARGV[1])) do
  local found
  if look[1] == 'EACH' then
    found = {}
    for _, member in ipairs(read(unpack(look, 3))) do
      found[#found + 1] = member
      found[#found + 1] = redis.call('HGETALL', names .. look[2] .. (string.match(member, '\t(.*)$') or member))
    end
  else
    found = read(unpack(look))
  end
  answers[#answers + 1] = found
end
return { revision(KEYS[1]), answers }
