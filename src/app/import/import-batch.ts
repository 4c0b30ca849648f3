import type { Day } from "../../domain/day.ts";
import { NO_ROWS, type Tally } from "../../domain/outcome.ts";
import type { Bar, RejectedRow } from "../../domain/rows.ts";
import type { CheckedBars } from "../../planning/check-bars.ts";
import type { RowOutcome } from "../../ports/store.ts";
import type { ReadableFile } from "./plan-files.ts";

/** What has become of one file so far. */
export class FileState {
  readonly readable: ReadableFile;
  /** Rows that are durable, by day. */
  readonly accepted = new Map<Day, number>();
  /** Days with a rejected row. */
  readonly spoilt = new Set<Day>();
  /** Days with a record and no trade. */
  readonly suspended = new Set<Day>();
  /** How many rows carry each flag. */
  readonly flagged = new Map<string, number>();
  readonly tally: { -readonly [Outcome in keyof Tally]: Tally[Outcome] } = { ...NO_ROWS };

  constructor(readable: ReadableFile) {
    this.readable = readable;
  }

  /** What the checks found of a piece, before its rows are stored. */
  checked({ flagged }: CheckedBars, rejected: readonly RejectedRow[]): void {
    for (const { day } of rejected) {
      if (day !== undefined) {
        this.spoilt.add(day);
      }
    }
    for (const [name, count] of Object.entries(flagged)) {
      this.flagged.set(name, (this.flagged.get(name) ?? 0) + count);
    }
    this.tally.rejected += rejected.length;
  }

  stored(bar: Bar, outcome: RowOutcome): void {
    this.tally[outcome] += 1;
    if (outcome === "rejected") {
      this.spoilt.add(bar.tradingDay);
    } else {
      this.accepted.set(bar.tradingDay, (this.accepted.get(bar.tradingDay) ?? 0) + 1);
    }
  }
}

/** Rows of several files that are written together, and the files that end with them. */
export class ImportBatch {
  readonly rows: { readonly bar: Bar; readonly state: FileState }[] = [];
  readonly rejected: { readonly row: RejectedRow; readonly state: FileState }[] = [];
  readonly ended: FileState[] = [];
  /** Records behind which the import is once it is written. */
  records = 0;

  get size(): number {
    return this.rows.length + this.rejected.length;
  }
}
