import type { PressureKind } from "../../ports/store.ts";
import type { BatchLimits } from "./limits.ts";

export interface PressureLimits {
  /**
   * Inserts are not cut smaller than this for `memory`: a store that cannot take so few rows needs time and not smaller
   * inserts. For `time` the floor is the usual batch, `rowsReady`.
   */
  readonly rowsMin: number;
  /** How many times as much as usual a batch gathers at most. */
  readonly gatherMax: number;
  /** How long such a batch gathers at most. */
  readonly gatherMsMax: number;
  readonly waitMsBase: number;
  readonly waitMsMax: number;
}

export const PRESSURE_LIMITS_DEFAULT: PressureLimits = {
  rowsMin: 100,
  gatherMax: 64,
  gatherMsMax: 10_000,
  waitMsBase: 1_000,
  waitMsMax: 60_000,
};

/**
 * What one table's writer does about a store that is under pressure; pure, it knows no clock and no store. What helps is
 * not the same for each kind:
 *
 * - `memory`: one statement asked too much at once. Inserts are halved, from the size that was refused down to `rowsMin`,
 *   and grow back by a quarter with each batch that passes. The wait is as for any failure: it is the size that was wrong.
 * - `time`: the same, though a store that hangs says nothing about sizes, and what has gathered meanwhile must not reach
 *   it as a flood of small parts when it is back. So inserts are never cut below the usual batch, and one that was no larger is repeated whole.
 * - `parts`: every insert makes at least one part for each partition it touches, and merging lags behind. Smaller inserts
 *   would make more parts, so they are never cut, and what other pressure has cut is doubled: each refusal also doubles
 *   how much and how long the next batches gather, and the wait is long, since a merge takes as long as it takes. Each
 *   batch that passes halves the gathering.
 * - `queries`: too many statements, ours or others'. The same remedies as for parts, and tables are written one after the
 *   other instead of side by side until the refused batch has passed (`isAlone`).
 *
 * Growing needs no proof by a batch of that size: the first one that is refused again is halved from its own size, and
 * what was stored of it is not sent again.
 */
export class Pressure {
  readonly #usual: BatchLimits;
  readonly #limits: PressureLimits;
  readonly #random: () => number;
  #kind: PressureKind | undefined;
  #rowsMax: number;
  #gather = 1;
  #refusals = 0;

  constructor(
    usual: BatchLimits,
    limits: PressureLimits = PRESSURE_LIMITS_DEFAULT,
    random: () => number = Math.random,
  ) {
    this.#usual = usual;
    this.#limits = limits;
    this.#random = random;
    this.#rowsMax = usual.rowsMax;
  }

  /** Of the last refusal, until batches are of their usual size again. */
  get kind(): PressureKind | undefined {
    return this.#kind;
  }

  /** Rows that one insert may have now. */
  get rowsMax(): number {
    return this.#rowsMax;
  }

  /** How many times as much as usual a batch gathers now. */
  get gather(): number {
    return this.#gather;
  }

  /** From a refusal until this table's next batch passes, or is given up. */
  get isRefused(): boolean {
    return this.#refusals > 0;
  }

  get isAlone(): boolean {
    return this.#kind === "queries" && this.isRefused;
  }

  /** When a batch goes out now, and how large it gets. */
  get batchLimits(): BatchLimits {
    const usual = { ...this.#usual, rowsMax: this.#rowsMax };
    if (this.#gather === 1) {
      return usual;
    }
    const longer = (ms: number) => Math.max(ms, Math.min(ms * this.#gather, this.#limits.gatherMsMax));
    return {
      ...usual,
      rowsReady: Math.max(usual.rowsReady, Math.min(usual.rowsReady * this.#gather, Math.floor(usual.rowsMax / 2))),
      ageMsIdle: longer(usual.ageMsIdle),
      ageMsMax: longer(usual.ageMsMax),
      // That nothing else is arriving is no reason to send now.
      quietMs: longer(usual.ageMsMax),
    };
  }

  /**
   * A statement of `rows` rows was refused. Answers with how long to wait before the next try; undefined where the usual wait
   * of any failure is right.
   */
  refused(kind: PressureKind, rows: number): number | undefined {
    this.#kind = kind;
    this.#refusals += 1;
    if (kind === "memory" || kind === "time") {
      const asked = Math.min(rows, this.#rowsMax);
      const floor = kind === "memory" ? this.#limits.rowsMin : Math.max(this.#limits.rowsMin, this.#usual.rowsReady);
      if (kind === "memory" || asked > floor) {
        this.#rowsMax = Math.min(this.#rowsMax, Math.max(floor, Math.floor(asked / 2)));
      }
      return undefined;
    }
    if (kind === "parts") {
      this.#rowsMax = Math.min(this.#usual.rowsMax, this.#rowsMax * 2);
    }
    this.#gather = Math.min(this.#gather * 2, this.#limits.gatherMax);
    const { waitMsBase, waitMsMax } = this.#limits;
    const longest = Math.min(waitMsMax, waitMsBase * 2 ** Math.min(this.#refusals, 10));
    // Never less than half of it: who comes back at once only learns the same again.
    return longest / 2 + (this.#random() * longest) / 2;
  }

  /** A batch of this table has become durable. */
  passed(): void {
    this.#refusals = 0;
    this.#gather = Math.max(1, this.#gather / 2);
    this.#rowsMax = Math.min(this.#usual.rowsMax, Math.ceil(this.#rowsMax * 1.25));
    if (this.#gather === 1 && this.#rowsMax === this.#usual.rowsMax) {
      this.#kind = undefined;
    }
  }

  /** Nobody waits for the refused batch any more. */
  gaveUp(): void {
    this.#refusals = 0;
  }
}
