-- Record an event about a principal, but only while what was read for it still holds.
-- KEYS: root, stream.  ARGV: user, tenant acted for or empty, access there, revision and digest as read, event.
-- Returns {1}; or {0, revision, digest, facts} as they are now, and nothing was written.
if revision(KEYS[1]) ~= ARGV[4] then
  local facts, revisions = resolve(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
  local now = digest(facts, revisions)
  if now ~= ARGV[5] then
    return { 0, revision(KEYS[1]), now, facts }
  end
end
redis.call('XADD', KEYS[2], '*', 'event', ARGV[6])
return { 1 }
