import { once } from "node:events";

import type { Day } from "../../domain/day.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { marketData } from "./market-data.ts";
import { recordedData } from "./recorded-data.ts";
import { startTdxSimulator, type LatencyRange, type TdxSimulator } from "./simulator.ts";

/** What `simulate tdx` asks for, one member a flag. */
export interface RunTdxSimulatorOptions {
  /** `--port`: 0 takes a free one. */
  readonly port: number;
  /** `--seed` of the generated market, of latency and of chance. */
  readonly seed: number;
  /** `--codes`: how many stocks the generated market has. */
  readonly codes: number;
  /** `--days` and `--to`: how many trading days it has, and its last one. */
  readonly days: number;
  readonly to: Day;
  /** `--data`: a folder with recorded files, served in place of the generated market. */
  readonly dataFolder: string | undefined;
  /** `--latency`. */
  readonly latency: LatencyRange;
  /** `--refuse-upgrade`: old clients are refused, as most hosts do. */
  readonly refusesUpgrade: boolean;
  /** Called once when it answers; the place to print the address. */
  readonly onListening: (simulator: TdxSimulator, served: ServedDays) => void;
}

/** What there is to ask for. */
export interface ServedDays {
  readonly days: number;
  /** Undefined where a recording has no day. */
  readonly firstDay: Day | undefined;
  readonly lastDay: Day | undefined;
}

/** Serves until the signal aborts, then closes and resolves. */
export async function runTdxSimulator(options: RunTdxSimulatorOptions, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { port, seed, latency, refusesUpgrade } = options;
  const data =
    options.dataFolder === undefined
      ? marketData(generateMarket({ seed, codes: options.codes, tradingDays: options.days, to: options.to }))
      : await recordedData(options.dataFolder);
  await using simulator = await startTdxSimulator({ data, port, seed, latency, refusesUpgrade });
  options.onListening(simulator, { days: data.days.length, firstDay: data.days[0], lastDay: data.days.at(-1) });
  if (!signal.aborted) {
    await once(signal, "abort");
  }
}
