/** Finds or makes the epoch; `lifetime` in microseconds. Workers that are alive keep it so. */
const EPOCH = `
local function epochOf(key, now, worker, lifetime)
  local epoch = redis.call("GET", key) or string.format("%.0f", now) .. worker
  redis.call("SET", key, epoch, "PX", math.ceil(lifetime / 1000))
  return epoch
end
`;

/**
 * One script for all that concerns the log, so that every worker sees it in one order. `ask` wants a grant; `tell` only
 * merges and reads. Redis TIME is the only clock. Instants are written as whole numbers of 16 digits, which a Lua number
 * holds exactly.
 *
 * ARGV: mode, worker, worker's lifetime (micros), count workers heard of since (micros), newest member known or "",
 * generation known, epoch known or "", "1" to be counted as alive, grants of others that it may leave unseen and for how
 * long (micros), number of limits, then calls and window (micros) of each, then members to merge.
 *
 * Answers: status (granted, wait, lost, told), now, instant of the grant or micros to wait, calls left, workers alive,
 * workers heard of since, generation, epoch, "1" when `news` is the whole log, paused until, lowered limits (flat), news.
 *
 * `lost` means that the epoch is another, or that a grant the worker knows of is no longer in the log though its window
 * is still open: Redis was emptied, or came back from an older copy. Nothing is granted then, and the worker does not
 * count as heard of before it has merged what it knows.
 *
 * A worker that looked just now may lose Redis next, and then counts as used no more than it was promised. So no call is
 * granted that would leave it more unseen than that, until it looks again or the promise runs out.
 */
export const TAKE = `${EPOCH}
local function text(n) return string.format("%.0f", n) end
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local mode, worker, lifetime, since = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local newest, known, knownEpoch, isAlive = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local unseenMax, fresh = ARGV[9], ARGV[10]
local epoch = epochOf(KEYS[6], now, worker, lifetime)

local limits, reach, at = {}, 0, 12
for _ = 1, tonumber(ARGV[11]) do
  limits[ARGV[at + 1]] = tonumber(ARGV[at])
  at = at + 2
end
local lowered = redis.call("HGETALL", KEYS[2])
for i = 1, #lowered, 2 do
  local calls = tonumber(lowered[i + 1])
  if not limits[lowered[i]] or calls < limits[lowered[i]] then limits[lowered[i]] = calls end
end
for window, _ in pairs(limits) do reach = math.max(reach, tonumber(window)) end
local reachMs = math.ceil(reach / 1000) + 1000

local generation = redis.call("GET", KEYS[4]) or ""
if #ARGV >= at then
  for i = at, #ARGV do redis.call("ZADD", KEYS[1], string.match(ARGV[i], "^%d+"), ARGV[i]) end
  generation = text(now) .. worker
  redis.call("SET", KEYS[4], generation, "PX", reachMs)
  redis.call("PEXPIRE", KEYS[1], reachMs)
end
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", "(" .. text(now - reach))

local newestAt = 0
if newest ~= "" then newestAt = tonumber(string.match(newest, "^%d+")) end
local status, value = "told", 0
local pausedUntil = tonumber(redis.call("GET", KEYS[3]) or "0")
if knownEpoch ~= "" and knownEpoch ~= epoch then
  status = "lost"
elseif mode == "ask" then
  if newestAt > now - reach * 0.9 and not redis.call("ZSCORE", KEYS[1], newest) then
    status = "lost"
  else
    local wait = math.max(0, pausedUntil - now)
    for window, calls in pairs(limits) do
      local nth = redis.call("ZREVRANGE", KEYS[1], calls - 1, calls - 1, "WITHSCORES")
      if nth[2] then wait = math.max(wait, tonumber(nth[2]) + tonumber(window) + 1 - now) end
    end
    local sights = redis.call("HGETALL", KEYS[7])
    for i = 1, #sights, 2 do
      local lookedAt, seen, most, freshFor = string.match(sights[i + 1], "^(%d+):(%d+):(%d+):(%d+)$")
      local freshStill = tonumber(lookedAt) + tonumber(freshFor) - now
      if freshStill < 0 then
        redis.call("HDEL", KEYS[7], sights[i])
      elseif sights[i] ~= worker and redis.call("ZCOUNT", KEYS[1], "(" .. seen, "+inf") >= tonumber(most) then
        wait = math.max(wait, freshStill + 1)
      end
    end
    if wait > 0 then
      status, value = "wait", wait
    else
      local last = redis.call("ZREVRANGE", KEYS[1], 0, 0, "WITHSCORES")
      local grantAt = now
      if last[2] then grantAt = math.max(now, tonumber(last[2]) + 1) end
      redis.call("ZADD", KEYS[1], text(grantAt), text(grantAt) .. ":" .. worker)
      redis.call("PEXPIRE", KEYS[1], reachMs)
      status, value = "granted", grantAt
    end
  end
end

if isAlive == "1" and status ~= "lost" then
  redis.call("ZADD", KEYS[5], text(now), worker)
  redis.call("PEXPIRE", KEYS[5], math.ceil(lifetime / 1000))
end
redis.call("ZREMRANGEBYSCORE", KEYS[5], "-inf", "(" .. text(now - lifetime))
if status ~= "lost" then
  local last = redis.call("ZREVRANGE", KEYS[1], 0, 0, "WITHSCORES")
  redis.call("HSET", KEYS[7], worker, text(now) .. ":" .. text(tonumber(last[2] or "0")) .. ":" .. unseenMax .. ":" .. fresh)
  redis.call("PEXPIRE", KEYS[7], reachMs)
end

local left = -1
for window, calls in pairs(limits) do
  local free = calls - redis.call("ZCOUNT", KEYS[1], text(now - tonumber(window)), "+inf")
  if left == -1 or free < left then left = math.max(free, 0) end
end
local isWhole, from = "0", "(" .. text(newestAt)
if generation ~= known then isWhole, from = "1", "-inf" end
return {
  status, text(now), text(value), left, redis.call("ZCARD", KEYS[5]), redis.call("ZCOUNT", KEYS[5], since, "+inf"),
  generation, epoch, isWhole, text(pausedUntil), lowered, redis.call("ZRANGEBYSCORE", KEYS[1], from, "+inf")
}
`;

