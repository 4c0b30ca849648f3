import type { Command } from "commander";

import type { Cli } from "../cli.ts";
import type { RunState } from "../run-command.ts";
import { addMarketFlags, count, serveUntilStopped, type MarketFlags } from "./simulate-flags.ts";

const EXAMPLES = `
Examples:
  gdw simulate tushare                                 a generated market on port 8600
  gdw simulate tushare --port 0 --latency 80-200 --seed 7
  gdw simulate tushare --days 60 --to 2026-03-31       a market that ends there
  gdw simulate tushare --data recorded/tushare         recorded answers
  GINKGO_TUSHARE_URL=http://127.0.0.1:8600 TUSHARE_TOKEN=… gdw start

Days after its last one do not exist there: a request for them ends unexplained, as it should. The line it prints when it
listens names the first and the last day. Caps, limits and error texts are the provider's own. POST /_sim/faults orders faults, GET /_sim/summary counts calls.`;

interface Options extends MarketFlags {
  readonly limit: number;
  readonly windowMs: number;
  readonly token?: string;
}

export function addSimulateTushare(parent: Command, cli: Cli, state: RunState): void {
  addMarketFlags(parent.command("tushare"), 8600)
    .description("serve Tushare's HTTP interface on 127.0.0.1 until it is stopped")
    .option("--limit <calls>", "calls of each API that are granted in any window", count(1, 1_000_000), 200)
    .option("--window-ms <ms>", "length of that window", count(1, 86_400_000), 60_000)
    .option("--token <token>", "the only token it accepts (default: one it prints)")
    .addHelpText("after", EXAMPLES)
    .action(async ({ data, limit, token, ...options }: Options) => {
      const simulators = await cli.loadSimulators();
      const accepted = token ?? simulators.tushareToken;
      const { port, seed, codes, days, to, windowMs, latency } = options;
      await serveUntilStopped(cli, state, (log, stop) =>
        simulators.runTushare(
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
          stop,
        ),
      );
    });
}
