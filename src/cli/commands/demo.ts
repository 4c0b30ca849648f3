import type { Command } from "commander";

import type { Cli } from "../cli.ts";
import { runDemo } from "../demo/run-demo.ts";
import { readCodeList } from "../read-codes.ts";
import { runOnce, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";
import { UsageError } from "../usage-error.ts";

const EXAMPLES = `
Examples:
  gdw demo                                     a generated market, 300 codes over 250 trading days
  gdw demo --keep                              and stay up until Ctrl-C, with the addresses printed
  TUSHARE_TOKEN=… gdw demo --provider tushare --codes 000001.SZ,600000.SH

It needs no server. Queue and engine stay in embedded.folder (./.ginkgo); a second run finds everything there and asks
nobody. Ctrl-C at any moment is safe: run it again and it goes on. The exit code is 1 when what is stored differs from
the market in any cell.`;

interface Options {
  readonly keep?: boolean;
  readonly provider?: string;
  readonly codes?: string;
}

/** The worker of a demo has this long to finish what is in hand. */
const DRAIN_MS_MAX = 25_000;

export function addDemo(parent: Command, cli: Cli, state: RunState): void {
  addSettingFlags(parent.command("demo"))
    .description("run the main job on this machine, without any server")
    .option("--keep", "stay up when it is done")
    .option("--provider <name>", "ask the real provider: tushare (default: a simulated one)")
    .option("--codes <codes>", "only these securities, commas between")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options, command: Command) => {
      const { provider } = options;
      if (provider !== undefined && provider !== "tushare") {
        throw new UsageError(`--provider: expected tushare, got ${JSON.stringify(provider)}`);
      }
      const codes = options.codes === undefined ? undefined : readCodeList(options.codes, "--codes");
      if (provider !== undefined && codes === undefined) {
        throw new UsageError("--provider tushare asks the real provider: say for which --codes");
      }
      await runOnce(
        command,
        cli,
        state,
        async (parts) => {
          state.exitCode = await runDemo(parts, { keep: options.keep ?? false, provider, codes }, cli);
        },
        DRAIN_MS_MAX,
      );
    });
}
