-- Takes the store for one owner.
-- KEYS: owner, meta. ARGV: format, a store id for a new store, partitions, owner, lease in ms.
local stands = redis.call('HMGET', KEYS[2], 'format', 'store', 'partitions', 'reserved')
if stands[1] and tonumber(stands[1]) > tonumber(ARGV[1]) then return {'newer', stands[1]} end
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[4] then
    return {'locked', owner, tostring(redis.call('PTTL', KEYS[1]))}
end
if not stands[1] then
    redis.call('HSET', KEYS[2], 'format', ARGV[1], 'store', ARGV[2], 'partitions', ARGV[3],
        'reserved', string.rep('\0', 8))
    stands = redis.call('HMGET', KEYS[2], 'format', 'store', 'partitions', 'reserved')
end
if stands[3] ~= ARGV[3] then return {'partitions', stands[3]} end
local term = redis.call('HINCRBY', KEYS[2], 'owners', 1)
redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])
return {'ok', stands[2], tostring(term), stands[4]}
