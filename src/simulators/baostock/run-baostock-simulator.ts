import { generateFrom, untilAborted, type RunFlags, type ServedDays } from "../run.ts";
import { marketData } from "./market-data.ts";
import { readRecording } from "./recording.ts";
import { startBaostockSimulator, type BaostockSimulator } from "./simulator.ts";

/** What `simulate baostock` asks for, one member a flag. */
export interface RunBaostockSimulatorOptions extends RunFlags {
  /** `--data`: a folder with a recording, served in place of the generated market. */
  readonly dataFolder: string | undefined;
  /** `--requests`: how many it answers in a day before it blacklists. */
  readonly requestsMax: number;
  /** Called once when it answers; the place to print the address. */
  readonly onListening: (simulator: BaostockSimulator, served: ServedCodes) => void;
}

/** What there is to ask for. */
export interface ServedCodes extends ServedDays {
  readonly codes: number;
}

/** Serves until the signal aborts, then closes and resolves. */
export async function runBaostockSimulator(options: RunBaostockSimulatorOptions, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { port, seed, latency, requestsMax } = options;
  const data =
    options.dataFolder === undefined ? marketData(generateFrom(options)) : await readRecording(options.dataFolder);
  await using simulator = await startBaostockSimulator({ data, port, seed, latency, limits: { requestsMax } });
  options.onListening(simulator, { codes: data.codes.length, firstDay: data.firstDay, lastDay: data.lastDay });
  await untilAborted(signal);
}
