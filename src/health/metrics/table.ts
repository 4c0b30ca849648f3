import type { Registry } from "prom-client";

import { counter, type Declared, gauge, histogram } from "./declare.ts";

const CALL_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const WAIT_SECONDS = [0.01, 0.1, 1, 5, 15, 30, 60, 300, 1_800, 3_600];
const INSERT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];
const MESSAGE_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 1_800, 3_600];
const BATCH_ROWS = [1, 10, 100, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000];

const AT = ["topic", "partition"] as const;
const API = ["provider", "api"] as const;

/**
 * Every metric of the worker, once: `docs/metrics.md` is made from here, and a test holds it against what a working worker
 * serves. Units are seconds and bytes. A label takes its values from a list that is closed or that the settings bound,
 * never from a message: no code, no request id, no token.
 */
export const METRICS = {
  workerInfo: gauge("ginkgo_worker_info", "1 for the worker of this version, mode and node", [
    "version",
    "mode",
    "node",
  ]),
  workerStarted: gauge("ginkgo_worker_start_timestamp_seconds", "When the worker was ready, in epoch seconds"),
  dependencyUp: gauge(
    "ginkgo_dependency_up",
    "1 while a dependency that readiness asks for is there, 0 while it is away",
    ["dependency"],
  ),

  queueLag: gauge(
    "ginkgo_queue_lag",
    "Messages of a partition held here that are not settled: its end when it was last asked for, less the mark",
    AT,
  ),
  queueLagSeconds: gauge(
    "ginkgo_queue_lag_seconds",
    "Age of the oldest message of a partition held here that is not settled; 0 where all are",
    AT,
  ),
  queueLagAge: gauge("ginkgo_queue_lag_age_seconds", "Since the ends of the partitions were last asked for"),
  queueBlockingOffset: gauge(
    "ginkgo_queue_blocking_offset",
    "Offset of the oldest message in flight of a partition; absent where none is",
    AT,
  ),
  queueBlockingSeconds: gauge(
    "ginkgo_queue_blocking_seconds",
    "For how long that message has been the oldest in flight; absent where none is",
    AT,
  ),
  queueGap: gauge(
    "ginkgo_queue_gap",
    "Messages settled behind one that is not, which a restart would look at again",
    AT,
  ),
  queuePartitions: gauge("ginkgo_queue_partitions", "Partitions held by this worker"),

  inFlight: gauge("ginkgo_consumer_in_flight", "Messages in hand: with their handlers, waiting for a lane, or shelved"),
  running: gauge("ginkgo_consumer_running", "Messages with their handlers"),
  shelved: gauge("ginkgo_consumer_shelved", "Messages of partitions at their cap, in no lane yet"),
  lanes: gauge("ginkgo_consumer_lanes", "Lanes that have a message"),
  windowMessages: gauge("ginkgo_consumer_window_messages", "Messages in hand at most (worker.window_messages)"),
  inFlightBytes: gauge("ginkgo_consumer_in_flight_bytes", "Bytes of the messages in hand"),
  windowBytes: gauge("ginkgo_consumer_window_bytes", "Bytes of messages in hand at most (worker.window_bytes)"),
  taken: counter("ginkgo_consumer_taken_total", "Messages taken from the queue"),
  overdue: counter("ginkgo_consumer_overdue_total", "Messages that were told that their deadline is over"),
  commits: counter("ginkgo_consumer_commits_total", "Commits that the group confirmed"),
  commitFailures: counter("ginkgo_consumer_commit_failures_total", "Commits that failed; their marks are said again"),
  joins: counter("ginkgo_consumer_joins_total", "Times the group gave this worker its partitions"),
  lastSettled: gauge(
    "ginkgo_consumer_last_settled_timestamp_seconds",
    "When the last message was settled, in epoch seconds; 0 before the first",
  ),
  lastProgress: gauge(
    "ginkgo_consumer_last_progress_timestamp_seconds",
    "When work last got on, in epoch seconds: a message was settled, a call answered, a batch durable, or nothing was left to do",
  ),

  settled: counter("ginkgo_messages_settled_total", "Messages settled", ["command", "outcome"]),
  messageSeconds: histogram(
    "ginkgo_message_seconds",
    "From a message's turn in its lane until it was settled",
    MESSAGE_SECONDS,
    ["outcome"],
  ),
  deadLetters: counter("ginkgo_dead_letters_total", "Messages set aside", ["reason"]),

  calls: counter(
    "ginkgo_provider_calls_total",
    "Calls by how they ended: answered, rate-limited, failed (it passes), refused (rights), rejected (the request)",
    [...API, "outcome"],
  ),
  callSeconds: histogram("ginkgo_provider_call_seconds", "How long a call took", CALL_SECONDS, API),
  callRows: counter("ginkgo_provider_rows_total", "Rows that calls brought, before any check", API),
  providerWaitSeconds: histogram(
    "ginkgo_provider_wait_seconds",
    "How long work waited: retry, between tries of a call that failed; outage, while the provider was out",
    WAIT_SECONDS,
    [...API, "reason"],
  ),
  budgetWaitSeconds: histogram(
    "ginkgo_budget_wait_seconds",
    "How long a call waited for the budget to grant it",
    WAIT_SECONDS,
    API,
  ),
  budgetWaiting: gauge("ginkgo_budget_waiting", "Calls of this worker that wait for the budget now", API),
  budgetCallsLeft: gauge(
    "ginkgo_budget_calls_left",
    "Calls that the budget has left now, as far as this worker knows; shared by all workers of a token",
    API,
  ),
  breakerState: gauge("ginkgo_breaker_state", "1 for the state a breaker is in, 0 for the others", [...API, "state"]),

  rows: counter(
    "ginkgo_store_rows_total",
    "Rows that messages brought to a table: new, same (nothing written), revised, rejected by the store",
    ["table", "outcome"],
  ),
  quarantined: counter("ginkgo_store_quarantined_rows_total", "Rows that a check rejected, set aside by reason", [
    "reason",
  ]),
  batches: counter(
    "ginkgo_store_batches_total",
    "Batches that became durable, by what sent them: rows, bytes, quiet, age, closing",
    ["table", "reason"],
  ),
  batchRows: histogram("ginkgo_store_batch_rows", "Rows of a batch", BATCH_ROWS, ["table"]),
  insertSeconds: histogram(
    "ginkgo_store_insert_seconds",
    "From when a batch went out until it was durable, with comparing and repeats",
    INSERT_SECONDS,
    ["table"],
  ),
  rowsInHand: gauge("ginkgo_store_rows_in_hand", "Rows taken and not yet durable"),
  oldestWait: gauge(
    "ginkgo_store_oldest_wait_seconds",
    "How long the oldest caller waits for its rows; 0 if none does",
  ),
  storeAway: gauge("ginkgo_store_away_seconds", "For how long some rows could not be written; 0 while all can"),

  coverageRatio: gauge(
    "ginkgo_coverage_ratio",
    "Share of the days asked for that is present or explained, from 0 to 1; absent where none was asked for",
    ["data_set"],
  ),
  coverageExpected: gauge("ginkgo_coverage_expected", "Trading days asked for, by what is known of them", [
    "data_set",
    "state",
  ]),
  coverageAge: gauge("ginkgo_coverage_age_seconds", "Since coverage was last read; absent before the first time", [
    "data_set",
  ]),
  coverageReadSeconds: gauge("ginkgo_coverage_read_seconds", "How long the last reading of coverage took", [
    "data_set",
  ]),
  coverageFailures: counter("ginkgo_coverage_failures_total", "Readings of coverage that failed", ["data_set"]),
} as const;

