import type { Command } from "commander";

import { planOfRun } from "../../app/schedule/run-plan.ts";
import { createRedactor } from "../../base/redact.ts";
import { RUN_NAMES } from "../../domain/run-time.ts";
import type { Cli } from "../cli.ts";
import { EXIT_CODES } from "../exit.ts";
import { describeRequest, followRequest, exitOfRequest } from "../follow-request.ts";
import { runOnce, type RunState } from "../run-command.ts";
import { describeSchedule, localZone } from "../schedule-text.ts";
import { addSettingFlags } from "../setting-flags.ts";
import { UsageError } from "../usage-error.ts";

const LIST_EXAMPLES = `
Examples:
  gdw schedule list
  gdw schedule list --json | jq '.runs[] | select(.name == "bars")'

The exit code is 69 when something could not be read; the rest is shown all the same.`;

const RUN_EXAMPLES = `
Examples:
  gdw schedule run bars

The same as gdw request --kind bars --all --wait, with its exit codes. It counts for no day: the schedule goes on as if it
had not been.`;

export function addSchedule(parent: Command, cli: Cli, state: RunState): void {
  const schedule = parent.command("schedule").description("the worker's own timer (schedule.enabled)");
  addSettingFlags(schedule.command("list"))
    .description("each run: when, what became of the last one, when the next one is, and who does them")
    .option("--json", "print JSON")
    .addHelpText("after", LIST_EXAMPLES)
    .action(async ({ json }: { readonly json?: boolean }, command: Command) => {
      await runOnce(command, cli, state, async ({ config, app, log, shutdown }) => {
        const report = await app.schedule(config, log, shutdown.intake);
        const text =
          json === true ? `${JSON.stringify(report, undefined, 2)}\n` : describeSchedule(report, localZone());
        cli.stdout.write(createRedactor(state.secrets).text(text));
        state.exitCode = report.unknown.length > 0 ? EXIT_CODES.unavailable.code : EXIT_CODES.ok.code;
      });
    });
  addSettingFlags(schedule.command("run"))
    .argument("<name>", `one of ${RUN_NAMES.join(", ")}`)
    .description("do one run now, and wait until every message is settled, with progress on standard error")
    .option("--json", "print JSON")
    .addHelpText("after", RUN_EXAMPLES)
    .action(async (typed: string, options: { readonly json?: boolean }, command: Command) => {
      const name = RUN_NAMES.find((known) => known === typed);
      if (name === undefined) {
        throw new UsageError(`expected one of ${RUN_NAMES.join(", ")}, got ${JSON.stringify(typed)}`);
      }
      const plan = planOfRun(name, true);
      await runOnce(command, cli, state, async (parts) => {
        const last = await followRequest(parts, plan, cli);
        cli.stdout.write(
          options.json === true ? `${JSON.stringify(last, undefined, 2)}\n` : describeRequest(last, plan),
        );
        state.exitCode = exitOfRequest(last, plan);
      });
    });
}
