import type { Command } from "commander";

import type { VerifyReport } from "../../app/app-api.ts";
import type { Cli } from "../cli.ts";
import { countOf } from "../count-of.ts";
import { EXIT_CODES } from "../exit.ts";
import { readCodeList } from "../read-codes.ts";
import { runOnce, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";
import { renderTable } from "../table.ts";

const EXAMPLES = `
Examples:
  gdw verify                                 compare everything, reopen what differs
  gdw verify --codes 000001.SZ --no-reopen   only look; exit code 1 when something differs

A reopened day counts as missing, so the next request for it brings it back.`;

interface Options {
  readonly codes?: string;
  readonly reopen: boolean;
  readonly json?: boolean;
}

export function addVerify(parent: Command, cli: Cli, state: RunState): void {
  addSettingFlags(parent.command("verify"))
    .description("compare the ledger with the tables")
    .option("--codes <codes>", "only these securities, commas between")
    .option("--no-reopen", "only look, and leave the ledger as it is")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async ({ codes, reopen, json }: Options, command: Command) => {
      const only = codes === undefined ? {} : { codes: readCodeList(codes, "--codes") };
      await runOnce(command, cli, state, async ({ config, app, log, shutdown }) => {
        const report = await app.verify(config, { ...only, reopen }, log, shutdown.intake);
        cli.stdout.write(json === true ? `${JSON.stringify(report, undefined, 2)}\n` : describe(report));
        const isBad = report.differences.length > 0 && !reopen;
        state.exitCode = isBad ? EXIT_CODES.defect.code : EXIT_CODES.ok.code;
      });
    });
}

function describe({ codes, days, differences, reopenedDays }: VerifyReport): string {
  const head = `compared ${countOf(days, "day")} of ${codes === 1 ? "1 security" : `${codes} securities`}: ${countOf(differences.length, "difference")}, ${countOf(reopenedDays, "day")} reopened\n`;
  const rows = differences.map((one) => [
    one.code,
    one.dataSet,
    one.frequency,
    one.from,
    one.to,
    String(one.days),
    one.found,
  ]);
  return differences.length === 0
    ? head
    : head + renderTable(["CODE", "DATA SET", "FREQUENCY", "FROM", "TO", "DAYS", "FOUND"], rows);
}
