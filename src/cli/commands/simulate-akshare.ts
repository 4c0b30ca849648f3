import type { Command } from "commander";

import type { Cli } from "../cli.ts";
import type { RunState } from "../run-command.ts";
import { UsageError } from "../usage-error.ts";
import { addMarketFlags, count, serveUntilStopped, type MarketFlags } from "./simulate-flags.ts";

const EXAMPLES = `
Examples:
  gdw simulate akshare                                 a generated market on port 8630
  gdw simulate akshare --port 0 --latency 80-200 --seed 7
  gdw simulate akshare --limit 100                     Eastmoney closes every connection after 100 calls in a minute
  GINKGO_AKSHARE_URL=http://127.0.0.1:8630 gdw start
  GINKGO_AKSHARE_AKTOOLS_URL=http://127.0.0.1:8630 gdw start    asks it as an AKTools server instead

It answers for Eastmoney, Tencent, Sina and the three exchanges by their paths, and for AKTools. Over HTTP on the same port
POST /_sim/faults orders faults and GET /_sim/requests shows what was asked.`;

interface Options extends MarketFlags {
  readonly limit: number;
  readonly windowMs: number;
  readonly banMs: number;
  readonly anyClient?: boolean;
}

export function addSimulateAkshare(parent: Command, cli: Cli, state: RunState): void {
  addMarketFlags(parent.command("akshare"), 8630)
    .description("serve the interfaces behind AKShare, and AKTools, on 127.0.0.1 until it is stopped")
    .option("--limit <calls>", "calls of Eastmoney in any window before it shuts out", count(1, 1_000_000), 10_000)
    .option("--window-ms <ms>", "length of that window", count(1, 86_400_000), 60_000)
    .option("--ban-ms <ms>", "how long it shuts out then", count(1, 86_400_000), 3_600_000)
    .option("--any-client", "clients need not look like browsers")
    .addHelpText("after", EXAMPLES)
    .action(async ({ data, limit, anyClient = false, ...options }: Options) => {
      if (data !== undefined) {
        throw new UsageError("there are no recordings of AKShare's upstreams to serve: leave --data out");
      }
      const simulators = await cli.loadSimulators();
      const { port, seed, codes, days, to, latency, windowMs, banMs } = options;
      await serveUntilStopped(cli, state, (log, stop) =>
        simulators.runAkshare(
          {
            port,
            seed,
            codes,
            days,
            to,
            latency,
            windowMs,
            banMs,
            callsMax: limit,
            takesAnyClient: anyClient,
            onListening: ({ url }, served) => {
              cli.stdout.write(`GINKGO_AKSHARE_URL=${url}\n`);
              log.info("simulator listening", { url, ...served, limit, windowMs });
            },
          },
          stop,
        ),
      );
    });
}
