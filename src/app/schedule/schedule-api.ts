import type { Log } from "../../base/log.ts";
import type { Config } from "../../config.ts";
import type { Day } from "../../domain/day.ts";
import type { OutcomeWord } from "../../domain/outcome.ts";
import type { RunRecord } from "../../domain/run-record.ts";
import type { RunName } from "../../domain/run-time.ts";

export interface ScheduleApi {
  /** Each run with its times, what became of it last, and who leads. What cannot be read is said, and the rest shown. */
  schedule(config: Config, log: Log, signal: AbortSignal): Promise<ScheduleReport>;
}

export interface ScheduleReport {
  /** By these settings; a worker may run with others. */
  readonly isEnabled: boolean;
  /** Where the times of the runs are meant. */
  readonly zone: string;
  /** The node that does the runs; undefined while nobody does. */
  readonly leader: string | undefined;
  readonly runs: readonly ScheduledRun[];
  /** What could not be read, a sentence each. */
  readonly unknown: readonly string[];
}

export interface ScheduledRun {
  readonly name: RunName;
  /** As in the settings, such as `trading-days 17:30`. */
  readonly when: string;
  /** Undefined where it is off. */
  readonly next: { readonly day: Day; readonly at: string } | undefined;
  /** Undefined where it was never done. */
  readonly last: LastRun | undefined;
}

/** Instants are ISO 8601 in UTC. */
export interface LastRun extends Pick<RunRecord, "day" | "requestId" | "state" | "node" | "messages"> {
  readonly beganAt: string;
  readonly sentAt: string | undefined;
  /** Undefined where the store could not be asked. */
  readonly outcome: RunOutcome | undefined;
}

export interface RunOutcome {
  /** Messages that were settled so far. */
  readonly settled: number;
  readonly words: Readonly<Partial<Record<OutcomeWord, number>>>;
  readonly pendingDays: number;
  readonly unexplainedDays: number;
}
