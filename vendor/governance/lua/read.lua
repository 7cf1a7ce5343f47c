-- KEYS: root.  ARGV: user, tenant acted for or empty, access there.  Returns {revision, digest, facts}.
local facts, revisions = resolve(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
return { revision(KEYS[1]), digest(facts, revisions), facts }
