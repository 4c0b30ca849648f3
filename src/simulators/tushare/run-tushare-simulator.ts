import { once } from "node:events";

import { parseDay, type Day } from "../../domain/day.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { LIMIT_DEFAULT } from "./limit-gate.ts";
import { marketData } from "./market-data.ts";
import { readRecording } from "./recording.ts";
import { startTushareSimulator, type LatencyRange, type TushareSimulator } from "./simulator.ts";

/** What `simulate tushare` asks for, one member a flag. */
export interface RunTushareSimulatorOptions {
  /** `--port`: 0 takes a free one. */
  readonly port: number;
  /** `--seed` of the generated market, of latency and of chance. */
  readonly seed: number;
  /** `--codes`: how many securities the generated market has. */
  readonly codes: number;
  /** `--days` and `--to`: how many trading days it has, and its last one. */
  readonly days: number;
  readonly to: Day;
  /** `--data`: a folder with a recording, served in place of the generated market. */
  readonly dataFolder: string | undefined;
  /** `--limit` and `--window-ms`: at most so many calls of each API in any window of that length. */
  readonly callsMax: number;
  readonly windowMs: number;
  /** `--latency`; `parseLatency` reads its text. */
  readonly latency: LatencyRange;
  /** `--token`: the only one it accepts. */
  readonly token: string;
  /** Called once when it answers; the place to print the address. */
  readonly onListening: (simulator: TushareSimulator, served: ServedMarket) => void;
}

/** What there is to ask for. */
export interface ServedMarket {
  readonly codes: number;
  readonly days: number;
  /** Undefined where a recording has no day. */
  readonly firstDay: Day | undefined;
  readonly lastDay: Day | undefined;
}

/** Serves until the signal aborts, then closes and resolves. */
export async function runTushareSimulator(options: RunTushareSimulatorOptions, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const data =
    options.dataFolder === undefined
      ? marketData(
          generateMarket({ seed: options.seed, codes: options.codes, tradingDays: options.days, to: options.to }),
        )
      : await readRecording(options.dataFolder);
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
  if (!signal.aborted) {
    await once(signal, "abort");
  }
}

const LATENCY = /^(\d{1,7})(?:-(\d{1,7}))?$/;

/** `120` or `80-200`, in milliseconds; RangeError on anything else. */
export function parseLatency(text: string): LatencyRange {
  const [, from, to = from] = LATENCY.exec(text) ?? [];
  const range = { fromMs: Number.parseInt(from ?? "", 10), toMs: Number.parseInt(to ?? "", 10) };
  if (Number.isNaN(range.fromMs) || range.fromMs > range.toMs) {
    throw new RangeError(`reading a latency: expected milliseconds such as 120 or 80-200, got ${JSON.stringify(text)}`);
  }
  return range;
}
