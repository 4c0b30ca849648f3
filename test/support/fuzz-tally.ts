import assert from "node:assert/strict";

import { DataError, PermanentError, TransientError } from "../../src/base/errors.ts";

export const MIB = 1024 * 1024;

/** How one input ended. */
export type Ending =
  | "rows"
  | "rejected rows"
  | "no rows"
  | "cut"
  | "refused"
  | "transient"
  | "permanent"
  | "data"
  | "unknown";

/** One input: none of them is larger than some kilobytes. */
export const INPUT_MS_MAX = 2_000;
/** Above what the process has before the first input. */
const HEAP_BYTES_MAX = 256 * MIB;

/** Counts the endings of hostile inputs, prints them and holds them against what is promised. */
export class Tally {
  readonly endings = new Map<Ending, number>();
  readonly unknown: unknown[] = [];
  inputs = 0;
  hangs = 0;
  heapMax = 0;
  readonly #startedAtMs = performance.now();
  readonly #heapBefore = heap();

  note(ending: Ending, tookMs: number): void {
    this.inputs += 1;
    this.hangs += tookMs > INPUT_MS_MAX ? 1 : 0;
    this.endings.set(ending, (this.endings.get(ending) ?? 0) + 1);
    if (this.inputs % 50 === 0) {
      this.heapMax = Math.max(this.heapMax, heap());
    }
  }

  close(name: string, wanted: readonly Ending[]): void {
    const ms = Math.round(performance.now() - this.#startedAtMs);
    const endings = [...this.endings].map(([ending, count]) => `${ending} ${count}`).join(", ");
    const heapMib = Math.round(this.heapMax / MIB);
    console.log(
      `${name}: ${this.inputs} inputs in ${ms} ms, largest heap ${heapMib} MiB, hangs ${this.hangs}, unknown errors ${this.unknown.length} (${endings})`,
    );
    assert.deepEqual(this.unknown, []);
    assert.equal(this.hangs, 0);
    assert.ok(this.heapMax - this.#heapBefore < HEAP_BYTES_MAX, `${heapMib} MiB`);
    // A fuzzer that only ever meets the first check tries nothing behind it.
    for (const ending of wanted) {
      assert.ok((this.endings.get(ending) ?? 0) > 0, `no input ended in ${ending}: ${endings}`);
    }
  }
}

export function kindOf(error: unknown): Ending {
  if (error instanceof TransientError) {
    return "transient";
  }
  return error instanceof PermanentError ? "permanent" : error instanceof DataError ? "data" : "unknown";
}

export function heap(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
