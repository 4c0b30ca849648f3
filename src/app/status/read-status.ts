import { existsSync } from "node:fs";

import { systemClock } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { readVersion } from "../../base/version.ts";
import type { Config } from "../../config.ts";
import { providersInUse } from "../../domain/chain-rule.ts";
import type { Day } from "../../domain/day.ts";
import { MARKET } from "../../domain/enums.ts";
import { readGrants } from "../../limits/redis-grants.ts";
import { mergedCalendar } from "../../planning/trading-calendar.ts";
import type { PartitionLag } from "../../ports/queue.ts";
import type { ClickHouse } from "../../store/clickhouse/client.ts";
import { openClickHouseHandledLetters } from "../../store/clickhouse/handled-letters.ts";
import { readCallsOfLastMinute, readNumbers, type StoreNumbers } from "../../store/clickhouse/read-numbers.ts";
import { listLetters } from "../dead-letters/read-letters.ts";
import { identityOf, openHeartbeats, openOurRedis } from "../open-budget.ts";
import { openQueueTools, type QueueTools } from "../open-queue-tools.ts";
import { openOurClickHouse, openReference } from "../open-store.ts";
import { clickhouseAt, queueAt, redisAt } from "../places.ts";
import type {
  ApiCalls,
  LetterNumbers,
  Part,
  QueueNumbers,
  StatusApi,
  StatusReport,
  TopicNumbers,
} from "./status-api.ts";
import { embeddedWorker, workerOfBeat } from "./workers-seen.ts";

/** A part that has not answered by then is said to be unknown. */
const PART_MS_MAX = 10_000;
/** Redis is on the way of every call: if it takes longer to get there, it is away. */
const REDIS_MS_MAX = 3_000;
const WORST_SHOWN_MAX = 3;

export const statusCommands: StatusApi = {
  status: async (config, log, signal) => {
    await using opened = new AsyncDisposableStack();
    const until = (ms = PART_MS_MAX): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(ms)]);
    const tools = once(async () => opened.use(await openQueueTools(config, log, until())));
    const clickhouse = once(async () => opened.use(await openOurClickHouse(config, log, until())));
    const redis = once(async () => opened.use(await openOurRedis(config, log, until(REDIS_MS_MAX))));
    const hasQueue = config.mode === "servers" || existsSync(config.embedded.folder);
    const hasStore = config.clickhouse.url !== undefined || existsSync(config.clickhouse.embeddedPath);
    const hasRedis = config.redis.host !== undefined;
    const [queue, deadLetters, store, calls, workers] = await Promise.all([
      part(async () => (hasQueue ? readQueue(config, await tools(), until()) : noQueue(config)), signal),
      part(
        async () =>
          hasQueue && hasStore
            ? readDeadLetters(config, await tools(), await clickhouse(), until())
            : noLetters(config),
        signal,
      ),
      part(async () => (hasStore ? readStore(config, await clickhouse(), log, opened, until()) : NO_STORE), signal),
      part(async (): Promise<readonly ApiCalls[]> => {
        if (!hasRedis) {
          return !hasStore ? [] : callsOf(await readCallsOfLastMinute(await clickhouse(), until()));
        }
        const { client } = await redis();
        const byProvider = providersInUse(config.providers).map(async (provider) =>
          (await readGrants(client, provider, identityOf(config, provider))).map((one) => ({ provider, ...one })),
        );
        return (await Promise.all(byProvider)).flat();
      }, signal),
      part(async () => {
        const beats = hasRedis ? await openHeartbeats(config, (await redis()).client).list(until()) : [];
        return [...beats.map(workerOfBeat), ...(await embeddedWorker(config))];
      }, signal),
    ]);
    signal.throwIfAborted();
    return { ...describeSetting(config), queue, deadLetters, store, calls, workers };
  },
};

