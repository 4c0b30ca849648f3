import type { Command } from "commander";

import { describeConfig } from "../../config.ts";
import type { Cli } from "../cli.ts";
import { loadFor, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";
import { printRecords } from "../table.ts";

const EXAMPLES = `
Examples:
  gdw config show
  gdw config show --changed
  gdw config show --config other.yml --json

Secrets are masked. A flag beats a variable, which beats the file, which beats the default.`;

export function addConfig(parent: Command, cli: Cli, state: RunState): void {
  const config = parent.command("config").description("the settings");
  addSettingFlags(config.command("show"))
    .description("print every setting in effect and where it came from")
    .option("--changed", "only what is not a default")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action((options: { readonly json?: boolean; readonly changed?: boolean }, command: Command) => {
      const loaded = loadFor(command, cli, state);
      const rows = describeConfig(loaded).filter(({ from }) => options.changed !== true || from !== "default");
      printRecords(
        cli,
        rows.map((row) => ({ ...row })),
        ["setting", "value", "from"],
        options.json ?? false,
      );
      for (const warning of loaded.warnings) {
        cli.stderr.write(`gdw: ${warning}\n`);
      }
    });
}
