import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

import type { HealthReport } from "../../src/health/health-report.ts";
import { runGdw } from "../support/run-gdw.ts";
import { freePort } from "../support/services/free-port.ts";
import { waitFor } from "../support/wait-for.ts";
import { HEALTH_LIMITS_VARIABLE, HANG_VARIABLE } from "./worker-hooks.ts";
import type { WorkerRig } from "./worker-rig.ts";
import { compileCache } from "../support/compile-cache.ts";

const WORKER = join(import.meta.dirname, "worker-process.ts");

export const PATHS = ["/livez", "/readyz", "/health"] as const;
export type Path = (typeof PATHS)[number];

/** What one path answers: its code, and its JSON. */
export interface Answer {
  readonly code: number;
  readonly report: HealthReport;
}

export type Answers = Readonly<Record<Path, Answer>>;

/** A worker as a process, whose three paths a test compares before and after it broke something. */
export interface HealthWorker extends AsyncDisposable {
  readonly pid: number;
  /** Rejects while nobody answers. */
  answers(): Promise<Answers>;
  /** Until the three paths have these codes, in the order of `PATHS`. */
  untilCodes(codes: readonly [number, number, number], what: string, timeoutMs?: number): Promise<Answers>;
  /** The exit code of `gdw health` with these flags, and what it said. */
  gdwHealth(...flags: readonly string[]): Promise<{ readonly code: number | null; readonly text: string }>;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

export interface HealthWorkerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Shorter bounds of the checks. */
  readonly limits?: Readonly<Record<string, number>>;
  /** Messages with this key have a handler that never ends, whatever it is told. */
  readonly hangAt?: string;
}

export async function startHealthWorker(
  rig: WorkerRig,
  { env = {}, limits = {}, hangAt = "" }: HealthWorkerOptions = {},
): Promise<HealthWorker> {
  const port = await freePort();
  const all = { ...rig.env, GINKGO_HEALTH_PORT: `${port}`, ...env };
  const child: ChildProcess = spawn(process.execPath, [WORKER, "none"], {
    env: {
      PATH: process.env["PATH"] ?? "",
      ...compileCache,
      ...all,
      [HEALTH_LIMITS_VARIABLE]: JSON.stringify(limits),
      [HANG_VARIABLE]: hangAt,
    },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const ended = once(child, "exit");
  const ask = async (path: Path): Promise<Answer> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(3_000) });
    return { code: answer.status, report: (await answer.json()) as HealthReport };
  };
  const answers = async (): Promise<Answers> => {
    const [live, ready, both] = await Promise.all(PATHS.map(ask));
    if (live === undefined || ready === undefined || both === undefined) {
      throw new RangeError("there are three paths");
    }
    return { "/livez": live, "/readyz": ready, "/health": both };
  };
  return {
    pid: child.pid ?? 0,
    answers,
    untilCodes: (codes, what, timeoutMs = 30_000) =>
      waitFor(
        async () => {
          const seen = await answers().catch(() => undefined);
          return seen !== undefined && PATHS.every((path, at) => seen[path].code === codes[at]) ? seen : undefined;
        },
        { timeoutMs, everyMs: 50, what: `${codes.join(", ")} of ${PATHS.join(", ")}: ${what}` },
      ),
    gdwHealth: async (...flags) => {
      const { code, out, err } = await runGdw(["health", ...flags], {
        folder: tmpdir(),
        env: { GINKGO_HEALTH_PORT: `${port}` },
      });
      return { code, text: `${out}${err}` };
    },
    kill: (signal) => child.kill(signal),
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
      return child.exitCode;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** The checks and paths that changed, as the JSON said them before and after. */
export function sayChange(t: TestContext, what: string, before: Answers, after: Answers): void {
  const paths = PATHS.filter((path) => before[path].code !== after[path].code);
  const said = paths.map((path) => `${path} ${before[path].code} -> ${after[path].code}`);
  t.diagnostic(
    `${what}: ${said.length === 0 ? "no path changed" : said.join(", ")}; state ${before["/health"].report.state} -> ${after["/health"].report.state}`,
  );
  const was = before["/health"].report.checks;
  for (const check of after["/health"].report.checks) {
    const earlier = was.find(({ name }) => name === check.name);
    if (earlier?.status !== check.status) {
      t.diagnostic(`  before ${JSON.stringify(earlier)}`);
      t.diagnostic(`  after  ${JSON.stringify(check)}`);
    }
  }
  for (const note of after["/health"].report.notes) {
    t.diagnostic(`  note ${JSON.stringify(note)}`);
  }
}

/** Names of the checks of all paths that are not well, sorted. */
export function unwell(answers: Answers, status: "failed" | "warning"): readonly string[] {
  return answers["/health"].report.checks
    .filter((check) => check.status === status)
    .map(({ name }) => name)
    .toSorted();
}