/** Asking makes no folder where there is none: nothing was run there. */
const NO_STORE: StoreNumbers = {
  engine: "",
  transport: "embedded",
  hasTables: false,
  rows: {},
  lastHour: {},
  lastSettled: undefined,
  ledger: { codes: 0, barDays: {} },
};

function noQueue({ worker }: Config): QueueNumbers {
  return { groupId: worker.groupId, group: undefined, topics: [] };
}

function noLetters({ kafka }: Config): LetterNumbers {
  return { topic: kafka.deadLetterTopic, open: 0, handled: 0, byReason: {} };
}

/** The same answer however often it is asked for. */
function once<T>(act: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => (answer ??= act());
}

async function part<T>(read: () => Promise<T>, signal: AbortSignal): Promise<Part<T>> {
  try {
    return { isKnown: true, value: await read() };
  } catch (error) {
    signal.throwIfAborted();
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    return { isKnown: false, why: isLate ? "no answer in time" : describeError(error) };
  }
}

function describeSetting(config: Config): Omit<StatusReport, "queue" | "deadLetters" | "store" | "calls" | "workers"> {
  const { mode, node, clickhouse, redis, mysql, providers } = config;
  return {
    version: readVersion(),
    at: systemClock.now().toString({ smallestUnit: "second" }),
    mode,
    nodeId: node.id,
    connections: {
      queue: queueAt(config),
      store: `${clickhouseAt(config)}, database ${clickhouse.database}`,
      budget: redis.host === undefined ? "in each process" : `${redisAt(config)}, database ${redis.db}`,
      reference:
        mysql.host === undefined ? "in the store" : `mysql at ${mysql.host}:${mysql.port}, database ${mysql.database}`,
    },
    providers: providersInUse(providers),
  };
}

async function readQueue({ worker }: Config, tools: QueueTools, signal: AbortSignal): Promise<QueueNumbers> {
  const [lags, group] = await Promise.all([tools.lag(signal), tools.group(signal)]);
  const topics = [...Map.groupBy(lags, ({ topic }) => topic)].map(([topic, partitions]) => toTopic(topic, partitions));
  return { groupId: worker.groupId, group, topics };
}

function toTopic(topic: string, partitions: readonly PartitionLag[]): TopicNumbers {
  const worst = partitions
    .filter(({ lag }) => lag > 0n)
    .map(({ partition, lag }) => ({ partition, lag: Number(lag) }))
    .toSorted((left, right) => right.lag - left.lag)
    .slice(0, WORST_SHOWN_MAX);
  return {
    topic,
    partitions: partitions.length,
    lag: Number(partitions.reduce((sum, { lag }) => sum + lag, 0n)),
    worst,
  };
}

async function readDeadLetters(
  { kafka }: Config,
  { reader }: QueueTools,
  clickhouse: ClickHouse,
  signal: AbortSignal,
): Promise<LetterNumbers> {
  const topic = kafka.deadLetterTopic;
  const parts = { topic, reader, handled: openClickHouseHandledLetters(clickhouse) };
  const filter = { reason: undefined, code: undefined, sinceMs: undefined, withHandled: false };
  const { open, handled, byReason } = await listLetters(parts, filter, signal);
  return { topic, open, handled, byReason };
}

function readStore(
  config: Config,
  clickhouse: ClickHouse,
  log: Log,
  opened: AsyncDisposableStack,
  signal: AbortSignal,
): ReturnType<typeof readNumbers> {
  const tradingDays = async (): Promise<readonly Day[]> => {
    const reference = await openReference(config, clickhouse, log, signal, opened);
    const calendar = mergedCalendar(await reference.calendar(MARKET.CHINA, signal));
    return calendar.tradingDaysBetween(calendar.knownFrom, calendar.knownTo);
  };
  return readNumbers(clickhouse, tradingDays, signal);
}

function callsOf(calls: Readonly<Record<string, number>>): readonly ApiCalls[] {
  return Object.entries(calls).map(([provider, calls]) => ({ provider, api: "", calls }));
}
