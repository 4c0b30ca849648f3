import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

import { findExecutable } from "../../../scripts/lib/find-executable.ts";

/** Why nothing of Prometheus can check here; undefined when it can. */
export function whyNoPromtool(): string | undefined {
  return findExecutable("promtool") === undefined ? "promtool is not installed" : undefined;
}

/** Runs `promtool` with an input; answers with its exit code and all that it said. */
export async function runPromtool(
  args: readonly string[],
  input = "",
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(findExecutable("promtool") ?? "promtool", args, { stdio: ["pipe", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  child.stdin.end(input);
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, output: out + err };
}
