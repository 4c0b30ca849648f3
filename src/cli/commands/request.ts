import type { Command } from "commander";

import { systemClock } from "../../base/clock.ts";
import { OUTCOMES } from "../../domain/outcome.ts";
import type { AppApi, RequestPlan, RequestProgress } from "../../app/app-api.ts";
import type { Cli } from "../cli.ts";
import { EXIT_CODES } from "../exit.ts";
import { createProgressLine } from "../progress-line.ts";
import { REQUEST_KINDS, toRequestPlan, type RequestOptions } from "../request-plan.ts";
import { runOnce, type Parts, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";

const EXAMPLES = `
Examples:
  gdw request --codes 000001.SZ,600000.SH --wait
  gdw request --all --start 2024-01-01 --end 2024-06-30
  gdw request --file codes.txt --days 5 --force --wait --json
  gdw request --kind calendar

Only what is missing is fetched; --force fetches again. With --wait the exit code is 1 when a message became a dead
letter or days stay unexplained.`;

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
    .option("--frequency <frequency>", "of the bars", "1d")
    .option("--full", "from the listing day on")
    .option("--force", "fetch again even what is stored")
    .option("--provider <name>", "ask this one only")
    .option("--wait", "wait until every message is settled, with progress on standard error")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (options: RequestOptions & { readonly json?: boolean }, command: Command) => {
      const plan = await toRequestPlan(options, cli, systemClock);
      await runOnce(command, cli, state, async (parts) => {
        const last = await follow(parts, plan, cli);
        cli.stdout.write(options.json === true ? `${JSON.stringify(last, undefined, 2)}\n` : describe(last, plan));
        const isBad = plan.wait && (last.outcomes["dead-letter"] > 0 || last.unexplainedDays > 0);
        state.exitCode = isBad ? EXIT_CODES.defect.code : EXIT_CODES.ok.code;
      });
    });
}

/** The last state of the request. */
async function follow({ app, config, log, shutdown }: Parts, plan: RequestPlan, cli: Cli): Promise<RequestProgress> {
  const line = createProgressLine(cli.stderr, systemClock);
  let last: RequestProgress | undefined;
  try {
    for await (const progress of app.request(config, plan, log, shutdown.intake)) {
      last = progress;
      if (plan.wait) {
        line.show(progress);
      }
    }
  } finally {
    line.end();
  }
  if (last === undefined) {
    throw new RangeError(`${"request" satisfies keyof AppApi} ended without saying how it went`);
  }
  return last;
}

function describe(last: RequestProgress, plan: RequestPlan): string {
  const { requestId, published, settled, outcomes, rows, calls, deadLetters } = last;
  if (!plan.wait) {
    return `published ${published} ${published === 1 ? "message" : "messages"}, request ${requestId}\n`;
  }
  const words = OUTCOMES.filter((word) => outcomes[word] > 0).map((word) => `${word} ${outcomes[word]}`);
  const lines = [
    `request ${requestId}: ${settled} of ${last.total} settled, ${calls} calls`,
    `  messages: ${words.join(", ") || "none"}`,
    `  rows: new ${rows.new}, same ${rows.same}, revised ${rows.revised}, rejected ${rows.rejected}`,
    ...(last.pendingDays > 0 ? [`  days not published yet: ${last.pendingDays}`] : []),
    ...(last.unexplainedDays > 0 ? [`  days without data and without a reason: ${last.unexplainedDays}`] : []),
    ...deadLetters.map(({ codes, reason }) => `  dead letter: ${codes.join(",") || plan.kind} ${reason}`),
  ];
  return `${lines.join("\n")}\n`;
}
