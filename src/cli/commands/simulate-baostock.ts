import type { Command } from "commander";

import type { Cli } from "../cli.ts";
import type { RunState } from "../run-command.ts";
import { addMarketFlags, count, serveUntilStopped, type MarketFlags } from "./simulate-flags.ts";

const EXAMPLES = `
Examples:
  gdw simulate baostock                                a generated market on port 10030
  gdw simulate baostock --port 0 --latency 80-200 --seed 7
  gdw simulate baostock --to 2026-03-31                with rows of ETFs, which the provider has from 2026-01-05 on
  gdw simulate baostock --requests 20                  blacklists after the 20th request
  gdw simulate baostock --data recorded/baostock       recorded answers, to the same requests
  GINKGO_BAOSTOCK_HOST=127.0.0.1 GINKGO_BAOSTOCK_PORT=10030 gdw start

It has Shanghai and Shenzhen, days, weeks, months and 5 to 60 minutes; the user is anonymous. Days after its last one do not
exist there; today's come out at the provider's hours. Error texts are its own. Over HTTP on the same port POST /_sim/faults
orders faults and GET /_sim/requests shows what was asked:
  curl -d '{"fault":{"kind":"empty"},"method":"query_history_k_data_plus","times":3}' http://127.0.0.1:PORT/_sim/faults`;

interface Options extends MarketFlags {
  readonly requests: number;
}

export function addSimulateBaostock(parent: Command, cli: Cli, state: RunState): void {
  addMarketFlags(parent.command("baostock"), 10_030)
    .description("serve BaoStock's TCP protocol on 127.0.0.1 until it is stopped")
    .option("--requests <count>", "requests in a day after which it blacklists", count(1, 1_000_000), 50_000)
    .addHelpText("after", EXAMPLES)
    .action(async ({ data, requests, ...options }: Options) => {
      const simulators = await cli.loadSimulators();
      const { port, seed, codes, days, to, latency } = options;
      await serveUntilStopped(cli, state, (log, stop) =>
        simulators.runBaostock(
          {
            port,
            seed,
            codes,
            days,
            to,
            latency,
            dataFolder: data,
            requestsMax: requests,
            onListening: (simulator, served) => {
              const { host } = simulator;
              cli.stdout.write(`GINKGO_BAOSTOCK_HOST=${host} GINKGO_BAOSTOCK_PORT=${simulator.port}\n`);
              log.info("simulator listening", { host, port: simulator.port, ...served, requests });
            },
          },
          stop,
        ),
      );
    });
}
