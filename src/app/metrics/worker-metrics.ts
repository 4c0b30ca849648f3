import { type Clock, systemClock } from "../../base/clock.ts";
import { PermanentError, DataError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { readVersion } from "../../base/version.ts";
import type { Config } from "../../config.ts";
import type { ConsumerState } from "../../consumer/consumer-state.ts";
import { DEAD_LETTER_REASONS } from "../../domain/dead-letter.ts";
import { REJECT_REASONS } from "../../domain/rows.ts";
import type { DependencyWatch } from "../../health/dependency-watch.ts";
import { LagBook } from "../../health/metrics/lag-book.ts";
import { Metrics } from "../../health/metrics/metrics.ts";
import { Progress } from "../../health/metrics/progress.ts";
import type { OpenMetrics } from "../../health/metrics/table.ts";
import { RateLimitError, type WatchedBudget } from "../../ports/budget.ts";
import type { PartitionLag } from "../../ports/queue.ts";
import type { OutcomeRecord, Store } from "../../ports/store.ts";
import type { SentBatch } from "../../store/batching/lane.ts";
import type { BreakerSeen } from "../../worker/provider-gate.ts";
import type { EndedCall, EndedWait } from "../../worker/provider-line.ts";
import type { CodeDataSet } from "../../domain/unit.ts";
import { readCoverage } from "../coverage.ts";
import { publicationsOf } from "../provider-table.ts";
import type { StoreSide } from "../open-store.ts";
import { TABLES, withRowCounts } from "./count-rows.ts";
import { isIdle, sampleQueue } from "./sample-queue.ts";
import { COVERED_DATA_SETS, watchCoverage } from "./watch-coverage.ts";

export interface WatchedParts {
  readonly store: StoreSide;
  readonly budget: WatchedBudget;
  readonly breakers: () => readonly BreakerSeen[];
  readonly watch: DependencyWatch;
  /** The consumer's last state. */
  readonly state: () => ConsumerState | undefined;
  readonly log: Log;
}

const CALL_OUTCOMES = ["answered", "rate-limited", "failed", "refused", "rejected"] as const;
const BREAKER_STATES = ["closed", "open", "half-open"] as const satisfies readonly BreakerSeen["state"][];
const BATCH_REASONS = ["rows", "bytes", "quiet", "age", "closing"] as const satisfies readonly SentBatch["reason"][];
const ROW_OUTCOMES = ["new", "same", "revised", "rejected"] as const;

/** Idle for so long is not known to be idle, or for this many looks where they are rare. */
const LAG_KNOWN_MS_MAX = 300_000;
const LOOKS_MISSED_MAX = 3;

/** Turns what the parts of a worker tell into its metrics: what happens is counted as it is told, what is, at each scrape. */
export class WorkerMetrics implements Disposable {
  readonly #config: Config;
  readonly #clock: Clock;
  readonly #metrics = new Metrics();
  readonly #book: LagBook;
  readonly #progress: Progress;

  constructor(config: Config, clock: Clock = systemClock) {
    this.#config = config;
    this.#clock = clock;
    this.#book = new LagBook(clock.nowMs());
    this.#progress = new Progress(clock.nowMs());
    const { workerInfo, windowMessages, windowBytes } = this.#open;
    workerInfo.set({ version: readVersion(), mode: config.mode, node: config.node.id }, 1);
    windowMessages.set(config.worker.windowMessages);
    windowBytes.set(config.worker.windowBytes);
    startCounts(this.#open);
  }

  get #open(): OpenMetrics {
    return this.#metrics.open;
  }

  routes(): ReturnType<Metrics["routes"]> {
    return this.#metrics.routes();
  }

  readonly onCall = ({ provider, api, waitedMs, ms, received, error }: EndedCall): void => {
    const key = { provider, api };
    const { calls, callSeconds, callRows, budgetWaitSeconds } = this.#open;
    calls.inc({ ...key, outcome: outcomeOfCall(error) });
    callSeconds.observe(key, ms / 1_000);
    budgetWaitSeconds.observe(key, waitedMs / 1_000);
    callRows.inc(key, received);
    if (error === undefined) {
      this.#progress.gotOn(this.#clock.nowMs());
    }
  };

  readonly onWait = ({ provider, api, reason, ms }: EndedWait): void =>
    this.#open.providerWaitSeconds.observe({ provider, api, reason }, ms / 1_000);

  readonly onSent = ({ model, rows, reason, ms }: SentBatch): void => {
    const table = TABLES[model];
    this.#open.batches.inc({ table, reason });
    this.#open.batchRows.observe({ table }, rows);
    this.#open.insertSeconds.observe({ table }, ms / 1_000);
    this.#progress.gotOn(this.#clock.nowMs());
  };

  readonly onLag = (lags: readonly PartitionLag[]): void => this.#book.learn(lags, this.#clock.nowMs());

  withRowCounts(store: Store): Store {
    return withRowCounts(store, this.#open);
  }

  settled({ command, outcome, reason }: OutcomeRecord): void {
    this.#progress.settled(this.#clock.nowMs());
    this.#open.settled.inc({ command: command === "" ? "unreadable" : command, outcome: outcome.word });
    this.#open.messageSeconds.observe({ outcome: outcome.word }, outcome.ms / 1_000);
    if (reason !== undefined) {
      this.#open.deadLetters.inc({ reason });
    }
  }

  /** The consumer's state has changed; whether its group counts it as one of its own. */
  turned(state: ConsumerState, isMember: boolean): void {
    const nowMs = this.#clock.nowMs();
    const knownMsMax = Math.max(LAG_KNOWN_MS_MAX, LOOKS_MISSED_MAX * this.#config.metrics.lagEveryMs);
    if (isIdle({ state, book: this.#book, nowMs, isMember, knownMsMax })) {
      this.#progress.gotOn(nowMs);
    }
  }

  /** Everything is open: reads what is read from time to time, until it is disposed of. */
  watch(parts: WatchedParts): AsyncDisposable {
    const { store, log } = parts;
    const { coverageEveryMs } = this.#config.metrics;
    const clock = this.#clock;
    const open = this.#open;
    open.workerStarted.set(clock.nowMs() / 1_000);
    this.#progress.gotOn(clock.nowMs());
    startProviderCounts(open, parts.breakers());
    const opened = new AsyncDisposableStack();
    const coverage =
      coverageEveryMs === 0
        ? undefined
        : opened.use(
            watchCoverage({
              metrics: open,
              read: (dataSet, signal) => this.#readCoverage(store, dataSet, signal),
              mayRead: () => !parts.watch.isAnyAway,
              everyMs: coverageEveryMs,
              clock,
              log,
            }),
          );
    this.#metrics.sampling(() => {
      const state = parts.state();
      if (state !== undefined) {
        sampleQueue({ metrics: open, book: this.#book, progress: this.#progress, clock }, state);
      }
      coverage?.sample();
      sampleProviders(open, parts);
      sampleStore(open, parts);
    });
    return opened;
  }

  [Symbol.dispose](): void {
    this.#metrics[Symbol.dispose]();
  }

  #readCoverage(
    { clickhouse, ledger, reference }: StoreSide,
    dataSet: CodeDataSet,
    signal: AbortSignal,
  ): ReturnType<typeof readCoverage> {
    const { quality } = this.#config;
    const publicationOf = publicationsOf(this.#config);
    const parts = { clickhouse, ledger, reference, quality, publicationOf, nowMs: this.#clock.nowMs() };
    return readCoverage(parts, { dataSet, codes: "asked", from: undefined, to: undefined }, signal);
  }
}

function outcomeOfCall(error: unknown): (typeof CALL_OUTCOMES)[number] {
  if (error === undefined) {
    return "answered";
  }
  if (error instanceof RateLimitError) {
    return "rate-limited";
  }
  return error instanceof PermanentError ? "refused" : error instanceof DataError ? "rejected" : "failed";
}

function sampleProviders(metrics: OpenMetrics, { budget, breakers, watch }: WatchedParts): void {
  for (const { key, waiting, callsLeft } of budget.states()) {
    const labels = { provider: key.provider, api: key.api };
    metrics.budgetWaiting.set(labels, waiting);
    metrics.budgetCallsLeft.set(labels, callsLeft);
  }
  for (const { provider, api, state } of breakers()) {
    for (const word of BREAKER_STATES) {
      metrics.breakerState.set({ provider, api, state: word }, word === state ? 1 : 0);
    }
  }
  for (const { name, isAway } of watch.states()) {
    metrics.dependencyUp.set({ dependency: name }, isAway ? 0 : 1);
  }
}

function sampleStore(metrics: OpenMetrics, { store }: WatchedParts): void {
  const { rowsInHand, oldestMs, awayForMs } = store.health();
  metrics.rowsInHand.set(rowsInHand);
  metrics.oldestWait.set((oldestMs ?? 0) / 1_000);
  metrics.storeAway.set((awayForMs ?? 0) / 1_000);
}

/** A count that begins with its first event hides that event from `increase()`, so counts of closed lists begin at 0. */
function startCounts({ deadLetters, quarantined, rows, batches, coverageFailures }: OpenMetrics): void {
  for (const reason of Object.keys(DEAD_LETTER_REASONS)) {
    deadLetters.inc({ reason }, 0);
  }
  for (const reason of REJECT_REASONS) {
    quarantined.inc({ reason }, 0);
  }
  for (const table of Object.values(TABLES)) {
    for (const outcome of ROW_OUTCOMES) {
      rows.inc({ table, outcome }, 0);
    }
    for (const reason of BATCH_REASONS) {
      batches.inc({ table, reason }, 0);
    }
  }
  for (const dataSet of COVERED_DATA_SETS) {
    coverageFailures.inc({ data_set: dataSet }, 0);
  }
}

function startProviderCounts(
  { calls, callRows, providerWaitSeconds }: OpenMetrics,
  breakers: readonly BreakerSeen[],
): void {
  for (const { provider, api } of breakers) {
    callRows.inc({ provider, api }, 0);
    for (const outcome of CALL_OUTCOMES) {
      calls.inc({ provider, api, outcome }, 0);
    }
    for (const reason of WAIT_REASONS) {
      providerWaitSeconds.zero({ provider, api, reason });
    }
  }
}

const WAIT_REASONS = ["retry", "outage"] as const satisfies readonly EndedWait["reason"][];
