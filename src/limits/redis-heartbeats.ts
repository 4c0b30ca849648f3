import type { Clock } from "../base/clock.ts";
import { withDeadline } from "../base/deadline.ts";
import type { Heartbeats, SeenBeat } from "../ports/heartbeats.ts";
import { translate } from "./errors.ts";
import type { RedisClient } from "./redis-client.ts";

export interface RedisHeartbeatsOptions {
  readonly client: RedisClient;
  /** A key is this, a colon and the node id. */
  readonly keyPrefix: string;
  /** How long a beat stands. */
  readonly ttlMs: number;
  /** An answer later than this counts as none. Default 2 s. */
  readonly commandMsMax?: number;
  readonly clock: Clock;
}

const COMMAND_MS_MAX = 2_000;
const SCAN_COUNT = 500;
/** More keys under one prefix are not ours. */
const KEYS_MAX = 10_000;

/**
 * KEYS: the beat's. ARGV: host, pid, beat, ttl in ms, the text of a beat that is known to be dead or "".
 * Answers nothing when the beat was stored, else the beat that stands there and how long it does.
 */
const PUT = `
local current = redis.call("GET", KEYS[1])
if current and current ~= ARGV[5] then
  local isRead, beat = pcall(cjson.decode, current)
  if isRead and type(beat) == "table" then
    local pid = type(beat.pid) == "number" and string.format("%.0f", beat.pid) or tostring(beat.pid)
    local isOwn = beat.host == ARGV[1] and pid == ARGV[2]
    local isOver = beat.is_ended == true or beat.status == "stopped"
    if not isOwn and not isOver then
      return { current, redis.call("PTTL", KEYS[1]) }
    end
  end
end
redis.call("SET", KEYS[1], ARGV[3], "PX", ARGV[4])
return {}
`;

/** Heartbeats as Ginkgo reads them: JSON under `heartbeat:data_worker:{node id}`. What is no beat is replaced, and not listed. */
export function createRedisHeartbeats(options: RedisHeartbeatsOptions): Heartbeats {
  const { client, keyPrefix, ttlMs, clock, commandMsMax = COMMAND_MS_MAX } = options;
  const within = <Answer>(command: () => Promise<Answer>, doing: string, signal: AbortSignal): Promise<Answer> =>
    answerWithin(command, commandMsMax, doing, clock, signal);
  return {
    put: async ({ worker, fields }, dead, signal) => {
      const command = (): Promise<unknown> =>
        client.eval(PUT, {
          keys: [`${keyPrefix}:${worker.nodeId}`],
          arguments: [worker.host, String(worker.pid), JSON.stringify(fields), String(ttlMs), dead?.text ?? ""],
        });
      const answer = await within(command, "writing the heartbeat", signal);
      const [text, leftMs]: readonly unknown[] = Array.isArray(answer) ? answer : [];
      return typeof text === "string" ? parseBeat(worker.nodeId, text, Number(leftMs)) : undefined;
    },
    list: async (signal) => {
      const doing = "reading heartbeats";
      const keys = await within(() => scan(client, `${escapeGlob(keyPrefix)}:*`), doing, signal);
      const beats: SeenBeat[] = [];
      for (const key of keys) {
        const [text, leftMs] = await within(() => Promise.all([client.get(key), client.pTTL(key)]), doing, signal);
        const beat = text === null ? undefined : parseBeat(key.slice(keyPrefix.length + 1), text, leftMs);
        if (beat !== undefined) {
          beats.push(beat);
        }
      }
      return beats;
    },
  };
}

async function scan(client: RedisClient, pattern: string): Promise<readonly string[]> {
  const keys = new Set<string>();
  for await (const found of client.scanIterator({ MATCH: pattern, COUNT: SCAN_COUNT, TYPE: "string" })) {
    for (const key of found) {
      keys.add(key);
    }
    if (keys.size >= KEYS_MAX) {
      break;
    }
  }
  return [...keys].toSorted((left, right) => (left < right ? -1 : 1));
}

function parseBeat(nodeId: string, text: string, leftMs: number): SeenBeat | undefined {
  const fields = parseObject(text);
  if (fields === undefined) {
    return undefined;
  }
  const { host, pid, status, timestamp, is_ended: isEnded } = fields;
  const beatAtMs = typeof timestamp === "string" ? Date.parse(timestamp) : Number.NaN;
  return {
    nodeId,
    host: typeof host === "string" ? host : undefined,
    pid: typeof pid === "number" ? pid : undefined,
    status: typeof status === "string" ? status : undefined,
    beatAtMs: Number.isNaN(beatAtMs) ? undefined : beatAtMs,
    leftMs: Math.max(0, leftMs),
    isEnded: isEnded === true || status === "stopped",
    fields,
    text,
  };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function escapeGlob(text: string): string {
  return text.replaceAll(/[\\*?[\]^-]/g, String.raw`\$&`);
}

/** A server that hangs must not hang the worker; what it answers later is ignored. */
async function answerWithin<Answer>(
  command: () => Promise<Answer>,
  msMax: number,
  doing: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<Answer> {
  signal.throwIfAborted();
  try {
    return await withDeadline(command(), msMax, doing, clock, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw translate(error, doing);
  }
}
