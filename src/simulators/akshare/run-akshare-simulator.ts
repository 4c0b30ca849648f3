import { generateFrom, untilAborted, type RunFlags, type ServedDays } from "../run.ts";
import { akshareData } from "./market-data.ts";
import type { UpstreamLimits } from "./limit-gate.ts";
import { startAkshareSimulator, type AkshareSimulator } from "./simulator.ts";

/** What `simulate akshare` asks for, one member a flag. */
export interface RunAkshareSimulatorOptions extends RunFlags {
  /** `--limit` and `--window-ms`: at most so many calls of Eastmoney in any window of that length. */
  readonly callsMax: number;
  readonly windowMs: number;
  /** `--ban-ms`: how long Eastmoney then closes every connection. */
  readonly banMs: number;
  /** `--any-client`: clients need not look like browsers, as the library itself does not. */
  readonly takesAnyClient: boolean;
  /** Called once when it answers; the place to print the address. */
  readonly onListening: (simulator: AkshareSimulator, served: ServedCodes) => void;
}

/** What there is to ask for. */
export interface ServedCodes extends ServedDays {
  readonly codes: number;
}

/** Serves until the signal aborts, then closes and resolves. */
export async function runAkshareSimulator(options: RunAkshareSimulatorOptions, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { port, seed, latency, callsMax, windowMs, banMs } = options;
  const data = akshareData(generateFrom(options));
  const limits: UpstreamLimits = { eastmoney: { calls: callsMax, windowMs, banMs } };
  const checksHeaders = !options.takesAnyClient;
  await using simulator = await startAkshareSimulator({ data, port, seed, latency, limits, checksHeaders });
  options.onListening(simulator, {
    codes: data.listings.length,
    firstDay: data.days[0],
    lastDay: data.days.at(-1),
  });
  await untilAborted(signal);
}
