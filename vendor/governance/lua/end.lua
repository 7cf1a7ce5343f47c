-- End an import and let changes go on.  KEYS: root.  ARGV: token of the import.
for _, name in ipairs({ ':importing', ':hold' }) do
  if redis.call('GET', KEYS[1] .. name) == ARGV[1] then redis.call('DEL', KEYS[1] .. name) end
end
return { 1 }
