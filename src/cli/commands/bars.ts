import type { Command } from "commander";

import type { AdjustDirection, BarsReport, BarsRequest } from "../../app/app-api.ts";
import { isIntraday, isPeriod, READ_FREQUENCIES } from "../../domain/frequency.ts";
import { canonicalCode } from "../../domain/code-alias.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { Cli } from "../cli.ts";
import { oneOf, withDataOutput } from "../data-output.ts";
import { EXIT_CODES } from "../exit.ts";
import { fromFlag, readDay, readFromTo } from "../read-days.ts";
import { rowsToCsv, rowsToJson, rowsToTable } from "../render-rows.ts";
import { runOnce, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";
import { UsageError } from "../usage-error.ts";

const EXAMPLES = `
Examples:
  gdw bars 000001.SZ --from 2024-01-01
  gdw bars 000001.SZ --adjust forward --format csv > bars.csv
  gdw bars 000001.SZ --adjust forward --anchor 2024-06-28
  gdw bars 000001.SZ --format parquet --output bars.parquet
  gdw bars 000001.SZ --frequency 1w
  gdw bars 000001.SZ --frequency 5m --from 2024-06-03 --to 2024-06-03

Prices and amount are yuan, volume is shares. An adjusted price is price × factor of its day ÷ factor of the anchor,
rounded to four digits, beside the raw one; a day without a factor of the anchor's source has none and is counted on
standard error. Minutes are adjusted by the factor of their day, and their time is the interval's end. open, high, low and close are adjusted; pre_close, volume and amount stay raw.`;

const FORMATS = ["table", "csv", "json", "parquet"] as const;
const DIRECTIONS: readonly AdjustDirection[] = ["forward", "backward"];

interface Options {
  readonly from?: string;
  readonly to?: string;
  readonly frequency: string;
  readonly adjust?: string;
  readonly anchor?: string;
  readonly format: string;
  readonly output?: string;
}

export function addBars(parent: Command, cli: Cli, state: RunState): void {
  addSettingFlags(parent.command("bars"))
    .description("print the stored bars of one security, raw or adjusted")
    .argument("<code>", "the security, such as 000001.SZ")
    .option("--from <day>", "first trading day, 2024-01-02 or 20240102 (default: the first stored)")
    .option("--to <day>", "last trading day (default: the last stored)")
    .option("--frequency <frequency>", `one of ${READ_FREQUENCIES.join(", ")}`, "1d")
    .option("--adjust <direction>", `add adjusted prices: ${DIRECTIONS.join(" or ")}`)
    .option("--anchor <day>", "the day whose factor divides (forward: the last that has one; backward: none)")
    .option(
      "--format <format>",
      `one of ${FORMATS.join(", ")}; numbers of json are strings, so that all digits stay`,
      "table",
    )
    .option("--output <file>", "write into this file instead of standard output")
    .addHelpText("after", EXAMPLES)
    .action(async (code: string, options: Options, command: Command) => {
      const request = toRequest(code, options);
      const format = oneOf("--format", options.format, FORMATS);
      if (format === "parquet" && options.output === undefined && cli.stdout.isTTY === true) {
        throw new UsageError("--format parquet is not for a terminal: name a file with --output, or pipe it");
      }
      await runOnce(command, cli, state, async ({ config, app, log, shutdown }) => {
        let report: BarsReport;
        if (format === "parquet") {
          report = await withParquet(cli, options.output, (parquet) =>
            app.bars(config, { ...request, parquet }, log, shutdown.intake),
          );
        } else {
          report = await app.bars(config, request, log, shutdown.intake);
          await print(cli, report, format, options.output);
        }
        for (const line of remarks(request, report, options.output)) {
          cli.stderr.write(`gdw: ${line}\n`);
        }
        state.exitCode = report.rows.length === 0 ? EXIT_CODES.defect.code : EXIT_CODES.ok.code;
      });
    });
}

function toRequest(text: string, options: Options): BarsRequest {
  const code = fromFlag("bars", () => canonicalCode(parseSecurityCode(text)));
  const frequency = oneOf("--frequency", options.frequency, READ_FREQUENCIES);
  const adjust = options.adjust === undefined ? undefined : oneOf("--adjust", options.adjust, DIRECTIONS);
  const anchor = readDay("--anchor", options.anchor);
  if (anchor !== undefined && adjust === undefined) {
    throw new UsageError("--anchor says at which day prices are adjusted: say how with --adjust forward or backward");
  }
  if (adjust !== undefined && isPeriod(frequency)) {
    throw new UsageError(
      `--adjust is for days and minutes: an ex-day inside a period would be lost in --frequency ${frequency}`,
    );
  }
  return { code, frequency, ...readFromTo(options), adjust, anchor };
}

/** The file or pipe is only opened when there is something for it. */
async function withParquet(
  cli: Cli,
  path: string | undefined,
  ask: (parquet: NonNullable<BarsRequest["parquet"]>) => Promise<BarsReport>,
): Promise<BarsReport> {
  const pieces: Uint8Array[] = [];
  const report = await ask((piece) => {
    pieces.push(piece);
    return Promise.resolve();
  });
  if (report.rows.length > 0) {
    await withDataOutput(cli, path, async (output) => {
      for (const piece of pieces) {
        await output.write(piece);
      }
    });
  }
  return report;
}

/** People know which code they asked for, and flags are bits; programs get both. */
const NOT_IN_TABLES: ReadonlySet<string> = new Set(["code", "flags"]);

async function print(
  cli: Cli,
  { columns, rows }: BarsReport,
  format: "table" | "csv" | "json",
  path: string | undefined,
): Promise<void> {
  if (rows.length === 0) {
    return;
  }
  const shown = format === "table" ? columns.filter((column) => !NOT_IN_TABLES.has(column)) : columns;
  const render = { table: rowsToTable, csv: rowsToCsv, json: rowsToJson }[format];
  await withDataOutput(cli, path, (output) => output.write(render(shown, rows)));
}

function remarks(request: BarsRequest, report: BarsReport, path: string | undefined): readonly string[] {
  const { code, frequency } = request;
  const { rows, withoutFactor, stored, anchor } = report;
  if (rows.length === 0) {
    return [
      stored === undefined
        ? `no ${barsWord(frequency)} of ${code} are stored; bring them with gdw request --codes ${code}${frequencyFlag(frequency)} --wait`
        : `no ${barsWord(frequency)} of ${code} ${describeRange(request)}: ${stored.bars} days are stored, ${stored.from} to ${stored.to}; ${missingHint(request)}`,
    ];
  }
  const lines: string[] = [];
  if (path !== undefined) {
    lines.push(`${rows.length} ${frequency} bars of ${code} are in ${path}`);
  }
  if (anchor !== undefined) {
    lines.push(`adjusted at the anchor ${anchor.day}, whose factor is ${anchor.factor}`);
  }
  if (withoutFactor !== undefined) {
    const { days, from, to, hasOtherSource } = withoutFactor;
    lines.push(
      `${days} of ${new Set(rows.map((row) => row["trading_day"])).size} days have no factor and no adjusted price, from ${from} to ${to}; ` +
        (hasOtherSource
          ? `some have one of another source than the ${anchor === undefined ? "latest factor" : "anchor"}, which cannot be mixed with it`
          : `bring factors with gdw request --kind factors --codes ${code} --start ${from} --end ${to} --wait`),
    );
  }
  return lines;
}

function describeRange({ from, to }: BarsRequest): string {
  return `${from === undefined ? "" : `from ${from} `}${to === undefined ? "" : `to ${to}`}`.trim();
}

function barsWord(frequency: BarsRequest["frequency"]): string {
  return isIntraday(frequency) ? `${frequency} bars` : "bars";
}

/** Weeks and months are built from what daily requests bring. */
function frequencyFlag(frequency: BarsRequest["frequency"]): string {
  return isIntraday(frequency) ? ` --frequency ${frequency}` : "";
}

function missingHint({ code, frequency, from, to }: BarsRequest): string {
  const range = `${from === undefined ? "" : ` --start ${from}`}${to === undefined ? "" : ` --end ${to}`}`;
  return `ask for these with gdw request --codes ${code}${frequencyFlag(frequency)}${range} --wait, or see gdw coverage --code ${code}`;
}
