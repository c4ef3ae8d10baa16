-- GCRA for several keys: takes from all, or from none.
-- ARGV has three numbers for each key: microseconds until one unit flows back, the quota, the units asked for.
-- Answers with two numbers for each key: whether there was room, and microseconds until its whole quota is free.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local ahead, after, fits, all = {}, {}, {}, true
for i, key in ipairs(KEYS) do
  local interval = tonumber(ARGV[3 * i - 2])
  local depth = interval * tonumber(ARGV[3 * i - 1])
  local arrival = tonumber(redis.call('GET', key)) or now
  -- A clock that went back, or a quota that became smaller, must not lock anybody out.
  ahead[i] = math.min(math.max(arrival - now, 0), depth)
  after[i] = ahead[i] + interval * tonumber(ARGV[3 * i])
  fits[i] = after[i] <= depth
  all = all and fits[i]
end
local answer = {}
for i, key in ipairs(KEYS) do
  if all and after[i] > ahead[i] then
    redis.call('SET', key, string.format('%.0f', now + after[i]), 'PX', string.format('%.0f', math.ceil(after[i] / 1000)))
    ahead[i] = after[i]
  end
  answer[2 * i - 1] = fits[i] and 1 or 0
  answer[2 * i] = ahead[i]
end
return answer
