import { parseDay } from "../../domain/day.ts";
import { generateFrom, untilAborted, type RunFlags, type ServedDays } from "../run.ts";
import { LIMIT_DEFAULT } from "./limit-gate.ts";
import { marketData } from "./market-data.ts";
import { readRecording } from "./recording.ts";
import { startTushareSimulator, type TushareSimulator } from "./simulator.ts";

/** What `simulate tushare` asks for, one member a flag. */
export interface RunTushareSimulatorOptions extends RunFlags {
  /** `--data`: a folder with a recording, served in place of the generated market. */
  readonly dataFolder: string | undefined;
  /** `--limit` and `--window-ms`: at most so many calls of each API in any window of that length. */
  readonly callsMax: number;
  readonly windowMs: number;
  /** `--token`: the only one it accepts. */
  readonly token: string;
  /** Called once when it answers; the place to print the address. */
  readonly onListening: (simulator: TushareSimulator, served: ServedMarket) => void;
}

/** What there is to ask for. */
export interface ServedMarket extends ServedDays {
  readonly codes: number;
  readonly days: number;
}

/** Serves until the signal aborts, then closes and resolves. */
export async function runTushareSimulator(options: RunTushareSimulatorOptions, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const data =
    options.dataFolder === undefined ? marketData(generateFrom(options)) : await readRecording(options.dataFolder);
  await using simulator = await startTushareSimulator({
    data,
    port: options.port,
    seed: options.seed,
    tokens: [options.token],
    limits: [{ ...LIMIT_DEFAULT, calls: options.callsMax, windowMs: options.windowMs }],
    latency: options.latency,
  });
  const [first, last] = [data.days[0], data.days.at(-1)];
  options.onListening(simulator, {
    codes: data.codes.length,
    days: data.days.length,
    firstDay: first === undefined ? undefined : parseDay(first),
    lastDay: last === undefined ? undefined : parseDay(last),
  });
  await untilAborted(signal);
}
