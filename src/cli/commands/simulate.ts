import type { Command } from "commander";

import type { Cli } from "../cli.ts";
import type { RunState } from "../run-command.ts";
import { addSimulateAkshare } from "./simulate-akshare.ts";
import { addSimulateBaostock } from "./simulate-baostock.ts";
import { addSimulateTdx } from "./simulate-tdx.ts";
import { addSimulateTushare } from "./simulate-tushare.ts";
import { addSimulateYahoo } from "./simulate-yahoo.ts";

export function addSimulate(parent: Command, cli: Cli, state: RunState): void {
  const simulate = parent.command("simulate").description("serve a provider's protocol on this machine");
  addSimulateTushare(simulate, cli, state);
  addSimulateBaostock(simulate, cli, state);
  addSimulateTdx(simulate, cli, state);
  addSimulateAkshare(simulate, cli, state);
  addSimulateYahoo(simulate, cli, state);
}
