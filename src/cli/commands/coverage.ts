import type { Command } from "commander";

import { systemClock } from "../../base/clock.ts";
import type { Cli } from "../cli.ts";
import { DATA_SET_WORDS, toCoverageOptions, type TypedCoverage } from "../coverage-options.ts";
import { coverageRemarks, describeCoverage } from "../describe-coverage.ts";
import { EXIT_CODES } from "../exit.ts";
import { runOnce, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";

const EXAMPLES = `
Examples:
  gdw coverage                               everything that was ever asked for
  gdw coverage --code 000001.SZ              every day of one security that has no bar, and why
  gdw coverage --date 2024-06-28             who of the market is present, suspended, missing on a day
  gdw coverage --market --from 2024-01-01    every listed security; a day that nobody asked for counts as missing
  gdw coverage --frequency 5m --code 000001.SZ
  gdw coverage --data-set ticks --json
  gdw coverage --of HK                       what was asked for of Hong Kong

The exit code is 1 when a day is unexplained, failed, without its row, or pending a day after it was to be asked for again,
and in a named range when nobody asked for it.`;

export function addCoverage(parent: Command, cli: Cli, state: RunState): void {
  addSettingFlags(parent.command("coverage"))
    .description("say of every expected day whether its row is there, and why not")
    .option("--code <code>", "one security")
    .option("--codes <codes>", "several, commas between (default: all that were ever asked for)")
    .option("--market", "every security that is listed in the range")
    .option("--date <day>", "one day of every listed security")
    .option("--from <day>", "first day, 2024-01-02 or 20240102 (default: the earliest that was asked for)")
    .option("--to <day>", "last day (default: the latest that was asked for)")
    .option("--data-set <name>", `one of ${DATA_SET_WORDS.join(", ")}`, "bars")
    .option("--frequency <frequency>", "of the bars: 1m, 5m, 15m, 30m, 60m or 1d (default: 1d)")
    .option("--of <market>", "CN, HK or US, where no code is named (default: CN)")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (typed: TypedCoverage & { readonly json?: boolean }, command: Command) => {
      const options = toCoverageOptions(typed, systemClock);
      await runOnce(command, cli, state, async ({ config, app, log, shutdown }) => {
        const report = await app.coverage(config, options, log, shutdown.intake);
        cli.stdout.write(typed.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : describeCoverage(report));
        for (const line of coverageRemarks(report)) {
          cli.stderr.write(`gdw: ${line}\n`);
        }
        state.exitCode = report.isExplained ? EXIT_CODES.ok.code : EXIT_CODES.defect.code;
      });
    });
}
