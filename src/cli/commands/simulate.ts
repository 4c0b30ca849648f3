import { InvalidArgumentError, Option, type Command } from "commander";

import { toListenError } from "../../base/listen-error.ts";
import { openLog } from "../../base/pino-log.ts";
import { listenForShutdown } from "../../base/shutdown.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import type { Cli } from "../cli.ts";
import { EXIT_CODES, exitCodeOf } from "../exit.ts";
import type { RunState } from "../run-command.ts";
import { UsageError } from "../usage-error.ts";

const EXAMPLES = `
Examples:
  gdw simulate tushare                                 a generated market on port 8600
  gdw simulate tushare --port 0 --latency 80-200 --seed 7
  gdw simulate tushare --days 60 --to 2026-03-31       a market that ends there
  gdw simulate tushare --data recorded/tushare         recorded answers
  GINKGO_TUSHARE_URL=http://127.0.0.1:8600 TUSHARE_TOKEN=… gdw start

Days after its last one do not exist there: a request for them ends unexplained, as it should. The line it prints when it
listens names the first and the last day. Caps, limits and error texts are the provider's own. POST /_sim/faults orders faults, GET /_sim/summary counts calls.`;

interface Options {
  readonly port: number;
  readonly seed: number;
  readonly codes: number;
  readonly days: number;
  readonly to: Day;
  readonly data?: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly latency: Latency;
  readonly token?: string;
}

interface Latency {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Fixed, so that the market that is made is the same tomorrow. */
const TO_DEFAULT = parseDay("2025-12-31");
/** A stop has this long to close what is open. */
const CLOSE_MS_MAX = 2000;

export function addSimulate(parent: Command, cli: Cli, state: RunState): void {
  const simulate = parent.command("simulate").description("serve a provider's protocol on this machine");
  simulate
    .command("tushare")
    .description("serve Tushare's HTTP interface on 127.0.0.1 until it is stopped")
    .option("--port <port>", "port, 0 takes a free one", count(0, 65_535), 8600)
    .option("--data <folder>", "serve recorded answers instead of a generated market")
    .option("--seed <number>", "of the generated market and of the latency", count(0, 2 ** 31), 1)
    .option("--codes <count>", "securities of the generated market", count(1, 6000), 300)
    .option("--days <count>", "trading days of the generated market", count(1, 9000), 250)
    .option("--to <day>", "its last day, which is the same on every machine and does not move", readDay, TO_DEFAULT)
    .option("--limit <calls>", "calls of each API that are granted in any window", count(1, 1_000_000), 200)
    .option("--window-ms <ms>", "length of that window", count(1, 86_400_000), 60_000)
    .addOption(
      new Option("--latency <ms>", "how long an answer takes, such as 100 or 80-200")
        .argParser(readLatency)
        .default({ fromMs: 0, toMs: 0 }, "0"),
    )
    .option("--token <token>", "the only token it accepts (default: one it prints)")
    .addHelpText("after", EXAMPLES)
    .action(async ({ data, limit, token, ...options }: Options) => {
      const simulators = await cli.loadSimulators();
      const accepted = token ?? simulators.tushareToken;
      using shutdown = listenForShutdown(CLOSE_MS_MAX, cli.signals);
      using log = await openLog({ level: "info", format: "auto", file: undefined, secrets: [], descriptor: 2 });
      const { port, seed, codes, days, to, windowMs, latency } = options;
      const serving = simulators.runTushare(
        {
          port,
          seed,
          codes,
          days,
          to,
          windowMs,
          latency,
          token: accepted,
          dataFolder: data,
          callsMax: limit,
          onListening: ({ url }, served) => {
            // Not a secret: this token opens nothing but the simulator, and whoever starts it needs it.
            cli.stdout.write(`GINKGO_TUSHARE_URL=${url} TUSHARE_TOKEN=${accepted}\n`);
            log.info("simulator listening", { url, ...served, limit, windowMs });
          },
        },
        shutdown.intake,
      );
      try {
        await serving;
      } catch (error) {
        if (error instanceof RangeError) {
          throw new UsageError(error.message);
        }
        throw toListenError(error, "the simulator's port", { port: "--port" });
      }
      state.exitCode = shutdown.signal === undefined ? EXIT_CODES.ok.code : exitCodeOf(shutdown.signal);
    });
}

function count(min: number, max: number): (text: string) => number {
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
