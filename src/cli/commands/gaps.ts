import type { Command } from "commander";

import { systemClock } from "../../base/clock.ts";
import type { GapsReport, RequestPlan } from "../../app/app-api.ts";
import type { Cli } from "../cli.ts";
import { DATA_SET_WORDS, toCoverageOptions, type TypedCoverage } from "../coverage-options.ts";
import { cutRemark, goneRemark, nameData, requestFlags, spanTable } from "../describe-coverage.ts";
import { EXIT_CODES } from "../exit.ts";
import { describeRequest, followRequest, exitOfRequest } from "../follow-request.ts";
import { runOnce, type Parts, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";
import { UsageError } from "../usage-error.ts";

const EXAMPLES = `
Examples:
  gdw gaps                                   what a request could bring of all that was ever asked for
  gdw gaps --request --wait                  ask for it, and wait
  gdw gaps --codes 000001.SZ --from 2024-01-01 --request
  gdw gaps --market --from 2024-01-01        days that nobody asked for count in a named range

Gaps are days that are unexplained or failed, pending ones whose time has come, and in a named range days that nobody
asked for. Without --request the exit code is 1 when there are any; with it as that of gdw request.`;

interface Options extends TypedCoverage {
  readonly request?: boolean;
  readonly wait?: boolean;
  readonly json?: boolean;
}

export function addGaps(parent: Command, cli: Cli, state: RunState): void {
  addSettingFlags(parent.command("gaps"))
    .description("list the days that a request could bring, and ask for them")
    .option("--code <code>", "one security")
    .option("--codes <codes>", "several, commas between (default: all that were ever asked for)")
    .option("--market", "every security that is listed in the range")
    .option("--from <day>", "first day, 2024-01-02 or 20240102 (default: the earliest that was asked for)")
    .option("--to <day>", "last day (default: the latest that was asked for)")
    .option("--data-set <name>", `one of ${DATA_SET_WORDS.join(", ")}`, "bars")
    .option("--frequency <frequency>", "of the bars: 1m, 5m, 15m, 30m, 60m or 1d (default: 1d)")
    .option("--of <market>", "CN, HK or US, where no code is named (default: CN)")
    .option("--request", "publish one message a security, from its first to its last gap")
    .option("--wait", "with --request: wait until every message is settled")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (typed: Options, command: Command) => {
      if (typed.wait === true && typed.request !== true) {
        throw new UsageError("--wait waits for what --request asks for: give both");
      }
      const options = toCoverageOptions(typed, systemClock);
      await runOnce(command, cli, state, async (parts) => {
        const report = await parts.app.gaps(parts.config, options, parts.log, parts.shutdown.intake);
        for (const line of remarks(report)) {
          cli.stderr.write(`gdw: ${line}\n`);
        }
        state.exitCode = await answer(report, typed, parts, cli);
      });
    });
}

async function answer(report: GapsReport, { request, wait, json }: Options, parts: Parts, cli: Cli): Promise<number> {
  const isClean = report.rowsMissing.length + report.unknownCodes.length === 0 && report.range !== undefined;
  if (request !== true || report.requests.length === 0) {
    cli.stdout.write(json === true ? `${JSON.stringify(report, undefined, 2)}\n` : describe(report));
    return report.requests.length === 0 && isClean ? EXIT_CODES.ok.code : EXIT_CODES.defect.code;
  }
  const plan = toPlan(report, wait ?? false);
  const last = await followRequest(parts, plan, cli);
  cli.stdout.write(
    json === true
      ? `${JSON.stringify({ ...report, request: last }, undefined, 2)}\n`
      : `${describe(report)}${describeRequest(last, plan)}`,
  );
  return isClean ? exitOfRequest(last, plan) : EXIT_CODES.defect.code;
}

function toPlan({ dataSet, frequency, requests }: GapsReport, wait: boolean): RequestPlan {
  const range = { full: false, start: undefined, end: undefined, days: undefined };
  return {
    kind: dataSet === "adjustment-factors" ? "factors" : dataSet,
    codes: requests.map(({ code }) => code),
    frequency,
    range,
    ranges: Object.fromEntries(requests.map(({ code, from, to }) => [code, { ...range, start: from, end: to }])),
    force: false,
    provider: undefined,
    wait,
  };
}

function describe(report: GapsReport): string {
  const { range, gaps, requests } = report;
  const what = nameData(report);
  if (range === undefined) {
    return `nobody ever asked for ${what} here; ask with gdw request${requestFlags(report)} --codes CODE --wait, or name a range\n`;
  }
  const days = requests.reduce((sum, one) => sum + one.days, 0);
  const where = `${what} from ${range.from} to ${range.to}`;
  return gaps.length === 0
    ? `${where}: no gaps\n`
    : `${where}: ${days} ${days === 1 ? "day is a gap" : "days are gaps"}, of ${requests.length} ${requests.length === 1 ? "security" : "securities"}\n${spanTable(gaps)}`;
}

function remarks({ range, rowsMissing, unknownCodes, goneCodes }: GapsReport): readonly string[] {
  const days = rowsMissing.reduce((sum, one) => sum + one.days, 0);
  return [
    ...cutRemark(range),
    ...(days === 0
      ? []
      : [
          `${days} ${days === 1 ? "day is" : "days are"} present in the ledger and without a row, and no request would bring them: run gdw verify first`,
        ]),
    ...unknownCodes.map((code) => `${code} is neither in the stock list nor in the ledger: check it`),
    ...goneRemark(goneCodes),
  ];
}
