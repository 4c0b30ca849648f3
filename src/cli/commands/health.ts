import { type Command, InvalidArgumentError } from "commander";

import { PermanentError, tellingWhatToDo } from "../../base/errors.ts";
import type { Cli } from "../cli.ts";
import { loadFor, type RunState } from "../run-command.ts";
import { HEALTH_TIMEOUT_MS, sayHealth, type HealthOptions } from "../say-health.ts";
import { addSettingFlags } from "../setting-flags.ts";

const EXAMPLES = `
Examples:
  gdw health                                 both; what a container check runs
  gdw health --live                          does its work get on? if not, restart it
  gdw health --ready --json                  can it take work now?
  gdw health --health-port 9090

It asks the running worker at health.host and health.port (0.0.0.0 is asked at 127.0.0.1). The exit code is 0 when every
check is well, 1 when one has failed, 69 when no worker answers. docs/health.md says what each check means.`;

export function addHealth(parent: Command, cli: Cli, state: RunState): void {
  addSettingFlags(parent.command("health"))
    .description("ask a running worker how it is, for container checks and people")
    .option("--live", "only whether its work gets on")
    .option("--ready", "only whether it can take work")
    .option("--timeout-ms <ms>", "how long it may take to answer", toMs, HEALTH_TIMEOUT_MS)
    .option("--json", "print JSON, as the worker answers it")
    .addHelpText("after", EXAMPLES)
    .action(async (options: HealthOptions, command: Command) => {
      const { health } = loadFor(command, cli, state).config;
      if (health.port === 0) {
        throw tellingWhatToDo(
          new PermanentError(
            "health.port is 0, a free port that only the worker knows: give both the same number",
            "settings",
          ),
        );
      }
      state.exitCode = await sayHealth(health, options, cli);
    });
}

function toMs(text: string): number {
  const ms = /^\d{1,6}$/.test(text) ? Number.parseInt(text, 10) : 0;
  if (ms < 1) {
    throw new InvalidArgumentError("expected milliseconds from 1 to 999999");
  }
  return ms;
}
