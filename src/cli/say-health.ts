import type { Output } from "./cli.ts";
import { askHealth, type HealthAddress, type HealthQuestion } from "./ask-health.ts";

export interface HealthOptions {
  readonly live?: boolean | undefined;
  readonly ready?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly timeoutMs?: number | undefined;
}

/** As in exit.ts, which is not loaded here: the command is to be quick. */
export const HEALTH_EXIT = { healthy: 0, unhealthy: 1, nobody: 69 } as const;
/** Below the ten seconds that a container check gives. */
export const HEALTH_TIMEOUT_MS = 5_000;

/** Asks the worker, prints what it says, and answers the exit code. */
export async function sayHealth(
  address: HealthAddress,
  { live = false, ready = false, json = false, timeoutMs = HEALTH_TIMEOUT_MS }: HealthOptions,
  { stdout, stderr }: { readonly stdout: Output; readonly stderr: Output },
): Promise<number> {
  const question: HealthQuestion = live === ready ? "both" : live ? "live" : "ready";
  const answer = await askHealth(address, question, timeoutMs);
  if (!answer.isAnswered) {
    stderr.write(`gdw: asking the worker at ${answer.why}\n`);
    return HEALTH_EXIT.nobody;
  }
  stdout.write(json ? `${JSON.stringify(JSON.parse(answer.body), undefined, 2)}\n` : describe(answer.body));
  return answer.isHealthy ? HEALTH_EXIT.healthy : HEALTH_EXIT.unhealthy;
}

interface Read {
  readonly status?: unknown;
  readonly state?: unknown;
  readonly checks?: readonly { readonly name?: unknown; readonly status?: unknown; readonly detail?: unknown }[];
  readonly notes?: readonly unknown[];
}

/** A line in all, one for each check, one for each note. */
function describe(body: string): string {
  // `askHealth` has looked at its form.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { status, state, checks = [], notes = [] } = JSON.parse(body) as Read;
  const lines = [
    `${status === "ok" ? "healthy" : "not healthy"}, ${text(state).toLowerCase()}`,
    ...checks.map((check) => `${text(check.status).padEnd(7)}  ${text(check.name).padEnd(17)}  ${text(check.detail)}`),
    ...notes.map((note) => `note     ${text(note)}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** Nothing from a network steers a terminal. */
function text(value: unknown): string {
  return String(value).replaceAll(/\p{Cc}/gu, " ");
}
