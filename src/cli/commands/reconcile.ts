import type { Command } from "commander";

import type { ReconcileOptions, ReconcileReport } from "../../app/reconcile-api.ts";
import { systemClock } from "../../base/clock.ts";
import { PROVIDERS, type ProviderName } from "../../domain/provider.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import type { Cli } from "../cli.ts";
import { readFrequency } from "../coverage-options.ts";
import { oneOf } from "../data-output.ts";
import { EXIT_CODES } from "../exit.ts";
import { createLineOf } from "../progress-line.ts";
import { readCodeList } from "../read-codes.ts";
import { readFromTo } from "../read-days.ts";
import { describeReconcileProgress, describeReconciled, reconcileRemarks } from "../reconcile-text.ts";
import { runOnce, type Parts, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";
import { UsageError } from "../usage-error.ts";

const EXAMPLES = `
Examples:
  gdw reconcile --code 000001.SZ --providers tushare,tdx
  gdw reconcile --codes 000001.SZ,600000.SH --providers tushare,baostock --from 2024-01-01 --to 2024-06-30
  gdw reconcile --market --providers tushare,akshare --from 2024-06-28 --to 2024-06-28
  gdw reconcile --code 000001.SZ --providers baostock,tdx --frequency 5m --json
  gdw reconcile --code 000001.SZ --providers tushare,baostock --data-set factors

Nobody is asked: it compares what is stored. Rows of a second provider come with
  gdw request --provider tdx --codes 000001.SZ --start 2024-01-01 --force --wait
Two cells are equal after rounding when one value may stand behind both, given what each provider does to its numbers
(docs/reading.md); what one of them does not give is no difference. Factors are compared as ratios to the first common day,
to six digits. The exit code is 1 when a cell differs, or a bar is there at one side only.`;

const DATA_SET_WORDS = ["bars", "factors"] as const;
const LIST_MAX = 50;

interface Typed {
  readonly code?: string;
  readonly codes?: string;
  readonly market?: boolean;
  readonly providers?: string;
  readonly from?: string;
  readonly to?: string;
  readonly dataSet: string;
  readonly frequency?: string;
  readonly limit: string;
  readonly json?: boolean;
}

export function addReconcile(parent: Command, cli: Cli, state: RunState): void {
  addSettingFlags(parent.command("reconcile"))
    .description("compare what two providers said, cell by cell, after the rounding of each")
    .option("--providers <two>", `two of ${PROVIDERS.join(", ")}, a comma between`)
    .option("--code <code>", "one security")
    .option("--codes <codes>", "several, commas between")
    .option("--market", "every security of which one of the two has a row")
    .option("--from <day>", "first day, 2024-01-02 or 20240102 (default: the first stored)")
    .option("--to <day>", "last day (default: the last stored)")
    .option("--data-set <name>", `one of ${DATA_SET_WORDS.join(", ")}`, "bars")
    .option("--frequency <frequency>", "of the bars: 1m, 5m, 15m, 30m, 60m or 1d (default: 1d)")
    .option("--limit <count>", "list so many differences, of the worst securities; --json has all", String(LIST_MAX))
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (typed: Typed, command: Command) => {
      const options = toReconcileOptions(typed);
      await runOnce(command, cli, state, async (parts) => {
        const report =
          typed.json === true ? await printJson(parts, options, cli) : await printText(parts, options, cli);
        for (const line of reconcileRemarks(report)) {
          cli.stderr.write(`gdw: ${line}\n`);
        }
        state.exitCode = report.isEqual ? EXIT_CODES.ok.code : EXIT_CODES.defect.code;
      });
    });
}

async function printText({ app, config, log, shutdown }: Parts, options: ReconcileOptions, cli: Cli) {
  const line = createLineOf(describeReconcileProgress, cli.stderr, systemClock);
  const watch = { progress: (progress: Parameters<typeof describeReconcileProgress>[0]) => line.show(progress) };
  const report = await app.reconcile(config, options, watch, log, shutdown.intake);
  line.end();
  cli.stdout.write(describeReconciled(report));
  return report;
}

/** One object. Findings are written as they are found, since there may be more than memory holds. */
async function printJson(
  { app, config, log, shutdown }: Parts,
  options: ReconcileOptions,
  cli: Cli,
): Promise<ReconcileReport> {
  // Nothing is printed before there is something: whatever cannot be opened is said alone.
  let separator = '{"differences":[';
  const watch = {
    progress: () => undefined,
    finding: (finding: unknown) => {
      cli.stdout.write(`${separator}\n${JSON.stringify(finding)}`);
      separator = ",";
    },
  };
  const report = await app.reconcile(config, { ...options, listMax: 0 }, watch, log, shutdown.intake);
  const { listed: _, ...rest } = report;
  cli.stdout.write(`${separator === "," ? "" : separator}],\n${JSON.stringify(rest).slice(1)}\n`);
  return report;
}

function toReconcileOptions(typed: Typed): ReconcileOptions {
  const word = oneOf("--data-set", typed.dataSet, DATA_SET_WORDS);
  const dataSet = word === "factors" ? "adjustment-factors" : "bars";
  return {
    dataSet,
    frequency: readFrequency(dataSet, typed.frequency),
    providers: readProviders(typed.providers),
    codes: readCodes(typed),
    ...readFromTo(typed),
    listMax: readLimit(typed.limit),
  };
}

function readProviders(text: string | undefined): readonly [ProviderName, ProviderName] {
  const words = (text ?? "").split(",").filter((word) => word !== "");
  const [left, right] = words.map((word) => oneOf("--providers", word.trim(), PROVIDERS));
  if (left === undefined || right === undefined || words.length !== 2) {
    throw new UsageError(`say which two to compare, such as --providers ${PROVIDERS.slice(0, 2).join(",")}`);
  }
  if (left === right) {
    throw new UsageError(`--providers names ${left} twice: it has one row of each bar`);
  }
  return [left, right];
}

function readCodes({ code, codes, market }: Typed): readonly SecurityCode[] | "all" {
  const named = [...readCodeList(code ?? "", "--code"), ...readCodeList(codes ?? "", "--codes")];
  if (market === true && (code ?? codes) !== undefined) {
    throw new UsageError("--market is every security: leave --code and --codes out");
  }
  if (market === true) {
    return "all";
  }
  if (named.length === 0) {
    throw new UsageError("say which securities: --code, --codes or --market");
  }
  return [...new Set(named)];
}

function readLimit(text: string): number {
  if (!/^\d{1,5}$/.test(text)) {
    throw new UsageError(`expected a number from 0 to 99999 after --limit, got ${JSON.stringify(text.slice(0, 40))}`);
  }
  return parseInt(text, 10);
}
