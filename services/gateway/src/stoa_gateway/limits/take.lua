-- Takes of all quotas or of none; the twin of `decide` in domain.py. Times are microseconds.
-- KEYS: one a quota. ARGV: the cost, then interval and depth of each quota. `now` stands above, by Redis' own clock.
-- Answers {wait, quota, remaining, more, violated}: the fields of `Decision`.
local kept = redis.call('MGET', unpack(KEYS))
local cost = tonumber(ARGV[1])
local moved, longest, at, left, violated = {}, 0, 0, 0, 0

-- A quota that is whole again needs no key: its number lies in the past then.
local function keep(key, tat)
  redis.call('SET', key, string.format('%.0f', tat), 'PX', math.ceil((tat - now) / 1000))
end

for i = 1, #KEYS do
  local interval, depth = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local known = tonumber(kept[i] or 0) or 0
  if known > now + depth then
    known = now + depth
    keep(KEYS[i], known)
  end
  known = math.max(known, now)
  moved[i] = known + cost * interval
  local wait = moved[i] - depth - now
  if wait > 0 then
    violated = violated + 2 ^ (i - 1)
    if wait > longest then
      longest, at, left = wait, i - 1, math.floor((depth - known + now) / interval)
    end
  end
end
if longest > 0 then return {longest, at, left, longest, violated} end

local more
for i = 1, #KEYS do
  local interval, depth = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local here = math.floor((depth - moved[i] + now) / interval)
  if not more or here < left then
    at, left, more = i - 1, here, math.max(0, moved[i] + interval - depth - now)
  end
  keep(KEYS[i], moved[i])
end
return {0, at, left, more, 0}
