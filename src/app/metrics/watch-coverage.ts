import type { Clock } from "../../base/clock.ts";
import { withDeadline } from "../../base/deadline.ts";
import { describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { CodeDataSet } from "../../domain/unit.ts";
import type { OpenMetrics } from "../../health/metrics/table.ts";
import type { CoverageReport } from "../app-api.ts";
import { countMissing } from "../coverage.ts";

export interface CoverageWatchOptions {
  readonly metrics: OpenMetrics;
  readonly read: (dataSet: CodeDataSet, signal: AbortSignal) => Promise<CoverageReport>;
  /** False while nothing can be read. */
  readonly mayRead: () => boolean;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export const COVERED_DATA_SETS = ["bars", "adjustment-factors"] as const satisfies readonly CodeDataSet[];

/** A worker that starts has better things to do. */
const FIRST_MS_MAX = 30_000;
const READ_MS_MAX = 120_000;
/** Reading takes no more than this share of the time, however large the store is. */
const SHARE_MAX = 0.2;

export interface CoverageWatch extends AsyncDisposable {
  /** Sets how old the last readings are. */
  sample(): void;
}

/**
 * Reads coverage beside the work, slowly: it holds the whole ledger against the tables. One reading at a time, each with a
 * deadline, and the pause grows with what a reading took. What is served is the last reading, with its age.
 */
export function watchCoverage(options: CoverageWatchOptions): CoverageWatch {
  const { metrics, read, mayRead, everyMs, clock, log } = options;
  const ended = new AbortController();
  const { signal } = ended;
  const readAtMs = new Map<CodeDataSet, number>();

  async function readOne(dataSet: CodeDataSet): Promise<number> {
    const startedMs = clock.elapsedMs();
    const over = new AbortController();
    try {
      const reading = read(dataSet, AbortSignal.any([signal, over.signal]));
      const report = await withDeadline(reading, READ_MS_MAX, `reading the coverage of ${dataSet}`, clock, signal);
      const tookMs = clock.elapsedMs() - startedMs;
      setCoverage(metrics, dataSet, report);
      metrics.coverageReadSeconds.set({ data_set: dataSet }, tookMs / 1_000);
      readAtMs.set(dataSet, clock.elapsedMs());
    } catch (error) {
      if (!signal.aborted) {
        metrics.coverageFailures.inc({ data_set: dataSet });
        log.warn("coverage could not be read for its metrics", { dataSet, why: describeError(error) });
      }
    } finally {
      over.abort();
    }
    return clock.elapsedMs() - startedMs;
  }

  async function loop(): Promise<void> {
    await clock.sleep(Math.min(everyMs, FIRST_MS_MAX), signal).catch(() => undefined);
    while (!signal.aborted) {
      let tookMs = 0;
      for (const dataSet of COVERED_DATA_SETS) {
        tookMs += !signal.aborted && mayRead() ? await readOne(dataSet) : 0;
      }
      await clock.sleep(Math.max(everyMs, tookMs / SHARE_MAX), signal).catch(() => undefined);
    }
  }

  const looping = loop();
  return {
    sample: () => {
      for (const [dataSet, atMs] of readAtMs) {
        metrics.coverageAge.set({ data_set: dataSet }, (clock.elapsedMs() - atMs) / 1_000);
      }
    },
    [Symbol.asyncDispose]: async () => {
      ended.abort(new Error("the worker ends"));
      await looping;
    },
  };
}

function setCoverage(metrics: OpenMetrics, dataSet: CodeDataSet, report: CoverageReport): void {
  const { counts, expected, overdue } = report;
  for (const [state, days] of Object.entries(counts)) {
    metrics.coverageExpected.set({ data_set: dataSet, state }, days);
  }
  if (expected > 0) {
    const missing = countMissing(counts, overdue?.days ?? 0, false);
    metrics.coverageRatio.set({ data_set: dataSet }, (expected - missing) / expected);
  } else {
    metrics.coverageRatio.remove({ data_set: dataSet });
  }
}
