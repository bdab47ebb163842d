-- Reserves versions up to a bound: after a crash none of them is given again.
-- KEYS: meta. ARGV: term, bound.
if redis.call('HGET', KEYS[1], 'term') ~= ARGV[1] then return 'fenced' end
redis.call('HSET', KEYS[1], 'reserved', ARGV[2])
return 'ok'
