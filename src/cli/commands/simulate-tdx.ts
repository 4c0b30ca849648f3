import type { Command } from "commander";

import type { Cli } from "../cli.ts";
import type { RunState } from "../run-command.ts";
import { addMarketFlags, serveUntilStopped, type MarketFlags } from "./simulate-flags.ts";

const EXAMPLES = `
Examples:
  gdw simulate tdx                                     a generated market on port 7709
  gdw simulate tdx --port 0 --latency 20-60 --seed 7
  gdw simulate tdx --refuse-upgrade                    as hosts do since 2026: no data for clients that send 0x0FDB
  gdw simulate tdx --data recorded/tdx                 .day, .lc1, xdxr-….hex and ticks-….json files
  GINKGO_TDX_HOSTS=127.0.0.1:7709 gdw start

It has days, minutes, ticks, lists and corporate actions of three exchanges, one index and one fund each of Shanghai and
Shenzhen. Days after its last one do not exist there; of today there is what the clock has reached. Over HTTP on the same
port POST /_sim/faults orders faults and GET /_sim/requests shows what was asked:
  curl -d '{"fault":{"kind":"short-page","rows":7},"command":"bars","times":3}' http://127.0.0.1:PORT/_sim/faults`;

interface Options extends MarketFlags {
  readonly refuseUpgrade?: boolean;
}

export function addSimulateTdx(parent: Command, cli: Cli, state: RunState): void {
  addMarketFlags(parent.command("tdx"), 7709)
    .description("serve TongDaXin's quotes protocol on 127.0.0.1 until it is stopped")
    .option("--refuse-upgrade", "refuse old clients, and answer them hollow from then on")
    .addHelpText("after", EXAMPLES)
    .action(async ({ data, refuseUpgrade = false, ...options }: Options) => {
      const simulators = await cli.loadSimulators();
      const { port, seed, codes, days, to, latency } = options;
      await serveUntilStopped(cli, state, (log, stop) =>
        simulators.runTdx(
          {
            port,
            seed,
            codes,
            days,
            to,
            latency,
            dataFolder: data,
            refusesUpgrade: refuseUpgrade,
            onListening: (simulator, served) => {
              const { host } = simulator;
              cli.stdout.write(`GINKGO_TDX_HOSTS=${host}:${simulator.port}\n`);
              log.info("simulator listening", { host, port: simulator.port, ...served });
            },
          },
          stop,
        ),
      );
    });
}
