import { InvalidArgumentError, type Command } from "commander";

import { openLog } from "../../base/pino-log.ts";
import { listenForShutdown } from "../../base/shutdown.ts";
import type { Cli } from "../cli.ts";
import { exitCodeOf } from "../exit.ts";
import type { RunState } from "../run-command.ts";

const EXAMPLES = `
Examples:
  gdw simulate tushare                                       a generated market on port 8600
  gdw simulate tushare --port 0 --latency 80-200 --seed 7
  gdw simulate tushare --data recorded/tushare
  GINKGO_TUSHARE_URL=http://127.0.0.1:8600 TUSHARE_TOKEN=any gdw start

Its calls are counted like the provider's; see docs for how to order faults.`;

interface Options {
  readonly host: string;
  readonly port: number;
  readonly data?: string;
  readonly seed: number;
  readonly securities: number;
  readonly days: number;
  readonly callsPerMinute: number;
  readonly latency: readonly [number, number];
}

/** A stop has this long to close what is open. */
const CLOSE_MS_MAX = 2000;

export function addSimulate(parent: Command, cli: Cli, state: RunState): void {
  const simulate = parent.command("simulate").description("serve a provider's protocol on this machine");
  simulate
    .command("tushare")
    .description("serve Tushare's HTTP interface, with its row caps, limits and error texts")
    .option("--host <address>", "address to bind to", "127.0.0.1")
    .option("--port <port>", "port, 0 takes a free one", count(0, 65_535), 8600)
    .option("--data <folder>", "serve recorded answers instead of a generated market")
    .option("--seed <number>", "of the generated market", count(0, 2 ** 31), 1)
    .option("--securities <count>", "of the generated market", count(1, 6000), 300)
    .option("--days <count>", "trading days of the generated market", count(1, 9000), 250)
    .option("--calls-per-minute <count>", "granted in any 60 s, 0 grants all", count(0, 100_000), 200)
    .option("--latency <ms>", "how long an answer takes, such as 100 or 80-200", readLatency, [0, 0])
    .addHelpText("after", EXAMPLES)
    .action(async ({ days, latency, data, ...options }: Options) => {
      const [latencyMsMin, latencyMsMax] = latency;
      using shutdown = listenForShutdown(CLOSE_MS_MAX, cli.signals);
      using log = await openLog({ level: "info", format: "auto", file: undefined, secrets: [], descriptor: 1 });
      const simulator = await cli.loadSimulator();
      await simulator.runTushare(
        { ...options, data, tradingDays: days, latencyMsMin, latencyMsMax },
        log,
        shutdown.intake,
      );
      state.exitCode = shutdown.signal === undefined ? 0 : exitCodeOf(shutdown.signal);
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

function readLatency(text: string): readonly [number, number] {
  const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text);
  const min = Number.parseInt(match?.[1] ?? "", 10);
  const max = Number.parseInt(match?.[2] ?? match?.[1] ?? "", 10);
  if (match === null || min > max) {
    throw new InvalidArgumentError("expected milliseconds such as 100 or 80-200");
  }
  return [min, max];
}
