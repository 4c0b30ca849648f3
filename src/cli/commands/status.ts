import type { Command } from "commander";

import { createRedactor } from "../../base/redact.ts";
import type { Cli } from "../cli.ts";
import { EXIT_CODES } from "../exit.ts";
import { runOnce, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";
import { describeStatus, unknownParts } from "../status-text.ts";

const EXAMPLES = `
Examples:
  gdw status
  gdw status --json | jq .queue.value.topics

The exit code is 69 when a part could not be asked; the others are shown all the same. gdw doctor says why.`;

export function addStatus(parent: Command, cli: Cli, state: RunState): void {
  addSettingFlags(parent.command("status"))
    .description("what is going on now: lag, workers, outcomes, dead letters, rows, provider calls")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async ({ json }: { readonly json?: boolean }, command: Command) => {
      await runOnce(command, cli, state, async ({ config, app, log, shutdown }) => {
        const report = await app.status(config, log, shutdown.intake);
        const text = json === true ? `${JSON.stringify(report, undefined, 2)}\n` : describeStatus(report);
        cli.stdout.write(createRedactor(state.secrets).text(text));
        state.exitCode = unknownParts(report).length > 0 ? EXIT_CODES.unavailable.code : EXIT_CODES.ok.code;
      });
    });
}
