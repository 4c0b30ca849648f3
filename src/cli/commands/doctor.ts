import type { Command } from "commander";

import type { Check, Verdict } from "../../app/doctor/doctor-api.ts";
import { createRedactor } from "../../base/redact.ts";
import type { Cli } from "../cli.ts";
import { EXIT_CODES, toExit } from "../exit.ts";
import { printable } from "../printable.ts";
import { loadFor, runOnce, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";

const EXAMPLES = `
Examples:
  gdw doctor
  gdw doctor --call-provider                 one provider call as well, which counts against the limit
  gdw doctor --json

It changes nothing and looks at everything, also after a failure. The exit code is 0 when nothing failed, warnings or
not; else that of the first failure: 77 for credentials, 78 for settings, 69 for what is not there, 1 for anything else.`;

const NAME_WIDTH = 17;
const VERDICT_WIDTH = 7;
const WORDS: Readonly<Record<Verdict, string>> = { ok: "ok", warn: "warnings", fail: "failed", skipped: "skipped" };

interface Options {
  readonly callProvider?: boolean;
  readonly json?: boolean;
}

export function addDoctor(parent: Command, cli: Cli, state: RunState): void {
  addSettingFlags(parent.command("doctor"))
    .description("look at everything a worker needs, and say what to do about what is wrong")
    .option("--call-provider", "also make one call to each provider of the chain, with its token where it has one")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async ({ callProvider = false, json = false }: Options, command: Command) => {
      const settings = lookAtSettings(command, cli, state);
      const redactor = createRedactor(state.secrets);
      const checks: Check[] = [];
      const take = (check: Check): void => {
        checks.push(check);
        // What waits for another check is in the JSON and the count; the other check says why.
        if (!json && !check.isDependent) {
          cli.stdout.write(redactor.text(describe(check)));
        }
      };
      take(settings);
      await runOnce(command, cli, state, async ({ config, app, log, shutdown }) => {
        for await (const check of app.doctor(config, { callProvider }, log, shutdown.intake)) {
          take(check);
        }
      });
      cli.stdout.write(json ? redactor.text(toJson(checks)) : `\n${summary(checks)}\n`);
      const failed = checks.find(({ verdict }) => verdict === "fail");
      state.exitCode = failed === undefined ? EXIT_CODES.ok.code : codeOf(failed);
    });
}

/** What is wrong with settings has ended the command already; this is what is odd about them, and where they are from. */
function lookAtSettings(command: Command, cli: Cli, state: RunState): Check {
  const { rows, warnings } = loadFor(command, cli, state);
  const changed = rows.filter(({ from }) => from !== "default");
  const kinds = [...new Set(changed.map(({ from }) => from.split(" ")[0] ?? ""))].join(", ");
  const seen = `${changed.length} of ${rows.length} are set${kinds === "" ? "" : `, by ${kinds}`}`;
  return warnings.length === 0
    ? { name: "settings", isDependent: false, verdict: "ok", seen, todo: "" }
    : {
        name: "settings",
        isDependent: false,
        verdict: "warn",
        seen: `${seen}; ${warnings.join("; ")}`,
        todo: "gdw config show",
      };
}

function describe({ name, verdict, seen, todo }: Check): string {
  const line = `${verdict.padEnd(VERDICT_WIDTH)}  ${name.padEnd(NAME_WIDTH)}  ${printable(seen)}\n`;
  return todo === "" ? line : `${line}${" ".repeat(VERDICT_WIDTH + NAME_WIDTH + 4)}do: ${printable(todo)}\n`;
}

function summary(checks: readonly Check[]): string {
  const verdicts: readonly Verdict[] = ["ok", "warn", "fail", "skipped"];
  return verdicts
    .map((verdict) => `${checks.filter((check) => check.verdict === verdict).length} ${WORDS[verdict]}`)
    .join(", ");
}

function toJson(checks: readonly Check[]): string {
  const plain = checks.map(({ name, verdict, seen, todo }) => ({ name, verdict, seen, todo }));
  return `${JSON.stringify(plain, undefined, 2)}\n`;
}

function codeOf({ error }: Check): number {
  return error === undefined ? EXIT_CODES.defect.code : toExit(error).code;
}