/** Metrics of the process, under the names that prom-client and its dashboards use. */
export const PROCESS_METRICS = {
  memory: gauge("process_resident_memory_bytes", "Resident memory size in bytes"),
  cpu: counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds"),
  started: gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds"),
  heap: gauge("nodejs_heap_size_used_bytes", "Process heap size used from Node.js in bytes"),
  loopLagMean: gauge("nodejs_eventloop_lag_mean_seconds", "Mean of the event loop delays since the last scrape"),
  loopLagP99: gauge(
    "nodejs_eventloop_lag_p99_seconds",
    "99th percentile of the event loop delays since the last scrape",
  ),
  loopLagMax: gauge("nodejs_eventloop_lag_max_seconds", "Longest event loop delay since the last scrape"),
} as const;

type Opened<T extends Readonly<Record<string, Declared<unknown>>>> = {
  readonly [K in keyof T]: ReturnType<T[K]["open"]>;
};
export type OpenMetrics = Opened<typeof METRICS>;
export type OpenProcessMetrics = Opened<typeof PROCESS_METRICS>;

/** Opens all metrics of a table in a registry. */
export function openMetrics<T extends Readonly<Record<string, Declared<unknown>>>>(
  table: T,
  registry: Registry,
): Opened<T> {
  const opened = Object.fromEntries(Object.entries(table).map(([key, { open }]) => [key, open(registry)]));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each key has what its own declaration opened
  return opened as Opened<T>;
}
