import { spawn } from "node:child_process";
import path from "node:path";

import { projectFolder } from "../../scripts/lib/project.ts";
import { keepSaid } from "./planted-secrets.ts";
import { waitFor } from "./wait-for.ts";
import { compileCache } from "./compile-cache.ts";

export interface GdwOptions {
  /** Where it runs; it sees no settings file but its own. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** By default this Node runs the source. */
  readonly command?: readonly [string, ...string[]];
  /** Sends SIGTERM when a line of either output matches. */
  readonly stopAt?: RegExp;
  readonly endMsMax?: number;
}

export interface GdwEnded {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const MAIN = path.join(projectFolder, "src", "cli", "main.ts");
const END_MS_MAX = 60_000;

/** The program while it runs; disposing kills it. */
export interface RunningGdw extends AsyncDisposable {
  readonly ended: Promise<GdwEnded>;
  /** Until what it has printed on either output matches; rejects when it ended without. */
  until(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** SIGTERM. */
  stop(): Promise<GdwEnded>;
}

/** The program in a process of its own, in an environment of its own; it is killed when it does not end in time. */
export function runGdw(args: readonly string[], options: GdwOptions): Promise<GdwEnded> {
  return startGdw(args, options).ended;
}

export function startGdw(args: readonly string[], options: GdwOptions): RunningGdw {
  const [command, ...before] = options.command ?? [process.execPath, MAIN];
  const child = spawn(command, [...before, ...args], {
    cwd: options.folder,
    env: { PATH: process.env["PATH"], HOME: options.folder, ...compileCache, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { out: "", err: "" };
  // A second signal would be another order.
  let isStopped = false;
  for (const name of ["out", "err"] as const) {
    child[name === "out" ? "stdout" : "stderr"].setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
      if (!isStopped && options.stopAt?.test(texts[name]) === true) {
        isStopped = true;
        child.kill("SIGTERM");
      }
    });
  }
  const late = setTimeout(() => child.kill("SIGKILL"), options.endMsMax ?? END_MS_MAX);
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on("close", resolve).on("error", reject);
  const ending = async (): Promise<GdwEnded> => {
    const code = await promise;
    clearTimeout(late);
    keepSaid(`gdw-${args[0] ?? ""}`, texts.out + texts.err);
    return { code, ...texts };
  };
  const ended = ending();
  ended.catch(() => undefined);
  return {
    ended,
    until: (pattern, timeoutMs = END_MS_MAX) =>
      waitFor(
        () => {
          const found = pattern.exec(texts.out) ?? pattern.exec(texts.err);
          if (found === null && child.exitCode !== null) {
            throw new Error(`gdw ${args.join(" ")} ended with ${child.exitCode}: ${texts.out}${texts.err}`);
          }
          return found ?? undefined;
        },
        { timeoutMs, everyMs: 20, what: `gdw ${args.join(" ")} to print ${String(pattern)}` },
      ),
    stop: async () => {
      child.kill("SIGTERM");
      return await ended;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
