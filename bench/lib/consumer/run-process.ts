import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface ProcessOutcome {
  /** Lines of standard output that are JSON objects. */
  readonly lines: readonly object[];
  readonly text: string;
  /** Undefined when it ended well. */
  readonly failure: string | undefined;
}

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly untilMs: number;
}

const WORDS_MAX = 4_000;

/** Runs a program to its end, or kills it after `untilMs`; never throws for what the program does. */
export async function runProcess(
  command: string,
  args: readonly string[],
  { env, untilMs }: ProcessOptions,
): Promise<ProcessOutcome> {
  const child = spawn(command, [...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: untilMs,
    killSignal: "SIGKILL",
  });
  const ended = once(child, "exit");
  let words = "";
  child.stderr.on("data", (part: Buffer) => {
    words = (words + part.toString()).slice(-WORDS_MAX);
  });
  const text: string[] = [];
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      text.push(line);
    }
    const [code, signal] = (await ended) as [number | null, string | null];
    const failure = code === 0 ? undefined : `${signal ?? `exit code ${code}`}: ${words.trim()}`;
    const lines = text.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as object);
    return { lines, text: text.join("\n"), failure: failure ?? (words.includes("failed:") ? words.trim() : undefined) };
  } catch (error) {
    return { lines: [], text: text.join("\n"), failure: error instanceof Error ? error.message : String(error) };
  }
}
