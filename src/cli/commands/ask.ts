import type { Command } from "commander";

import { PROVIDERS, type ProviderName } from "../../domain/provider.ts";
import type { InquiryHelp, Question } from "../../app/ask-api.ts";
import type { Cli } from "../cli.ts";
import { oneOf, withDataOutput } from "../data-output.ts";
import { EXIT_CODES } from "../exit.ts";
import { readCodeList } from "../read-codes.ts";
import { readDay, readFromTo } from "../read-days.ts";
import { rowsToCsv, rowsToJson, rowsToTable } from "../render-rows.ts";
import { runOnce, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";
import { renderTable } from "../table.ts";
import { UsageError } from "../usage-error.ts";

const EXAMPLES = `
Examples:
  gdw ask tdx                                      what TongDaXin can be asked for
  gdw ask tdx quotes 000001.SZ,600000.SH
  gdw ask tdx minute-line 000001.SZ --day 2026-03-06
  gdw ask tdx corporate-actions 000001.SZ --format csv
  gdw ask baostock dividends 600000.SH --from 2020-01-01

It asks the provider itself, once, and prints what it says; nothing is stored. The call counts against the provider's
limits like any other.`;

const FORMATS = ["table", "csv", "json"] as const;

interface Options {
  readonly day?: string;
  readonly from?: string;
  readonly to?: string;
  readonly format: string;
  readonly output?: string;
}

export function addAsk(parent: Command, cli: Cli, state: RunState): void {
  addSettingFlags(parent.command("ask"))
    .description("ask a provider what is not stored: quotes, minute lines, dividends and the like")
    .argument("<provider>", `one of ${PROVIDERS.join(", ")}`)
    .argument("[what]", "what to ask for; left out: print what there is")
    .argument("[codes]", "securities, commas between")
    .option("--day <day>", "one day, 2024-01-02 or 20240102")
    .option("--from <day>", "first day")
    .option("--to <day>", "last day")
    .option("--format <format>", `one of ${FORMATS.join(", ")}`, "table")
    .option("--output <file>", "write into this file instead of standard output")
    .addHelpText("after", EXAMPLES)
    .action(
      async (
        named: string,
        what: string | undefined,
        codes: string | undefined,
        options: Options,
        command: Command,
      ) => {
        const provider = readProvider(named);
        const format = oneOf("--format", options.format, FORMATS);
        const question = toQuestion(codes, options);
        await runOnce(command, cli, state, async ({ config, app, log, shutdown }) => {
          const known = await app.inquiries(config, provider, log);
          if (what === undefined) {
            cli.stdout.write(describeInquiries(provider, known));
            return;
          }
          refuseMisfit(provider, what, question, known);
          const { columns, rows, missing } = await app.ask(config, { provider, what, question }, log, shutdown.intake);
          if (rows.length > 0) {
            const render = { table: rowsToTable, csv: rowsToCsv, json: rowsToJson }[format];
            await withDataOutput(cli, options.output, (output) => output.write(render(columns, rows)));
          }
          if (rows.length === 0 || missing.length > 0) {
            const about = missing.length > 0 ? ` of ${missing.join(", ")}` : "";
            cli.stderr.write(`gdw: ${provider} has no ${what}${about}\n`);
            state.exitCode = EXIT_CODES.defect.code;
          }
        });
      },
    );
}

function readProvider(text: string): ProviderName {
  const provider = PROVIDERS.find((served) => served === text);
  if (provider === undefined) {
    throw new UsageError(`expected one of ${PROVIDERS.join(", ")} after ask, got ${JSON.stringify(text.slice(0, 40))}`);
  }
  return provider;
}

function toQuestion(codes: string | undefined, options: Options): Question {
  return { codes: readCodeList(codes ?? "", "ask"), day: readDay("--day", options.day), ...readFromTo(options) };
}

function describeInquiries(provider: string, known: readonly InquiryHelp[]): string {
  if (known.length === 0) {
    return `${provider} has nothing beside the data sets that are stored\n`;
  }
  return renderTable(
    ["WHAT", "WANTS", "IT IS"],
    known.map((one) => [one.name, one.wants.flatMap((want) => wordsFor(want, one)).join(" "), one.help]),
  );
}

/** In brackets what may be left out. */
function wordsFor(want: InquiryHelp["wants"][number], { needs = [] }: InquiryHelp): readonly string[] {
  switch (want) {
    case "codes":
      return ["CODES"];
    case "day":
      return [needs.includes("day") ? "--day" : "[--day]"];
    case "range":
      return [needs.includes("from") ? "--from" : "[--from]", "[--to]"];
  }
}

/** Said before a call is spent. */
function refuseMisfit(provider: string, what: string, question: Question, known: readonly InquiryHelp[]): void {
  const inquiry = known.find(({ name }) => name === what);
  if (inquiry === undefined) {
    const names = known.map(({ name }) => name).join(", ");
    const able = names === "" ? "it answers no question as it is set up here" : `expected one of ${names}`;
    throw new UsageError(`${provider} cannot be asked for ${what}: ${able}`);
  }
  const wantsCodes = inquiry.wants.includes("codes");
  if (wantsCodes && question.codes.length === 0) {
    throw new UsageError(`gdw ask ${provider} ${what} wants codes, such as 000001.SZ`);
  }
  if (!wantsCodes && question.codes.length > 0) {
    throw new UsageError(`gdw ask ${provider} ${what} is not about codes: leave them out`);
  }
  for (const need of inquiry.needs ?? []) {
    if (question[need] === undefined) {
      throw new UsageError(`gdw ask ${provider} ${what} wants --${need}, such as --${need} 2024-01-02`);
    }
  }
  if (question.day !== undefined && !inquiry.wants.includes("day")) {
    throw new UsageError(`gdw ask ${provider} ${what} takes no --day`);
  }
  if ((question.from !== undefined || question.to !== undefined) && !inquiry.wants.includes("range")) {
    throw new UsageError(`gdw ask ${provider} ${what} takes no --from and --to`);
  }
}
