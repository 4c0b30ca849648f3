import type { Command } from "commander";

import type { Cli } from "../cli.ts";
import type { RunState } from "../run-command.ts";
import { addMarketFlags, count, serveUntilStopped, type MarketFlags } from "./simulate-flags.ts";

const EXAMPLES = `
Examples:
  gdw simulate yahoo                                   generated markets on port 8620
  gdw simulate yahoo --port 0 --latency 80-200 --seed 7
  gdw simulate yahoo --limit 60                        refuses after the 60th request in a minute, for --ban-ms
  gdw simulate yahoo --data recorded/yahoo             recorded answers
  GINKGO_YAHOO_URL=http://127.0.0.1:8620 GINKGO_YAHOO_COOKIE_URL=http://127.0.0.1:8620 gdw start

Besides the mainland's it has a small market of Hong Kong and one of the United States, with their indices. Prices are
adjusted for splits and come as floats of 32 bits, as the provider's do; minutes are kept for as long back from now. Over HTTP
on the same port POST /_sim/faults orders faults and GET /_sim/requests shows what was asked.`;

interface Options extends MarketFlags {
  readonly limit: number;
  readonly windowMs: number;
  readonly banMs: number;
}

export function addSimulateYahoo(parent: Command, cli: Cli, state: RunState): void {
  addMarketFlags(parent.command("yahoo"), 8620)
    .description("serve Yahoo's chart interface on 127.0.0.1 until it is stopped")
    .option("--limit <requests>", "requests in any window before it refuses", count(1, 1_000_000), 1_000)
    .option("--window-ms <ms>", "length of that window", count(1, 86_400_000), 60_000)
    .option("--ban-ms <ms>", "how long it refuses then", count(1, 86_400_000), 900_000)
    .addHelpText("after", EXAMPLES)
    .action(async ({ data, limit, ...options }: Options) => {
      const simulators = await cli.loadSimulators();
      const { port, seed, codes, days, to, latency, windowMs, banMs } = options;
      await serveUntilStopped(cli, state, (log, stop) =>
        simulators.runYahoo(
          {
            port,
            seed,
            codes,
            days,
            to,
            latency,
            windowMs,
            banMs,
            dataFolder: data,
            requestsMax: limit,
            onListening: ({ url }, served) => {
              cli.stdout.write(`GINKGO_YAHOO_URL=${url} GINKGO_YAHOO_COOKIE_URL=${url}\n`);
              log.info("simulator listening", { url, ...served, limit, windowMs });
            },
          },
          stop,
        ),
      );
    });
}
