-- What became of the commit whose answer was lost; if it is not done, it never will be.
-- KEYS: meta. ARGV: term, tip, its version, a later version.
local function is_less(a, b)
    local a_high, a_low = struct.unpack('>I4I4', a)
    local b_high, b_low = struct.unpack('>I4I4', b)
    return a_high < b_high or (a_high == b_high and a_low < b_low)
end
local stands = redis.call('HMGET', KEYS[1], 'term', 'tip')
if stands[1] ~= ARGV[1] then return 'fenced' end
if is_less(stands[2], ARGV[2]) then return 'rolled back' end
if stands[2] == ARGV[3] then return 'done' end
-- An earlier call of this may come late, too.
if is_less(stands[2], ARGV[4]) then redis.call('HSET', KEYS[1], 'tip', ARGV[4]) end
return 'not done'
