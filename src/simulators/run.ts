import { once } from "node:events";

import type { Day } from "../domain/day.ts";
import { generateMarket, type Market } from "../market/generate-market.ts";
import type { LatencyRange } from "./latency.ts";

/** What every `simulate` asks for, one member a flag. */
export interface RunFlags {
  /** `--port`: 0 takes a free one. */
  readonly port: number;
  /** `--seed` of the generated market, of latency, and of whatever else is drawn. */
  readonly seed: number;
  /** `--codes`: how many securities the generated market has. */
  readonly codes: number;
  /** `--days` and `--to`: how many trading days it has, and its last one. */
  readonly days: number;
  readonly to: Day;
  /** `--latency`. */
  readonly latency: LatencyRange;
}

/** The days that there are to ask for; undefined where a recording does not tell. */
export interface ServedDays {
  readonly firstDay: Day | undefined;
  readonly lastDay: Day | undefined;
}

export function generateFrom({ seed, codes, days, to }: RunFlags): Market {
  return generateMarket({ seed, codes, tradingDays: days, to });
}

/** Resolves when the signal aborts, at once where it has. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await once(signal, "abort");
  }
}
