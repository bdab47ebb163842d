-- Rows in the order of their keys. A row that the server let go of is passed over.
-- KEYS: index. ARGV: from, to (as ZRANGEBYLEX takes them), limit, a row's key before the binary key.
local limit, rows, from = tonumber(ARGV[3]), {}, ARGV[1]
while #rows < 2 * limit do
    local wanted = limit - #rows / 2
    local keys = redis.call('ZRANGEBYLEX', KEYS[1], from, ARGV[2], 'LIMIT', 0, wanted)
    for _, key in ipairs(keys) do
        local row = redis.call('GET', ARGV[4] .. key)
        if row then
            rows[#rows + 1] = key
            rows[#rows + 1] = row
        end
    end
    if #keys < wanted then break end
    from = '(' .. keys[#keys]
end
return rows
