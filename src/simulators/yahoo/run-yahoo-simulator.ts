import { once } from "node:events";

import type { Day } from "../../domain/day.ts";
import { generateForeignMarkets } from "../../market/foreign.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { yahooData } from "./market-data.ts";
import { readRecording } from "./recording.ts";
import { startYahooSimulator, type LatencyRange, type YahooSimulator } from "./simulator.ts";
import type { YahooData } from "./yahoo-data.ts";

/** What `simulate yahoo` asks for, one member a flag. */
export interface RunYahooSimulatorOptions {
  /** `--port`: 0 takes a free one. */
  readonly port: number;
  /** `--seed` of the generated markets, of latency, of chance, of cookies and of the order of members. */
  readonly seed: number;
  /** `--codes`: how many securities the generated market of the mainland has. */
  readonly codes: number;
  /** `--days` and `--to`: how many trading days each market has, and its last one. */
  readonly days: number;
  readonly to: Day;
  /** `--data`: a folder with a recording, served in place of the generated markets. */
  readonly dataFolder: string | undefined;
  /** `--limit`, `--window-ms` and `--ban-ms`: more requests than that in a window ban their address for a while. */
  readonly requestsMax: number;
  readonly windowMs: number;
  readonly banMs: number;
  /** `--latency`. */
  readonly latency: LatencyRange;
  /** Called once when it answers; the place to print the address. */
  readonly onListening: (simulator: YahooSimulator, served: ServedSymbols) => void;
}

/** What there is to ask for. */
export interface ServedSymbols {
  readonly symbols: number;
  /** Undefined where a recording is served. */
  readonly firstDay: Day | undefined;
  readonly lastDay: Day | undefined;
}

/** Serves until the signal aborts, then closes and resolves. */
export async function runYahooSimulator(options: RunYahooSimulatorOptions, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { port, seed, latency, requestsMax, windowMs, banMs } = options;
  const data = options.dataFolder === undefined ? generate(options) : await readRecording(options.dataFolder);
  await using simulator = await startYahooSimulator({
    data,
    port,
    seed,
    latency,
    limits: { requestsMax, windowMs, banMs },
  });
  const { symbols, firstDay, lastDay } = data;
  options.onListening(simulator, { symbols: symbols.length, firstDay, lastDay });
  if (!signal.aborted) {
    await once(signal, "abort");
  }
}

function generate({ seed, codes, days: tradingDays, to }: RunYahooSimulatorOptions): YahooData {
  return yahooData(generateMarket({ seed, codes, tradingDays, to }), generateForeignMarkets({ seed, tradingDays, to }));
}
