import { createRandom } from "../market/random.ts";

/** How long an answer takes. */
export interface LatencyRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Draws a latency for each answer, the same ones for the same seed; none without a range. */
export function createLatency(range: LatencyRange | undefined, seed: number): () => number {
  const { fromMs, toMs } = range ?? { fromMs: 0, toMs: 0 };
  const random = createRandom(seed, "latency");
  return () => random.between(fromMs, toMs);
}
