import { systemClock } from "../base/clock.ts";
import { DEAD_LETTER_REASONS } from "../domain/dead-letter.ts";
import { OUTCOMES } from "../domain/outcome.ts";
import type { AppApi, RequestPlan, RequestProgress } from "../app/app-api.ts";
import type { Cli } from "./cli.ts";
import { countOf } from "./count-of.ts";
import { EXIT_CODES } from "./exit.ts";
import { createProgressLine } from "./progress-line.ts";
import type { Parts } from "./run-command.ts";

/** Publishes and, where the plan waits, shows how far it has come on standard error. The last state of the request. */
export async function followRequest(
  { app, config, log, shutdown }: Parts,
  plan: RequestPlan,
  cli: Cli,
): Promise<RequestProgress> {
  const line = createProgressLine(cli.stderr, systemClock);
  const { topic } = config.worker;
  let last: RequestProgress | undefined;
  try {
    for await (const progress of app.request(config, plan, log, shutdown.intake)) {
      const isNews = progress.outages !== last?.outages;
      last = progress;
      if (progress.isQuiet === true) {
        line.say(`nothing settled yet: is a worker running (gdw start) on topic ${topic}, with the same ClickHouse?`);
      } else if (plan.wait) {
        line.show(progress, isNews);
      }
    }
  } catch (error) {
    if (shutdown.intake.aborted && last !== undefined && last.settled < last.published) {
      const left = last.published - last.settled;
      line.say(`${countOf(left, "message")} ${left === 1 ? "stays" : "stay"} queued, request id ${last.requestId}`);
    }
    throw error;
  } finally {
    line.end();
  }
  if (last === undefined) {
    throw new RangeError(`${"request" satisfies keyof AppApi} ended without saying how it went`);
  }
  return last;
}

export function describeRequest(last: RequestProgress, plan: RequestPlan): string {
  const { requestId, published, settled, outcomes, rows, calls, deadLetters } = last;
  if (!plan.wait) {
    return `published ${countOf(published, "message")}, request ${requestId}\n`;
  }
  const words = OUTCOMES.filter((word) => outcomes[word] > 0).map((word) => `${word} ${outcomes[word]}`);
  const lines = [
    `request ${requestId}: ${settled} of ${last.total} settled, ${countOf(calls, "call")}`,
    `  messages: ${words.join(", ") || "none"}`,
    `  rows: new ${rows.new}, same ${rows.same}, revised ${rows.revised}, rejected ${rows.rejected}`,
    ...(last.pendingDays > 0 ? [`  days not published yet: ${last.pendingDays}`] : []),
    ...(last.unexplainedDays > 0
      ? [`  days unexplained or failed: ${last.unexplainedDays}; gdw coverage${coverageFlags(plan)} says why`]
      : []),
    ...deadLetters.map(
      ({ codes, reason }) =>
        `  dead letter: ${codes.join(",") || plan.kind} ${reason} (${DEAD_LETTER_REASONS[reason]})`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}

/** With which `gdw coverage` looks at what was asked for. */
function coverageFlags({ kind, frequency }: RequestPlan): string {
  if (kind === "ticks" || kind === "factors") {
    return ` --data-set ${kind}`;
  }
  return frequency === "1d" ? "" : ` --frequency ${frequency}`;
}

/**
 * How a command ends that asked for something. Where it was waited for, 1 says that something is set aside or unexplained,
 * and 75 that nothing is, but days are not published yet.
 */
export function exitOfRequest(last: RequestProgress, plan: RequestPlan): number {
  if (!plan.wait) {
    return EXIT_CODES.ok.code;
  }
  if (last.outcomes["dead-letter"] > 0 || last.unexplainedDays > 0) {
    return EXIT_CODES.defect.code;
  }
  return last.pendingDays > 0 ? EXIT_CODES.incomplete.code : EXIT_CODES.ok.code;
}