/** KEYS: limits. ARGV: window (micros), calls, lifetime (ms). */
export const LOWER = `
local held = tonumber(redis.call("HGET", KEYS[1], ARGV[1]) or "")
if not held or tonumber(ARGV[2]) < held then redis.call("HSET", KEYS[1], ARGV[1], ARGV[2]) end
redis.call("PEXPIRE", KEYS[1], ARGV[3])
return 1
`;

/** KEYS: pause. ARGV: milliseconds from now. The longer of two pauses holds. */
export const PAUSE = `
local time = redis.call("TIME")
local untilMicros = tonumber(time[1]) * 1000000 + tonumber(time[2]) + tonumber(ARGV[1]) * 1000
if untilMicros > tonumber(redis.call("GET", KEYS[1]) or "0") then
  redis.call("SET", KEYS[1], string.format("%.0f", untilMicros), "PX", ARGV[1])
end
return 1
`;

/**
 * KEYS: workers, epoch. ARGV: worker, its lifetime (micros), epoch known or "". Answers: now, workers alive, epoch. A
 * worker that knows another epoch does not count as heard of.
 */
export const HELLO = `${EPOCH}
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local lifetime = tonumber(ARGV[2])
local epoch = epochOf(KEYS[2], now, ARGV[1], lifetime)
if ARGV[3] == "" or ARGV[3] == epoch then
  redis.call("ZADD", KEYS[1], string.format("%.0f", now), ARGV[1])
  redis.call("PEXPIRE", KEYS[1], math.ceil(lifetime / 1000))
end
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", "(" .. string.format("%.0f", now - lifetime))
return { string.format("%.0f", now), redis.call("ZCARD", KEYS[1]), epoch }
`;
