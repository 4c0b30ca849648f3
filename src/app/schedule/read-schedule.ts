import { existsSync } from "node:fs";

import { Temporal } from "temporal-polyfill";

import { systemClock } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Config } from "../../config.ts";
import { SHANGHAI } from "../../domain/day.ts";
import { MARKET } from "../../domain/enums.ts";
import type { RunRecord } from "../../domain/run-record.ts";
import { RUN_NAMES, showRunTime } from "../../domain/run-time.ts";
import { createRedisScheduleBook } from "../../limits/redis-schedule-book.ts";
import { bundledCalendar, mergedCalendar, type TradingCalendar } from "../../planning/trading-calendar.ts";
import type { ScheduleNotes } from "../../ports/schedule-book.ts";
import type { OutcomeRecord, Outcomes } from "../../ports/store.ts";
import { nextSlot } from "../../schedule/due-runs.ts";
import { openClickHouseOutcomes } from "../../store/clickhouse/outcomes.ts";
import { openOurRedis, scheduleScope } from "../open-budget.ts";
import { openForReading } from "../open-for-reading.ts";
import { openReference } from "../open-store.ts";
import { findWorker } from "../worker-file.ts";
import { readFileBook } from "./file-book.ts";
import { runTimesOf } from "./run-plan.ts";
import type { LastRun, RunOutcome, ScheduleApi } from "./schedule-api.ts";

const NOTHING: ScheduleNotes = { leader: undefined, runs: [] };

export const scheduleCommands: ScheduleApi = {
  schedule: async (config, log, signal) => {
    await using opened = new AsyncDisposableStack();
    const unknown: string[] = [];
    const orSaid = async <T>(read: () => Promise<T>, otherwise: T): Promise<T> => {
      try {
        return await read();
      } catch (error) {
        signal.throwIfAborted();
        unknown.push(describeError(error));
        return otherwise;
      }
    };
    const notes = await orSaid(() => readNotes(config, log, signal), NOTHING);
    // In a folder that is not there nothing was ever done.
    const hasStore = config.clickhouse.url !== undefined || existsSync(config.clickhouse.embeddedPath);
    const store = hasStore ? await orSaid(() => readStore(config, log, signal, opened), undefined) : undefined;
    const times = runTimesOf(config);
    const nowMs = systemClock.nowMs();
    const next = { times, calendar: store?.calendar ?? bundledCalendar(), zone: SHANGHAI, nowMs };
    const runs = [];
    for (const name of RUN_NAMES) {
      const slot = nextSlot(name, next);
      const run = notes.runs.find((one) => one.name === name);
      const outcomeOf = async (last: RunRecord): Promise<LastRun> =>
        toLast(last, store && (await orSaid(() => readOutcome(store.outcomes, last, signal), undefined)));
      runs.push({
        name,
        when: showRunTime(times[name]),
        next: slot === undefined ? undefined : { day: slot.day, at: isoAt(slot.atMs) },
        last: run === undefined ? undefined : await outcomeOf(run),
      });
    }
    return { isEnabled: config.schedule.enabled, zone: SHANGHAI, leader: notes.leader, runs, unknown };
  },
};

async function readNotes(config: Config, log: Log, signal: AbortSignal): Promise<ScheduleNotes> {
  if (config.mode === "embedded") {
    const { folder } = config.embedded;
    const notes = await readFileBook(folder);
    // A worker that was killed did not take its name out.
    const running = notes.leader === undefined ? undefined : await findWorker(folder);
    return { ...notes, leader: running?.nodeId === notes.leader ? notes.leader : undefined };
  }
  if (config.redis.host === undefined) {
    return NOTHING;
  }
  await using connection = await openOurRedis(config, log, signal);
  const options = { client: connection.client, scope: scheduleScope(config), node: config.node.id, clock: systemClock };
  return await createRedisScheduleBook(options).read(signal);
}

async function readStore(
  config: Config,
  log: Log,
  signal: AbortSignal,
  opened: AsyncDisposableStack,
): Promise<{ readonly calendar: TradingCalendar; readonly outcomes: Outcomes }> {
  const clickhouse = opened.use(await openForReading(config, log, signal));
  const reference = await openReference(config, clickhouse, log, signal, opened);
  return {
    calendar: mergedCalendar(await reference.calendar(MARKET.CHINA, signal)),
    outcomes: openClickHouseOutcomes(clickhouse),
  };
}

async function readOutcome(outcomes: Outcomes, run: RunRecord, signal: AbortSignal): Promise<RunOutcome> {
  const records = await outcomes.byRequest(run.requestId, signal);
  // A run that was sent again by the next leader has each message twice: the later one tells.
  const latest = [
    ...new Map(records.map((record) => [`${record.command} ${record.codes.join(",")}`, record])).values(),
  ];
  const sum = (pick: (record: OutcomeRecord) => number): number =>
    latest.reduce((total, record) => total + pick(record), 0);
  const byWord = Map.groupBy(latest, ({ outcome }) => outcome.word);
  return {
    settled: latest.length,
    words: Object.fromEntries([...byWord].map(([word, { length }]) => [word, length])),
    pendingDays: sum(({ outcome }) => outcome.pendingDays),
    unexplainedDays: sum(({ outcome }) => outcome.unexplainedDays),
  };
}

function toLast(run: RunRecord, outcome: RunOutcome | undefined): LastRun {
  const { day, requestId, state, node, messages, beganAtMs, sentAtMs } = run;
  const sentAt = sentAtMs === undefined ? undefined : isoAt(sentAtMs);
  return { day, requestId, state, node, messages, beganAt: isoAt(beganAtMs), sentAt, outcome };
}

function isoAt(ms: number): string {
  return Temporal.Instant.fromEpochMilliseconds(ms).toString();
}
