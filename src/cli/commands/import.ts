import type { Command } from "commander";

import type { ImportPlan, ImportRequest, ImportWatch } from "../../app/import/import-api.ts";
import { systemClock } from "../../base/clock.ts";
import type { Cli } from "../cli.ts";
import { EXIT_CODES } from "../exit.ts";
import { describeImport, describeImportProgress, describePlan } from "../import-text.ts";
import { createLineOf } from "../progress-line.ts";
import { readCodeList } from "../read-codes.ts";
import { readFromTo } from "../read-days.ts";
import { runOnce, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";

const EXAMPLES = `
Examples:
  gdw import tdx /mnt/c/new_tdx/vipdoc --dry-run           what is there, and what would be refused
  gdw import tdx /mnt/c/new_tdx/vipdoc
  gdw import tdx vipdoc/sh/lday vipdoc/sz/lday             days only
  gdw import tdx vipdoc --codes 000001.SZ,600000.SH --from 2020-01-01
  gdw import tdx sz000001.day

Reads .day (days), .lc1 (minutes) and .lc5 (five minutes) in folders of any form; exchange and code are in the file's name.
The rows are those of source tdx. What is stored already stays as it is: repeated, an import writes nothing. The exit code is
1 when a file or a row was refused. docs/import.md says what is checked and what the ledger learns.`;

interface Options {
  readonly codes?: string;
  readonly from?: string;
  readonly to?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addImport(parent: Command, cli: Cli, state: RunState): void {
  const group = parent.command("import").description("bring bars from files");
  addSettingFlags(group.command("tdx"))
    .description("import TongDaXin's own record files as bars")
    .argument("<paths...>", "folders and files")
    .option("--codes <codes>", "only these securities, commas between")
    .option("--from <day>", "first day, 2024-01-02 or 20240102 (default: the file's first)")
    .option("--to <day>", "last day (default: the file's last that is over)")
    .option("--dry-run", "say what is there and what would be refused; store nothing")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (paths: readonly string[], options: Options, command: Command) => {
      const request: ImportRequest = {
        paths,
        codes: options.codes === undefined ? undefined : readCodeList(options.codes, "--codes"),
        ...readFromTo(options),
      };
      const isDry = options.dryRun === true;
      const print = (report: unknown, text: string): void => {
        cli.stdout.write(options.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : text);
      };
      await runOnce(command, cli, state, async ({ app, config, log, shutdown }) => {
        const line = createLineOf(describeImportProgress, cli.stderr, systemClock);
        let isStored = false;
        const watch: ImportWatch = (progress) => {
          // Whoever watches a file of output knows from the first batch on that rows arrive, and how fast.
          const isFirst = !isStored && progress.phase === "storing" && progress.recordsDone > 0;
          isStored ||= isFirst;
          line.show(progress, isFirst);
        };
        try {
          if (isDry) {
            const plan = await app.planImport(config, request, watch, shutdown.intake);
            line.end();
            print(plan, describePlan(plan));
            sayIfNothing(plan, paths, cli);
            state.exitCode = exitOf(plan, 0);
          } else {
            const report = await app.importFiles(config, request, watch, log, shutdown.intake);
            line.end();
            print(report, describeImport(report));
            sayIfNothing(report, paths, cli);
            state.exitCode = exitOf(
              report,
              report.files.reduce((sum, { tally }) => sum + tally.rejected, 0),
            );
          }
        } catch (error) {
          if (shutdown.intake.aborted && !isDry) {
            line.say("stopped: what is stored stays, and the same command goes on from there");
          }
          throw error;
        }
      });
    });
}

function sayIfNothing(
  { files, refused }: Pick<ImportPlan, "files" | "refused">,
  paths: readonly string[],
  cli: Cli,
): void {
  if (files.length + refused.length === 0) {
    cli.stderr.write(`gdw: there is no .day, .lc1 or .lc5 file in ${paths.join(", ")}\n`);
  }
}

/** 1: a file or a row was refused, or there was nothing to import. */
function exitOf({ files, refused }: Pick<ImportPlan, "files" | "refused">, rejected: number): number {
  const isGood = files.length > 0 && refused.length === 0 && rejected === 0;
  return isGood ? EXIT_CODES.ok.code : EXIT_CODES.defect.code;
}
