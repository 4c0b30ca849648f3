import { InvalidArgumentError, Option, type Command } from "commander";

import { toListenError } from "../../base/listen-error.ts";
import type { Log } from "../../base/log.ts";
import { openLog } from "../../base/pino-log.ts";
import { listenForShutdown } from "../../base/shutdown.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import type { Cli } from "../cli.ts";
import { EXIT_CODES, exitCodeOf } from "../exit.ts";
import type { RunState } from "../run-command.ts";
import { UsageError } from "../usage-error.ts";

/** What every simulated provider is started with. */
export interface MarketFlags {
  readonly port: number;
  readonly data?: string;
  readonly seed: number;
  readonly codes: number;
  readonly days: number;
  readonly to: Day;
  readonly latency: Latency;
}

export interface Latency {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Fixed, so that the market that is made is the same tomorrow. */
const TO_DEFAULT = parseDay("2025-12-31");
/** A stop has this long to close what is open. */
const CLOSE_MS_MAX = 2000;

export function addMarketFlags(command: Command, port: number): Command {
  return command
    .option("--port <port>", "port, 0 takes a free one", count(0, 65_535), port)
    .option("--data <folder>", "serve recorded answers instead of a generated market")
    .option("--seed <number>", "of the generated market and of the latency", count(0, 2 ** 31), 1)
    .option("--codes <count>", "securities of the generated market", count(1, 6000), 300)
    .option("--days <count>", "trading days of the generated market", count(1, 9000), 250)
    .option("--to <day>", "its last day, which is the same on every machine and does not move", readDay, TO_DEFAULT)
    .addOption(
      new Option("--latency <ms>", "how long an answer takes, such as 100 or 80-200")
        .argParser(readLatency)
        .default({ fromMs: 0, toMs: 0 }, "0"),
    );
}

/** Runs a simulator until it is told to stop, and sets the exit code. */
export async function serveUntilStopped(
  cli: Cli,
  state: RunState,
  serve: (log: Log, stop: AbortSignal) => Promise<void>,
): Promise<void> {
  using shutdown = listenForShutdown(CLOSE_MS_MAX, cli.signals);
  using log = await openLog({ level: "info", format: "auto", file: undefined, secrets: [], descriptor: 2 });
  try {
    await serve(log, shutdown.intake);
  } catch (error) {
    if (error instanceof RangeError) {
      throw new UsageError(error.message);
    }
    throw toListenError(error, "the simulator's port", { port: "--port" });
  }
  state.exitCode = shutdown.signal === undefined ? EXIT_CODES.ok.code : exitCodeOf(shutdown.signal);
}

export function count(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,10}$/.test(text) ? Number.parseInt(text, 10) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

function readDay(text: string): Day {
  try {
    return parseDay(text);
  } catch {
    throw new InvalidArgumentError("expected a day such as 2025-12-31");
  }
}

function readLatency(text: string): Latency {
  const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text);
  const fromMs = Number.parseInt(match?.[1] ?? "", 10);
  const toMs = Number.parseInt(match?.[2] ?? match?.[1] ?? "", 10);
  if (match === null || fromMs > toMs) {
    throw new InvalidArgumentError("expected milliseconds such as 100 or 80-200");
  }
  return { fromMs, toMs };
}
