import { generateFrom, untilAborted, type RunFlags, type ServedDays } from "../run.ts";
import { marketData } from "./market-data.ts";
import { recordedData } from "./recorded-data.ts";
import { startTdxSimulator, type TdxSimulator } from "./simulator.ts";

/** What `simulate tdx` asks for, one member a flag. */
export interface RunTdxSimulatorOptions extends RunFlags {
  /** `--data`: a folder with recorded files, served in place of the generated market. */
  readonly dataFolder: string | undefined;
  /** `--refuse-upgrade`: old clients are refused, as most hosts do. */
  readonly refusesUpgrade: boolean;
  /** Called once when it answers; the place to print the address. */
  readonly onListening: (simulator: TdxSimulator, served: ServedMarket) => void;
}

/** What there is to ask for. */
export interface ServedMarket extends ServedDays {
  /** In the list as it stands on the last day. */
  readonly codes: number;
  readonly days: number;
}

/** Serves until the signal aborts, then closes and resolves. */
export async function runTdxSimulator(options: RunTdxSimulatorOptions, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { port, seed, latency, refusesUpgrade } = options;
  const data =
    options.dataFolder === undefined ? marketData(generateFrom(options)) : await recordedData(options.dataFolder);
  await using simulator = await startTdxSimulator({ data, port, seed, latency, refusesUpgrade });
  const lastDay = data.days.at(-1);
  const codes = lastDay === undefined ? 0 : data.securities(lastDay).length;
  options.onListening(simulator, { codes, days: data.days.length, firstDay: data.days[0], lastDay });
  await untilAborted(signal);
}
