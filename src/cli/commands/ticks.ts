import type { Command } from "commander";

import type { TicksReport } from "../../app/app-api.ts";
import { canonicalCode } from "../../domain/code-alias.ts";
import { parseSecurityCode, type SecurityCode } from "../../domain/security-code.ts";
import type { Cli } from "../cli.ts";
import { oneOf, withDataOutput } from "../data-output.ts";
import { EXIT_CODES } from "../exit.ts";
import { fromFlag, readDay } from "../read-days.ts";
import { rowsToCsv, rowsToJson, rowsToTable } from "../render-rows.ts";
import { runOnce, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";

const EXAMPLES = `
Examples:
  gdw ticks 000001.SZ --day 2024-06-03
  gdw ticks 000001.SZ                                 the last day that has any
  gdw ticks 000001.SZ --day 2024-06-03 --format csv > ticks.csv

A line is a print as the provider has it, in the order in which it came: time (whole minutes where the provider tells no
more), its place among those of the same time, price in yuan, volume in shares, and how many trades it stands for where
that is known. A day is of one provider. Indicative prices of auctions and withdrawn orders are stored and not shown.`;

const FORMATS = ["table", "csv", "json"] as const;

interface Options {
  readonly day?: string;
  readonly format: string;
  readonly output?: string;
}

export function addTicks(parent: Command, cli: Cli, state: RunState): void {
  addSettingFlags(parent.command("ticks"))
    .description("print the stored ticks of one security and day")
    .argument("<code>", "the security, such as 000001.SZ")
    .option("--day <day>", "the trading day, 2024-01-02 or 20240102 (default: the last that has ticks)")
    .option(
      "--format <format>",
      `one of ${FORMATS.join(", ")}; price and volume of json are strings, so that all digits stay`,
      "table",
    )
    .option("--output <file>", "write into this file instead of standard output")
    .addHelpText("after", EXAMPLES)
    .action(async (text: string, options: Options, command: Command) => {
      const code = fromFlag("ticks", () => canonicalCode(parseSecurityCode(text)));
      const day = readDay("--day", options.day);
      const format = oneOf("--format", options.format, FORMATS);
      await runOnce(command, cli, state, async ({ config, app, log, shutdown }) => {
        const report = await app.ticks(config, { code, day }, log, shutdown.intake);
        if (report.rows.length > 0) {
          await print(cli, report, format, options.output);
        }
        for (const line of remarks(code, report, options)) {
          cli.stderr.write(`gdw: ${line}\n`);
        }
        state.exitCode = report.rows.length === 0 ? EXIT_CODES.defect.code : EXIT_CODES.ok.code;
      });
    });
}

/** The same in every line, or bits; programs get them. */
const NOT_IN_TABLES: ReadonlySet<string> = new Set(["code", "trading_day", "source", "flags"]);

async function print(
  cli: Cli,
  { columns, rows }: TicksReport,
  format: (typeof FORMATS)[number],
  path: string | undefined,
): Promise<void> {
  const shown = format === "table" ? columns.filter((column) => !NOT_IN_TABLES.has(column)) : columns;
  const render = { table: rowsToTable, csv: rowsToCsv, json: rowsToJson }[format];
  await withDataOutput(cli, path, (output) => output.write(render(shown, rows)));
}

function remarks(
  code: SecurityCode,
  { day, rows, stored }: TicksReport,
  { day: named, output }: Options,
): readonly string[] {
  if (stored === undefined) {
    return [`no ticks of ${code} are stored`];
  }
  if (rows.length === 0) {
    return [
      `no ticks of ${code} on ${day}: ${stored.days} ${stored.days === "1" ? "day is" : "days are"} stored, ${stored.from} to ${stored.to}`,
    ];
  }
  const lines = named === undefined ? [`the last day of ${code} that has ticks is ${day}`] : [];
  return output === undefined ? lines : [...lines, `${rows.length} ticks of ${code} on ${day} are in ${output}`];
}
