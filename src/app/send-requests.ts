import { randomUUID } from "node:crypto";

import { systemClock } from "../base/clock.ts";
import { PermanentError, tellingWhatToDo, TransientError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { untilPassed } from "../base/retry.ts";
import type { Config } from "../config.ts";
import type { Command } from "../domain/command.ts";
import { kindOf } from "../domain/instrument-kind.ts";
import { NO_ROWS, type OutcomeWord } from "../domain/outcome.ts";
import { toWire } from "../domain/parse-message.ts";
import type { Instrument } from "../domain/rows.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { OutgoingMessage, Producer } from "../ports/queue.ts";
import type { OutcomeRecord, Outcomes, ReferenceStore } from "../ports/store.ts";
import { addTallies } from "../worker/tally.ts";
import type { RequestPlan, RequestProgress } from "./app-api.ts";
import { retryWaitsOf } from "./retry-waits.ts";
import type { AskWorkers } from "./status/ask-workers.ts";
import { watchWork, type WorkSeen } from "./status/watch-work.ts";

export interface RequestParts {
  readonly producer: Producer;
  /** Only where the plan waits. */
  readonly outcomes: Outcomes | undefined;
  /** Only where they are read from a worker, which may restart: reads them from the one that runs by then. */
  readonly reopenOutcomes?: (() => Promise<Outcomes>) | undefined;
  /** Only where the plan asks for all codes. */
  readonly reference: ReferenceStore | undefined;
  readonly log: Log;
  /** Where somebody can be asked; only for people to look at. */
  readonly askWorkers?: AskWorkers | undefined;
  /** Pause between two questions to them. Default 3 s. */
  readonly askWorkersEveryMs?: number | undefined;
  /** Without news the state is told so often. Default 1 s. */
  readonly tellEveryMs?: number | undefined;
  /** Without anything settled for so long it is said that it is quiet. Default 15 s. */
  readonly quietMs?: number;
}

/** What all messages of a request say. */
export interface Asked {
  readonly requestId: string;
  readonly askedBy: "request" | "schedule";
}

const QUIET_MS = 15_000;
const TELL_EVERY_MS = 1_000;
/** Messages of one publish. */
const PUBLISH_MAX = 500;
const ASK_EVERY_MS = 250;
/** Every answer names every settled message, so for many of them it is asked less often. */
const ASK_EVERY_MS_MANY = 1_000;
const MANY_MESSAGES = 500;
const NOBODY: AskWorkers = () => Promise.resolve([]);
const SET_ASIDE_SHOWN_MAX = 100;

/** Publishes one message a code, and where the plan says so watches their outcome records until there is one for each. */
export async function* sendRequests(
  { worker }: Config,
  plan: RequestPlan,
  parts: RequestParts,
  signal: AbortSignal,
  asked: Asked = { requestId: randomUUID(), askedBy: "request" },
): AsyncGenerator<RequestProgress> {
  const { requestId } = asked;
  const messages = await toMessages(worker.topic, plan, asked, parts, signal);
  let progress = nothingYet(requestId, messages.length);
  for (let from = 0; from < messages.length; from += PUBLISH_MAX) {
    await parts.producer.publish(messages.slice(from, from + PUBLISH_MAX), signal);
    progress = { ...progress, published: Math.min(from + PUBLISH_MAX, messages.length) };
    yield progress;
  }
  if (parts.outcomes === undefined) {
    return;
  }
  const outcomesOf = readingOutcomes(parts.outcomes, parts.reopenOutcomes);
  const quietAtMs = systemClock.elapsedMs() + (parts.quietMs ?? QUIET_MS);
  await using watch = watchWork(parts.askWorkers ?? NOBODY, systemClock, signal, parts.askWorkersEveryMs);
  let { outages } = watch.latest;
  let isQuietSaid = false;
  let toldAtMs = systemClock.elapsedMs();
  while (progress.settled < progress.total) {
    await systemClock.sleep(messages.length < MANY_MESSAGES ? ASK_EVERY_MS : ASK_EVERY_MS_MANY, signal);
    const retry = { clock: systemClock, log: parts.log, waits: retryWaitsOf({ worker }), doing: "reading outcomes" };
    const records = await untilPassed(() => outcomesOf(requestId, signal), retry, signal);
    const nowMs = systemClock.elapsedMs();
    const isNews = records.length !== progress.settled || watch.latest.outages !== outages;
    ({ outages } = watch.latest);
    // A worker that asks a provider, or waits for one that is out, is at work.
    const isQuiet = outages.length + watch.latest.calls.length + progress.settled === 0 && nowMs >= quietAtMs;
    if (!isNews && !isQuietSaid && isQuiet) {
      isQuietSaid = true;
      yield { ...progress, isQuiet: true };
    } else if (isNews || nowMs - toldAtMs >= (parts.tellEveryMs ?? TELL_EVERY_MS)) {
      toldAtMs = nowMs;
      progress = toProgress(progress, records);
      yield withWork(progress, watch.latest);
    }
  }
}

/** What is done waits for nothing. */
function withWork(progress: RequestProgress, { outages, calls }: WorkSeen): RequestProgress {
  const isDone = progress.settled >= progress.total;
  return {
    ...progress,
    ...(isDone || outages.length === 0 ? {} : { outages }),
    ...(isDone || calls.length === 0 ? {} : { callsNow: calls }),
  };
}

/** A worker that started anew has another address and another password: the old ones fail in either of two ways. */
function readingOutcomes(first: Outcomes, reopen: RequestParts["reopenOutcomes"]): Outcomes["byRequest"] {
  let outcomes = first;
  return async (requestId, signal) => {
    try {
      return await outcomes.byRequest(requestId, signal);
    } catch (error) {
      signal.throwIfAborted();
      const isLost = error instanceof TransientError || (error instanceof PermanentError && error.isCredentials);
      if (reopen === undefined || !isLost) {
        throw error;
      }
      outcomes = await reopen();
      return await outcomes.byRequest(requestId, signal);
    }
  };
}

async function toMessages(
  topic: string,
  plan: RequestPlan,
  asked: Asked,
  { reference }: RequestParts,
  signal: AbortSignal,
): Promise<readonly OutgoingMessage[]> {
  const toMessage = (command: Command, key: string | undefined): OutgoingMessage => ({
    topic,
    key: key === undefined ? undefined : Buffer.from(key),
    value: Buffer.from(toWire(command, { ...asked, askedAt: systemClock.now() })),
    headers: [],
  });
  const { force, provider, frequency } = plan;
  switch (plan.kind) {
    case "stock-list":
      return [toMessage({ kind: "sync-stock-list", force, provider }, undefined)];
    case "calendar":
      return [toMessage({ kind: "sync-trading-calendar", force, provider }, undefined)];
    case "bars":
    case "ticks":
    case "factors": {
      const codes = plan.codes === "all" ? listedCodes((await reference?.instruments(signal)) ?? []) : plan.codes;
      return codes.map((code) => {
        const range = plan.ranges?.[code] ?? plan.range;
        const shared = { codes: [code], range, force, provider };
        return toMessage(
          plan.kind === "bars"
            ? { kind: "sync-bars", ...shared, frequency, withFactors: false }
            : { kind: plan.kind === "ticks" ? "sync-ticks" : "sync-adjustment-factors", ...shared },
          code,
        );
      });
    }
  }
}

/** Listed stocks: some lists have indices, funds and bonds besides, which are asked for by name. PermanentError while there are none. */
export function listedCodes(instruments: readonly Instrument[]): readonly SecurityCode[] {
  const listed = instruments
    .filter(({ status, code }) => status === "listed" && kindOf(code) === "stock")
    .map(({ code }) => code);
  if (listed.length === 0) {
    throw tellingWhatToDo(
      new PermanentError(
        "asking for all codes: the stock list is empty, run gdw request --kind stock-list --wait first",
        "store",
      ),
    );
  }
  return listed;
}

function nothingYet(requestId: string, total: number): RequestProgress {
  return {
    requestId,
    total,
    published: 0,
    settled: 0,
    outcomes: countWords([]),
    rows: NO_ROWS,
    calls: 0,
    pendingDays: 0,
    unexplainedDays: 0,
    deadLetters: [],
  };
}

function toProgress(before: RequestProgress, records: readonly OutcomeRecord[]): RequestProgress {
  const sum = (pick: (record: OutcomeRecord) => number): number =>
    records.reduce((total, record) => total + pick(record), 0);
  const setAside = records.flatMap(({ codes, reason }) => (reason === undefined ? [] : [{ codes, reason }]));
  return {
    ...before,
    settled: records.length,
    outcomes: countWords(records),
    rows: records.reduce((rows, { outcome }) => addTallies(rows, outcome.rows), NO_ROWS),
    calls: new Set(records.flatMap(({ outcome }) => outcome.callIds)).size,
    pendingDays: sum(({ outcome }) => outcome.pendingDays),
    unexplainedDays: sum(({ outcome }) => outcome.unexplainedDays),
    deadLetters: setAside.slice(0, SET_ASIDE_SHOWN_MAX),
  };
}

function countWords(records: readonly OutcomeRecord[]): Readonly<Record<OutcomeWord, number>> {
  const counts = { stored: 0, "up-to-date": 0, pending: 0, unexplained: 0, ignored: 0, "dead-letter": 0 };
  for (const { outcome } of records) {
    counts[outcome.word] += 1;
  }
  return counts;
}
