import { once } from "node:events";

import type { Day } from "../../domain/day.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { marketData } from "./market-data.ts";
import { readRecording } from "./recording.ts";
import { startBaostockSimulator, type BaostockSimulator, type LatencyRange } from "./simulator.ts";

/** What `simulate baostock` asks for, one member a flag. */
export interface RunBaostockSimulatorOptions {
  /** `--port`: 0 takes a free one. */
  readonly port: number;
  /** `--seed` of the generated market, of latency, of chance and of the pieces in which answers come. */
  readonly seed: number;
  /** `--codes`: how many securities the generated market has. */
  readonly codes: number;
  /** `--days` and `--to`: how many trading days it has, and its last one. */
  readonly days: number;
  readonly to: Day;
  /** `--data`: a folder with a recording, served in place of the generated market. */
  readonly dataFolder: string | undefined;
  /** `--requests`: how many it answers in a day before it blacklists. */
  readonly requestsMax: number;
  /** `--latency`. */
  readonly latency: LatencyRange;
  /** Called once when it answers; the place to print the address. */
  readonly onListening: (simulator: BaostockSimulator, served: ServedCodes) => void;
}

/** What there is to ask for. */
export interface ServedCodes {
  readonly codes: number;
  /** Undefined where a recording has no bar. */
  readonly firstDay: Day | undefined;
  readonly lastDay: Day | undefined;
}

/** Serves until the signal aborts, then closes and resolves. */
export async function runBaostockSimulator(options: RunBaostockSimulatorOptions, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { port, seed, latency, requestsMax } = options;
  const data =
    options.dataFolder === undefined
      ? marketData(generateMarket({ seed, codes: options.codes, tradingDays: options.days, to: options.to }))
      : await readRecording(options.dataFolder);
  await using simulator = await startBaostockSimulator({ data, port, seed, latency, limits: { requestsMax } });
  options.onListening(simulator, { codes: data.codes.length, firstDay: data.firstDay, lastDay: data.lastDay });
  if (!signal.aborted) {
    await once(signal, "abort");
  }
}
