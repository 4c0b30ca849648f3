import { generateForeignMarkets } from "../../market/foreign.ts";
import { generateFrom, untilAborted, type RunFlags, type ServedDays } from "../run.ts";
import { yahooData } from "./market-data.ts";
import { readRecording } from "./recording.ts";
import { startYahooSimulator, type YahooSimulator } from "./simulator.ts";
import type { YahooData } from "./yahoo-data.ts";

/** What `simulate yahoo` asks for, one member a flag. */
export interface RunYahooSimulatorOptions extends RunFlags {
  /** `--data`: a folder with a recording, served in place of the generated markets. */
  readonly dataFolder: string | undefined;
  /** `--limit`, `--window-ms` and `--ban-ms`: more requests than that in a window ban their address for a while. */
  readonly requestsMax: number;
  readonly windowMs: number;
  readonly banMs: number;
  /** Called once when it answers; the place to print the address. */
  readonly onListening: (simulator: YahooSimulator, served: ServedSymbols) => void;
}

/** What there is to ask for. */
export interface ServedSymbols extends ServedDays {
  readonly symbols: number;
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
  await untilAborted(signal);
}

function generate(options: RunYahooSimulatorOptions): YahooData {
  const { seed, days: tradingDays, to } = options;
  return yahooData(generateFrom(options), generateForeignMarkets({ seed, tradingDays, to }));
}
