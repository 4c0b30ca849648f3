import { setTimeout as sleep } from "node:timers/promises";

import type { BenchRig } from "../worker/bench-rig.ts";
import type { GdwProcess } from "../worker/gdw-process.ts";

export interface MemorySample {
  /** Seconds since the messages were published. */
  readonly s: number;
  readonly rssMiB: number;
  /** Every few seconds only. */
  readonly heapMiB?: number;
  /** Rows in the table of bars. */
  readonly rows: number;
}

const EVERY_MS = 1_000;
/** Asking for it makes the worker render its metrics. */
const HEAP_EVERY = 5;

/** A sample a second until all messages are settled and committed; throws when the worker ends, or nothing goes on. */
export async function* sampleUntilDone(
  worker: GdwProcess,
  rig: BenchRig,
  messages: number,
): AsyncGenerator<MemorySample, undefined, unknown> {
  const startedMs = performance.now();
  let [rowsBefore, stillFor] = [0, 0];
  for (let turn = 0; ; turn += 1) {
    const memory = worker.memory();
    if (memory === undefined) {
      throw new Error(`the messages are not settled, and ${worker.fate() ?? "the worker cannot be looked at"}`);
    }
    const s = (performance.now() - startedMs) / 1_000;
    const heapMiB = turn % HEAP_EVERY === 0 ? await worker.heapMiB() : undefined;
    const rows = await countRows(rig);
    yield { s, rssMiB: memory.nowMiB, rows, ...(heapMiB === undefined ? {} : { heapMiB }) };
    if (rows > 0 && rows === rowsBefore && (await rig.settled()) >= messages && (await rig.lag()) === 0n) {
      return;
    }
    stillFor = rows === rowsBefore ? stillFor + 1 : 0;
    rowsBefore = rows;
    if (stillFor > STILL_MAX) {
      throw new Error(`no row was stored for ${stillFor} s; ${rows} are there`);
    }
    await sleep(Math.max(0, startedMs + (turn + 1) * EVERY_MS - performance.now()));
  }
}

const STILL_MAX = 120;

/** A number that the engine has at hand; with versions that are not merged yet. */
async function countRows(rig: BenchRig): Promise<number> {
  const [row] = await rig.select<{ readonly rows: string }>("SELECT toString(count()) AS rows FROM @bar_row");
  return Number.parseInt(row?.rows ?? "0", 10);
}
