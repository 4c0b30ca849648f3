import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import type { Day } from "../domain/day.ts";
import type { Frequency } from "../domain/frequency.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { CellName } from "../ports/stored-pair.ts";
import type { CellCounts, CodeReconciled, Finding, Said } from "../planning/reconcile/findings.ts";

export interface ReconcileApi {
  /** Holds what two providers said, as it is stored, against each other, cell by cell, after the rounding of each. */
  reconcile(
    config: Config,
    options: ReconcileOptions,
    watch: ReconcileWatch,
    log: Log,
    signal: AbortSignal,
  ): Promise<ReconcileReport>;
}

export type { CellCounts, CellName, CodeReconciled, Finding, Said };

export interface ReconcileOptions {
  readonly dataSet: "bars" | "adjustment-factors";
  readonly frequency: Frequency;
  /** Two different ones, left and right. */
  readonly providers: readonly [ProviderName, ProviderName];
  /** `all`: every code of which one of the two has a row in the range. */
  readonly codes: readonly SecurityCode[] | "all";
  /** Trading days, both inclusive; undefined is without bound. */
  readonly from: Day | undefined;
  readonly to: Day | undefined;
  /** So many findings are listed, of the worst codes. */
  readonly listMax: number;
}

export interface ReconcileWatch {
  /** How far it has come; called often. */
  progress(progress: ReconcileProgress): void;
  /** Every finding, by code and day, as it is found. */
  finding?(finding: Finding): void;
}

export interface ReconcileProgress {
  readonly codes: number;
  readonly codesDone: number;
  readonly findings: number;
}

export interface ReconcileReport {
  readonly dataSet: ReconcileOptions["dataSet"];
  readonly frequency: Frequency;
  readonly providers: ReconcileOptions["providers"];
  readonly from: Day | undefined;
  readonly to: Day | undefined;
  /** Both have the same bars, and no cell differs by more than rounding; false where there was nothing to compare. */
  readonly isEqual: boolean;
  /** Bars or factors that both have. */
  readonly common: number;
  readonly cells: Readonly<Partial<Record<CellName, CellCounts>>>;
  /** The worst first. */
  readonly codes: readonly CodeReconciled[];
  /** Named codes of which neither has a row. */
  readonly withoutRows: readonly SecurityCode[];
  /** Of each provider what the other one has and it has not. */
  readonly missing: readonly MissingDays[];
  readonly findings: number;
  /** Those of the worst codes, `listMax` at most. */
  readonly listed: readonly Finding[];
}

/** What would have to be asked for, so that a provider has the days that the other one has. */
export interface MissingDays {
  readonly provider: ProviderName;
  /** It has no row at all of what was compared. */
  readonly isEmpty: boolean;
  readonly codes: readonly SecurityCode[];
  readonly days: number;
  /** The range that holds all of them; undefined where no row says so and no range was named. */
  readonly from: Day | undefined;
  readonly to: Day | undefined;
  /** Codes of which the provider has no such data, so that asking is of no use. */
  readonly unserved: readonly SecurityCode[];
}
