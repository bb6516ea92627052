-- Tell messages: each becomes the next place, in the stream of whom it is for and in the one that all gateways read.
-- KEYS: state, live; then for each message: what remembers it, its reader's stream, what tells that the reader is gone.
-- ARGV: kept (ms), most of a stream, live kept (ms), most of live, remembered (ms); then for each message: its fields.
local kept, most, live_kept, live_most, remembered = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local state, live = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSETNX', state, 'since', string.format('%.0f-0', now))
local last = redis.call('HGET', state, 'last') or redis.call('HGET', state, 'since')

-- Places grow, also where the clock was set back or two fall into one millisecond.
local function following(place)
    local ms, count = string.match(place, '^(%d+)-(%d+)$')
    if now > tonumber(ms) then return string.format('%.0f-0', now) end
    return string.format('%s-%.0f', ms, tonumber(count) + 1)
end

local told = 0
for i = 1, (#KEYS - 2) / 3 do
    local seen, stream, gone = KEYS[3 * i], KEYS[3 * i + 1], KEYS[3 * i + 2]
    local message = ARGV[5 + i]
    -- Kafka brings an event again after a rebalance, and a relay publishes one again after a kill.
    if redis.call('EXISTS', gone) == 0 and redis.call('SET', seen, '', 'NX', 'PX', remembered) then
        last = following(last)
        local number = redis.call('HINCRBY', state, 'number', 1)
        redis.call('XADD', live, 'MAXLEN', '~', live_most, last, 'n', number, 'm', message)
        redis.call('XADD', stream, 'MAXLEN', '~', most, last, 'm', message)
        redis.call('PEXPIRE', stream, kept)
        told = told + 1
    end
end
if told > 0 then
    redis.call('HSET', state, 'last', last)
    redis.call('XTRIM', live, 'MINID', string.format('%.0f', now - live_kept))
    redis.call('PEXPIRE', live, live_kept)
end
return told
