import { once } from "node:events";

import type { Day } from "../../domain/day.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { akshareData } from "./market-data.ts";
import type { UpstreamLimits } from "./limit-gate.ts";
import { startAkshareSimulator, type AkshareSimulator, type LatencyRange } from "./simulator.ts";

/** What `simulate akshare` asks for, one member a flag. */
export interface RunAkshareSimulatorOptions {
  /** `--port`: 0 takes a free one. */
  readonly port: number;
  /** `--seed` of the generated market, of latency and of chance. */
  readonly seed: number;
  /** `--codes`: how many securities the generated market has. */
  readonly codes: number;
  /** `--days` and `--to`: how many trading days it has, and its last one. */
  readonly days: number;
  readonly to: Day;
  /** `--limit` and `--window-ms`: at most so many calls of Eastmoney in any window of that length. */
  readonly callsMax: number;
  readonly windowMs: number;
  /** `--ban-ms`: how long Eastmoney then closes every connection. */
  readonly banMs: number;
  /** `--latency`. */
  readonly latency: LatencyRange;
  /** `--any-client`: clients need not look like browsers, as the library itself does not. */
  readonly takesAnyClient: boolean;
  /** Called once when it answers; the place to print the address. */
  readonly onListening: (simulator: AkshareSimulator, served: ServedCodes) => void;
}

/** What there is to ask for. */
export interface ServedCodes {
  readonly codes: number;
  readonly firstDay: Day | undefined;
  readonly lastDay: Day | undefined;
}

/** Serves until the signal aborts, then closes and resolves. */
export async function runAkshareSimulator(options: RunAkshareSimulatorOptions, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { port, seed, latency, callsMax, windowMs, banMs } = options;
  const data = akshareData(generateMarket({ seed, codes: options.codes, tradingDays: options.days, to: options.to }));
  const limits: UpstreamLimits = { eastmoney: { calls: callsMax, windowMs, banMs } };
  const checksHeaders = !options.takesAnyClient;
  await using simulator = await startAkshareSimulator({ data, port, seed, latency, limits, checksHeaders });
  options.onListening(simulator, {
    codes: data.listings.length,
    firstDay: data.days[0],
    lastDay: data.days.at(-1),
  });
  if (!signal.aborted) {
    await once(signal, "abort");
  }
}
