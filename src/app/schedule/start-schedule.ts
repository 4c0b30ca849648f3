import { systemClock, type Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Config } from "../../config.ts";
import { SHANGHAI } from "../../domain/day.ts";
import { MARKET } from "../../domain/enums.ts";
import type { RunName } from "../../domain/run-time.ts";
import { createRedisScheduleBook } from "../../limits/redis-schedule-book.ts";
import { mergedCalendar } from "../../planning/trading-calendar.ts";
import type { ScheduleBook } from "../../ports/schedule-book.ts";
import { Lead } from "../../schedule/lead.ts";
import { Scheduler, type ScheduleState } from "../../schedule/scheduler.ts";
import { scheduleScope, type BudgetSide } from "../open-budget.ts";
import { openProducer, type QueueSide } from "../open-queue.ts";
import type { StoreSide } from "../open-store.ts";
import { sendRequests } from "../send-requests.ts";
import { createFileScheduleBook } from "./file-book.ts";
import { planOfRun, runTimesOf } from "./run-plan.ts";

export interface ScheduleSide {
  readonly config: Config;
  readonly log: Log;
  readonly budgetSide: Pick<BudgetSide, "redis">;
  readonly queue: Pick<QueueSide, "served">;
  readonly store: Pick<StoreSide, "outcomes" | "reference">;
  /** By which runs are due; the machine's by default. The lead is Redis's matter and always goes by the machine's. */
  readonly clock?: Clock;
  /** How long the lead lasts in Redis, where the default is not right. */
  readonly leadMs?: number;
}

export interface RunningSchedule extends AsyncDisposable {
  /** Undefined where `schedule.enabled` is false. */
  state(): ScheduleState | undefined;
}

/** The worker sends what the schedule says, where `schedule.enabled` is set; see `Scheduler`. */
export function startSchedule(parts: ScheduleSide, stop: AbortSignal): RunningSchedule {
  const { config, log, store, clock = systemClock } = parts;
  if (!config.schedule.enabled) {
    return { state: () => undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const book = openBook(parts);
  const lead = new Lead({ book, clock: systemClock, log }, stop);
  const scheduler = new Scheduler(
    {
      times: runTimesOf(config),
      zone: SHANGHAI,
      catchUpDays: config.schedule.catchUpDays,
      node: config.node.id,
      book,
      lead,
      calendar: async (signal) => mergedCalendar(await store.reference.calendar(MARKET.CHINA, signal)),
      send: (name, requestId, signal) => send(parts, name, requestId, signal),
      isOwed: async ({ requestId }, signal) => {
        const records = await store.outcomes.byRequest(requestId, signal);
        return records.some(({ outcome }) => outcome.pendingDays > 0);
      },
      clock,
      log,
    },
    stop,
  );
  return {
    state: () => scheduler.state(),
    [Symbol.asyncDispose]: async () => {
      await scheduler[Symbol.asyncDispose]();
      await lead[Symbol.asyncDispose]();
    },
  };
}

/** The worker that holds an embedded folder is the only one; others agree in Redis, which the settings ask for. */
function openBook({ config, budgetSide: { redis }, leadMs }: ScheduleSide): ScheduleBook {
  const node = config.node.id;
  if (config.mode === "embedded" || redis === undefined) {
    return createFileScheduleBook(config.embedded.folder, node);
  }
  const scope = scheduleScope(config);
  const options = { client: redis, scope, node, clock: systemClock };
  return createRedisScheduleBook(leadMs === undefined ? options : { ...options, leadMs });
}

/** The embedded queue is in this process; Kafka is connected to for the time it takes. */
async function send(
  { config, log, queue, store }: ScheduleSide,
  name: RunName,
  requestId: string,
  signal: AbortSignal,
): Promise<number> {
  await using opened = new AsyncDisposableStack();
  const producer = queue.served?.producer ?? opened.use(await openProducer(config, log, signal));
  const parts = { producer, outcomes: undefined, reference: store.reference, log };
  let published = 0;
  for await (const progress of sendRequests(config, planOfRun(name, false), parts, signal, {
    requestId,
    askedBy: "schedule",
  })) {
    published = progress.published;
  }
  return published;
}
