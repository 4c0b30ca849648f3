import type { Command } from "commander";

import { systemClock } from "../../base/clock.ts";
import { PROVIDERS } from "../../domain/provider.ts";
import type { Cli } from "../cli.ts";
import { describeEstimate } from "../estimate-text.ts";
import { describeRequest, followRequest, exitOfRequest } from "../follow-request.ts";
import { REQUEST_KINDS, toRequestPlan, type RequestOptions } from "../request-plan.ts";
import { runOnce, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";
import { UsageError } from "../usage-error.ts";

const EXAMPLES = `
Examples:
  gdw request --codes 000001.SZ,600000.SH --wait
  gdw request --all --start 2024-01-01 --end 2024-06-30
  gdw request --file codes.txt --days 5 --force --wait --json
  gdw request --all --full --dry-run
  gdw request --codes 000001.SZ --frequency 5m --days 20 --wait
  gdw request --kind ticks --codes 000001.SZ --start 2024-01-15 --end 2024-01-19 --wait
  gdw request --kind calendar

Only what is missing is fetched; --force fetches again. With --wait the exit code is 1 when a message became a dead
letter or days stay unexplained, and 75 when neither did and days are not published yet.`;

interface Printing {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addRequest(parent: Command, cli: Cli, state: RunState): void {
  addSettingFlags(parent.command("request"))
    .description("ask the worker to bring data up to date")
    .option("--kind <kind>", `one of ${REQUEST_KINDS.join(", ")}`, "bars")
    .option("--codes <codes>", "securities, commas between")
    .option("--file <file>", "a file of securities, one a line; - is standard input")
    .option("--all", "every listed security of the stock list")
    .option("--start <day>", "first day, 2024-01-02 or 20240102 (default: history.start or the listing day)")
    .option("--end <day>", "last day (default: the last day that is final)")
    .option("--days <count>", "the last so many trading days")
    .option("--frequency <frequency>", "of the bars: 1m, 5m, 15m, 30m, 60m or 1d", "1d")
    .option("--full", "from the listing day on")
    .option("--force", "fetch again even what is stored")
    .option("--provider <name>", `ask this one only: ${PROVIDERS.join(", ")}`)
    .option("--wait", "wait until every message is settled, with progress on standard error")
    .option("--dry-run", "say how many messages and provider calls it would be and how long it would take; do nothing")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (options: RequestOptions & Printing, command: Command) => {
      const plan = await toRequestPlan(options, cli, systemClock);
      if (options.dryRun === true && plan.wait) {
        throw new UsageError("--dry-run does nothing that could be waited for: leave --wait out");
      }
      await runOnce(command, cli, state, async (parts) => {
        if (options.dryRun === true) {
          const estimate = await parts.app.estimate(parts.config, plan, parts.log, parts.shutdown.intake);
          cli.stdout.write(
            options.json === true ? `${JSON.stringify(estimate, undefined, 2)}\n` : describeEstimate(estimate),
          );
          return;
        }
        const last = await followRequest(parts, plan, cli);
        cli.stdout.write(
          options.json === true ? `${JSON.stringify(last, undefined, 2)}\n` : describeRequest(last, plan),
        );
        state.exitCode = exitOfRequest(last, plan);
      });
    });
}
