-- Shuts every earlier owner out of a partition, and says how far it has come.
-- KEYS: meta. ARGV: term.
local term = redis.call('HGET', KEYS[1], 'term')
if term and tonumber(term) > tonumber(ARGV[1]) then return {'fenced'} end
redis.call('HSET', KEYS[1], 'term', ARGV[1])
redis.call('HSETNX', KEYS[1], 'tip', string.rep('\0', 8))
return {'ok', redis.call('HGET', KEYS[1], 'tip')}
