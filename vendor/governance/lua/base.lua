-- Every other script is joined to this text.
-- All of governance lies under one root (a hash tag, so one slot) and one generation: a whole state that was imported
-- takes the place of another by counting the generation up.  Scripts take names relative to it.
local function base(root)
  return root .. ':' .. (redis.call('GET', root .. ':generation') or '0') .. ':'
end

local function revision(root)
  return redis.call('GET', root .. ':rev') or '0'
end
