-- Entries of what expires, in order. Entries whose row is gone or has another expiry are struck.
-- KEYS: meta, index, expiry. ARGV: term, from, to, limit, a row's key before the binary key.
if redis.call('HGET', KEYS[1], 'term') ~= ARGV[1] then return {'fenced'} end
local limit, entries, from = tonumber(ARGV[4]), {'ok'}, ARGV[2]
while #entries <= limit do
    local wanted = limit + 1 - #entries
    local page = redis.call('ZRANGEBYLEX', KEYS[3], from, ARGV[3], 'LIMIT', 0, wanted)
    for _, entry in ipairs(page) do
        local key = string.sub(entry, 9)
        local expires_at = redis.call('GETRANGE', ARGV[5] .. key, 8, 15)
        if expires_at == string.sub(entry, 1, 8) then
            entries[#entries + 1] = entry
        else
            redis.call('ZREM', KEYS[3], entry)
            if expires_at == '' then redis.call('ZREM', KEYS[2], key) end
        end
    end
    if #page < wanted then break end
    from = '(' .. page[#page]
end
return entries
