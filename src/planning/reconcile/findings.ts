import type { Day } from "../../domain/day.ts";
import type { ProviderName } from "../../domain/provider.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { BAR_CELLS, type CellName } from "../../ports/stored-pair.ts";
import type { CellVerdict } from "./cells.ts";

/** What one provider said, and in which call it did. */
export interface Said {
  readonly provider: ProviderName;
  /** Exact decimal text; of a bar as a whole its close. */
  readonly value: string;
  /** Of a factor: what it is of the factor of the first common day, to six digits. */
  readonly ratio?: string;
  /** What was taken back from the value, and they differ all the same; empty for nothing. */
  readonly rounding: string;
  /** When the call was granted, UTC; empty for rows copied from an older table. */
  readonly fetchedAt: string;
  readonly callId: string;
  readonly requestId: string;
}

interface FindingOf {
  readonly code: SecurityCode;
  readonly day: Day;
}

/** `cell`: both say something else. `bar`: of a day that both have, one has this bar. `days`: one has days, the other none. */
export type Finding =
  | (FindingOf & {
      readonly kind: "cell";
      readonly time: string;
      readonly cell: CellName;
      readonly said: readonly [Said, Said];
    })
  | (FindingOf & { readonly kind: "bar"; readonly time: string; readonly said: Said; readonly missing: ProviderName })
  | (FindingOf & {
      readonly kind: "days";
      /** From `day` on, of the days that the other one has. */
      readonly to: Day;
      readonly days: number;
      readonly only: ProviderName;
      readonly missing: ProviderName;
      /** What the ledger says of these days, whoever was asked. */
      readonly ledger: string;
    });

export type CellCounts = Readonly<Record<CellVerdict, number>>;

/** One security, both ways. */
export interface CodeReconciled {
  readonly code: SecurityCode;
  /** Bars or factors that both have. */
  readonly common: number;
  readonly cells: Readonly<Partial<Record<CellName, CellCounts>>>;
  readonly different: number;
  /** Bars of one side on days that both have, left and right. */
  readonly loneBars: readonly [number, number];
  /** Days that only one side has. */
  readonly loneDays: readonly [number, number];
  /** From the first to the last day on which a side has something that the other one lacks. */
  readonly lone: readonly [LoneRange | undefined, LoneRange | undefined];
  /** All findings, listed or not. */
  readonly findings: number;
}

export interface LoneRange {
  readonly from: Day;
  readonly to: Day;
}

export const CELL_NAMES: readonly CellName[] = [...BAR_CELLS, "factor"];

/** The worst first: by cells that differ, then by what only one side has, then by code. */
export function compareWorst(left: CodeReconciled, right: CodeReconciled): number {
  return right.different - left.different || loneOf(right) - loneOf(left) || (left.code < right.code ? -1 : 1);
}

function loneOf({ loneBars, loneDays }: CodeReconciled): number {
  return loneBars[0] + loneBars[1] + loneDays[0] + loneDays[1];
}

export function addCells(
  codes: Iterable<Pick<CodeReconciled, "cells">>,
): Readonly<Partial<Record<CellName, CellCounts>>> {
  const sums: Partial<Record<CellName, Record<CellVerdict, number>>> = {};
  for (const { cells } of codes) {
    for (const name of CELL_NAMES) {
      const counts = cells[name];
      if (counts !== undefined) {
        const sum = (sums[name] ??= noCells());
        for (const verdict of ["equal", "rounded", "different", "not-given"] as const) {
          sum[verdict] += counts[verdict];
        }
      }
    }
  }
  return sums;
}

export function noCells(): Record<CellVerdict, number> {
  return { equal: 0, rounded: 0, different: 0, "not-given": 0 };
}

/**
 * Keeps the findings of the worst codes, so many in all, while codes come by in any order: a code is dropped as soon as
 * enough worse ones have been seen.
 */
export class WorstFindings {
  readonly #max: number;
  #kept: (readonly [CodeReconciled, readonly Finding[]])[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  /** `findings` are the code's first ones; more than `max` are of no use. */
  add(code: CodeReconciled, findings: readonly Finding[]): void {
    if (findings.length === 0 || this.#max === 0) {
      return;
    }
    this.#kept.push([code, findings]);
    if (this.#kept.length > 2 * this.#max) {
      this.#prune();
    }
  }

  list(): readonly Finding[] {
    this.#prune();
    return this.#kept.flatMap(([, findings]) => findings).slice(0, this.#max);
  }

  #prune(): void {
    const sorted = this.#kept.toSorted(([left], [right]) => compareWorst(left, right));
    let seen = 0;
    this.#kept = sorted.filter(([, findings]) => {
      const isNeeded = seen < this.#max;
      seen += findings.length;
      return isNeeded;
    });
  }
}
