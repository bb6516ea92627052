-- Where a stream begins: the newest place; and for a client that names one, what followed it, or that this is not kept.
-- KEYS: state, and the streams that the client reads. ARGV: kept (ms), the place that the client names, or nothing.
-- Answers the newest place, whether what followed is whole, and each stream's entries.
local kept, after = tonumber(ARGV[1]), ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSETNX', KEYS[1], 'since', string.format('%.0f-0', now))
local since = redis.call('HGET', KEYS[1], 'since')
local last = redis.call('HGET', KEYS[1], 'last') or since

local function at_or_before(one, other)
    local ms, count = string.match(one, '^(%d+)-(%d+)$')
    local other_ms, other_count = string.match(other, '^(%d+)-(%d+)$')
    ms, other_ms = tonumber(ms), tonumber(other_ms)
    return ms < other_ms or (ms == other_ms and tonumber(count) <= tonumber(other_count))
end

-- Whether a stream has lost entries that followed the place, as far as that can be known.
local function is_short(stream)
    if redis.call('EXISTS', stream) == 0 then return false end
    local info, named = redis.call('XINFO', 'STREAM', stream), {}
    for i = 1, #info, 2 do named[info[i]] = info[i + 1] end
    return named['entries-added'] > named['length'] and not at_or_before(named['first-entry'][1], after)
end

if after == '' or after == last then return {last, 1} end
local age = now - tonumber(string.match(after, '^(%d+)'))
if not at_or_before(since, after) or not at_or_before(after, last) or age > kept then return {last, 0} end
local answer = {last, 1}
for i = 2, #KEYS do
    if is_short(KEYS[i]) then return {last, 0} end
    answer[#answer + 1] = redis.call('XRANGE', KEYS[i], '(' .. after, '+')
end
return answer
