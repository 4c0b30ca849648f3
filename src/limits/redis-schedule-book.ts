import { randomUUID } from "node:crypto";

import type { Clock } from "../base/clock.ts";
import { withDeadline } from "../base/deadline.ts";
import { parseRunRecord, type RunRecord } from "../domain/run-record.ts";
import type { ScheduleBook, ScheduleNotes } from "../ports/schedule-book.ts";
import { ANSWER_MS_MAX } from "./answer-ms.ts";
import { translate } from "./errors.ts";
import type { RedisClient } from "./redis-client.ts";

export interface RedisScheduleBookOptions {
  readonly client: RedisClient;
  /** Whose schedule it is: fleets on one Redis that do not share a store and a topic have one each. */
  readonly scope: string;
  /** Who this process is; whoever looks sees it. */
  readonly node: string;
  /** The machine's: Redis answers in its time and ends a lead in its time. */
  readonly clock: Clock;
  /** A leader that says nothing for so long has lost the lead. Default 30 s. */
  readonly leadMs?: number;
  /** An answer later than this counts as none. Default 2 s. */
  readonly answerMsMax?: number;
}

const LEAD_MS = 30_000;
const KEY_PREFIX = "ginkgo:schedule:";

/** KEYS: the lead. ARGV: holder, ms. 1 when the holder leads from now on. */
const LEAD = `
local current = redis.call("GET", KEYS[1])
if current and current ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return 1
`;
const RESIGN = `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0`;
/** KEYS: the lead, the runs. ARGV: holder, name, day, record. Only who leads begins, whatever it believes of itself. */
const BEGIN = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return "lost" end
local current = redis.call("HGET", KEYS[2], ARGV[2])
if current then
  local isRead, run = pcall(cjson.decode, current)
  if isRead and type(run) == "table" and run.day == ARGV[3] and run.state == "sent" then return "done" end
end
redis.call("HSET", KEYS[2], ARGV[2], ARGV[4])
return "begun"
`;
/** KEYS: the runs. ARGV: name, day, record. Days are text that sorts. */
const END = `
local current = redis.call("HGET", KEYS[1], ARGV[1])
if current then
  local isRead, run = pcall(cjson.decode, current)
  if isRead and type(run) == "table" and type(run.day) == "string" and run.day > ARGV[2] then return 0 end
end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[3])
return 1
`;

/**
 * The schedule of a fleet in Redis: a key that ends by itself for the lead, a hash of the latest run of each name. Other
 * than the fleet's lock, which goes ahead without Redis, nobody leads while Redis is away.
 */
export function createRedisScheduleBook(options: RedisScheduleBookOptions): ScheduleBook {
  const { client, scope, node, clock, leadMs = LEAD_MS, answerMsMax = ANSWER_MS_MAX } = options;
  const holder = JSON.stringify({ node, id: randomUUID() });
  const leadKey = `${KEY_PREFIX}{${scope}}:lead`;
  const runsKey = `${KEY_PREFIX}{${scope}}:runs`;
  const askLead = (): Promise<unknown> => client.eval(LEAD, { keys: [leadKey], arguments: [holder, String(leadMs)] });
  const askAll = (): Promise<[string | null, Record<string, string>]> =>
    Promise.all([client.get(leadKey), client.hGetAll(runsKey)]);
  const answer = async <T>(ask: () => Promise<T>, doing: string, signal?: AbortSignal): Promise<T> => {
    signal?.throwIfAborted();
    try {
      return await withDeadline(ask(), answerMsMax, doing, clock, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw translate(error, doing);
    }
  };
  return {
    leadMs,
    lead: async (signal) => (await answer(askLead, "asking redis for the lead of the schedule", signal)) === 1,
    resign: async () => {
      await answer(
        () => client.eval(RESIGN, { keys: [leadKey], arguments: [holder] }),
        "giving up the lead of the schedule",
      );
    },
    begin: async (run, signal) => {
      const ask = (): Promise<unknown> =>
        client.eval(BEGIN, {
          keys: [leadKey, runsKey],
          arguments: [holder, run.name, run.day, JSON.stringify(run)],
        });
      const word = await answer(ask, "noting the begin of a run in redis", signal);
      return word === "begun" || word === "done" ? word : "lost";
    },
    end: async (run, signal) => {
      const ask = (): Promise<unknown> =>
        client.eval(END, { keys: [runsKey], arguments: [run.name, run.day, JSON.stringify(run)] });
      await answer(ask, "noting the end of a run in redis", signal);
    },
    read: async (signal) => {
      const [lead, runs] = await answer(askAll, "reading the schedule from redis", signal);
      return toNotes(lead, Object.values(runs));
    },
  };
}

/** What another version wrote, and cannot be read, counts as nothing. */
function toNotes(lead: string | null, texts: readonly string[]): ScheduleNotes {
  const runs = texts.flatMap((text): readonly RunRecord[] => {
    const run = parseRunRecord(parseJson(text));
    return run === undefined ? [] : [run];
  });
  const holder = lead === null ? undefined : parseJson(lead);
  const isOurs = typeof holder === "object" && holder !== null && "node" in holder;
  return { leader: lead === null ? undefined : isOurs ? String(holder.node) : lead, runs };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
