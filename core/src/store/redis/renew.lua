-- Keeps the store for its owner, also when the lease ran out and nobody else came.
-- KEYS: owner, meta. ARGV: owner, term, lease in ms.
if redis.call('HGET', KEYS[2], 'owners') ~= ARGV[2] then return 'lost' end
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 'lost' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 'ok'
