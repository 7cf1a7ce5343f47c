-- KEYS: root.  ARGV: user.  Returns {revision, digest, facts}.
local facts = resolve(KEYS[1], ARGV[1])
return { revision(KEYS[1]), digest(facts), facts }
