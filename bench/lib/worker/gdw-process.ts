import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { freePort } from "../../../test/support/services/free-port.ts";
import { waitFor } from "../../../test/support/wait-for.ts";

/** A worker as a process of its own, built to JavaScript, looked at from outside. */
export interface GdwProcess extends AsyncDisposable {
  /** Epoch milliseconds just before it was spawned. */
  readonly spawnedAtMs: number;
  /** Epoch milliseconds of the first log line with that text, by the worker's own clock, which is ours. */
  saidAtMs(text: string): number | undefined;
  /** Resolves with the epoch milliseconds at which `/readyz` first answered 200; rejects when it ended before. */
  untilReady(): Promise<number>;
  /** Resolves once it is a member of its group. */
  untilJoined(): Promise<void>;
  /** Messages with their handlers or waiting, as `/status` has them. */
  inHand(): Promise<number>;
  /** Of `/metrics`, in MiB; undefined while nobody answers. */
  heapMiB(): Promise<number | undefined>;
  /** Resident memory now and at most, in MiB; undefined once it has ended. */
  memory(): { readonly nowMiB: number; readonly peakMiB: number } | undefined;
  /** How it ended and what it said last, for an error; undefined while it runs. */
  fate(): string | undefined;
  /** SIGTERM; resolves with the milliseconds until the process was gone. Throws when it did not end well. */
  stop(): Promise<number>;
}

export interface GdwProcessOptions {
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  readonly nodeOptions: string;
}

const READY_MS_MAX = 60_000;
const LOOK_EVERY_MS = 5;
const WORDS_MAX = 4_000;
/** After a drain that dropped nothing, too. */
const ENDED_BY_SIGTERM = 143;

export async function startGdwProcess({ program, env, nodeOptions }: GdwProcessOptions): Promise<GdwProcess> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const spawnedAtMs = Date.now();
  const child = spawn(process.execPath, [program, "start"], {
    env: {
      PATH: process.env["PATH"] ?? "",
      TZ: "UTC",
      NODE_ENV: "production",
      NODE_OPTIONS: nodeOptions,
      ...env,
      GINKGO_HEALTH_PORT: `${port}`,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close") as Promise<[number | null, string | null]>;
  const said = new Map<string, number>();
  let words = "";
  const keep = (text: string): void => {
    words = (words + text).slice(-WORDS_MAX);
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { time, msg, level } = readLine(line);
    if (msg !== undefined && time !== undefined && !said.has(msg)) {
      said.set(msg, Date.parse(time));
    }
    if (level !== "info") {
      keep(`${line}\n`);
    }
  });
  child.stderr.on("data", (part: Buffer) => keep(part.toString()));
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;

  return {
    spawnedAtMs,
    saidAtMs: (text) => said.get(text),
    untilReady: async () => {
      for (const deadline = Date.now() + READY_MS_MAX; Date.now() < deadline;) {
        if (hasEnded()) {
          throw new Error(`the worker ended with ${child.exitCode ?? child.signalCode} before it was ready:\n${words}`);
        }
        if ((await ask(`${origin}/readyz`))?.ok === true) {
          return Date.now();
        }
        await sleep(LOOK_EVERY_MS);
      }
      throw new Error(`the worker was not ready after ${READY_MS_MAX} ms:\n${words}`);
    },
    untilJoined: async () => {
      await waitFor(() => said.has("kafka group joined"), {
        what: "the worker to join its group",
        timeoutMs: READY_MS_MAX,
      });
    },
    inHand: async () => {
      const answer = await ask(`${origin}/status`);
      const { held } = JSON.parse(answer?.text ?? "{}") as { held?: { in_flight: number } };
      return held?.in_flight ?? 0;
    },
    heapMiB: async () => {
      const text = (await ask(`${origin}/metrics`))?.text ?? "";
      const [, bytes] = /^nodejs_heap_size_used_bytes(?:\{[^}]*\})? (\S+)$/m.exec(text) ?? [];
      return bytes === undefined ? undefined : Number(bytes) / 1_048_576;
    },
    fate: () => (hasEnded() ? `the worker ended with ${child.exitCode ?? child.signalCode}:\n${words}` : undefined),
    memory: () => (hasEnded() ? undefined : readMemory(child.pid ?? 0)),
    stop: async () => {
      const startedMs = performance.now();
      child.kill("SIGTERM");
      const [code, signal] = await ended;
      const ms = performance.now() - startedMs;
      if (code !== ENDED_BY_SIGTERM) {
        throw new Error(`the worker ended with ${code ?? signal} after SIGTERM:\n${words}`);
      }
      return ms;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

function readLine(line: string): { readonly time?: string; readonly msg?: string; readonly level?: string } {
  try {
    return JSON.parse(line) as object;
  } catch {
    return {};
  }
}

async function ask(url: string): Promise<{ readonly ok: boolean; readonly text: string } | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    return { ok: answer.ok, text: await answer.text() };
  } catch {
    return undefined;
  }
}

function readMemory(pid: number): { readonly nowMiB: number; readonly peakMiB: number } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return undefined;
  }
  const kib = (name: string): number =>
    Number.parseInt(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? "0", 10);
  return { nowMiB: kib("VmRSS") / 1024, peakMiB: kib("VmHWM") / 1024 };
}
