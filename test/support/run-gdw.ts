import { spawn } from "node:child_process";
import path from "node:path";

import { projectFolder } from "../../scripts/lib/project.ts";

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

/** The program in a process of its own, in an environment of its own; it is killed when it does not end in time. */
export async function runGdw(args: readonly string[], options: GdwOptions): Promise<GdwEnded> {
  const [command, ...before] = options.command ?? [process.execPath, MAIN];
  const child = spawn(command, [...before, ...args], {
    cwd: options.folder,
    env: { PATH: process.env["PATH"], HOME: options.folder, ...options.env },
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
  const code = await promise;
  clearTimeout(late);
  return { code, ...texts };
}
