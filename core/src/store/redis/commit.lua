-- Checks, then writes: all of a batch or nothing.
-- KEYS: meta, index, expiry, then a row for each check, put and delete.
-- ARGV: term, tip, version, length of a row's key before the binary key, checks, puts;
--       for each check its version ('': absent); for each put its row and its time to live.
local meta, index, expiry = KEYS[1], KEYS[2], KEYS[3]
local term, tip, version, skip = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local checks, puts = tonumber(ARGV[5]), tonumber(ARGV[6])

-- Versions as two halves: a Lua number has no 64 bits.
local function is_less(a, b)
    local a_high, a_low = struct.unpack('>I4I4', a)
    local b_high, b_low = struct.unpack('>I4I4', b)
    return a_high < b_high or (a_high == b_high and a_low < b_low)
end

local stands = redis.call('HMGET', meta, 'term', 'tip')
if stands[1] ~= term then return 'fenced' end
if is_less(stands[2], tip) then return 'rolled back' end
if not is_less(stands[2], version) then return 'late' end

for i = 1, checks do
    local wanted = ARGV[6 + i]
    if redis.call('GETRANGE', KEYS[3 + i], 0, 7) ~= wanted then return 'conflict' end
end

local never = string.rep('\255', 8)
local function unlist(row, key)
    local expires_at = redis.call('GETRANGE', row, 8, 15)
    if #expires_at == 8 and expires_at ~= never then
        redis.call('ZREM', expiry, expires_at .. key)
    end
end

-- A day. What the engine sweeps is gone long before.
local backstop_ms = 86400000
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
for i = 1, puts do
    local row = KEYS[3 + checks + i]
    local key = string.sub(row, skip + 1)
    local value, ttl_ms = ARGV[5 + checks + 2 * i], ARGV[6 + checks + 2 * i]
    unlist(row, key)
    local expires_at = string.sub(value, 9, 16)
    if ttl_ms == '' then
        redis.call('SET', row, value)
    else
        -- Past deadlines count from now: a row is not gone for its age alone.
        local until_ms = math.max(tonumber(ttl_ms), now_ms) + backstop_ms
        redis.call('SET', row, value, 'PXAT', string.format('%.0f', until_ms))
    end
    redis.call('ZADD', index, 0, key)
    if expires_at ~= never then redis.call('ZADD', expiry, 0, expires_at .. key) end
end
for i = 4 + checks + puts, #KEYS do
    local key = string.sub(KEYS[i], skip + 1)
    unlist(KEYS[i], key)
    redis.call('DEL', KEYS[i])
    redis.call('ZREM', index, key)
end
redis.call('HSET', meta, 'tip', version)
return 'ok'
