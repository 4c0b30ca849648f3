import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { freePort } from "../support/services/free-port.ts";
import { waitFor } from "../support/wait-for.ts";
import type { WorkerRig } from "./worker-rig.ts";
import { compileCache } from "../support/compile-cache.ts";

const WORKER = join(import.meta.dirname, "worker-process.ts");

export interface ReadyAnswer {
  readonly isReady: boolean;
  readonly checks: readonly { readonly name: string; readonly status: string; readonly detail: string }[];
}

/** A worker as a process of its own, whose health port and memory the test looks at. */
export interface WatchedWorker extends AsyncDisposable {
  /** What `/readyz` says; undefined while nobody answers. */
  ready(): Promise<ReadyAnswer | undefined>;
  /** Resolves with the milliseconds it took until `/readyz` says so. */
  untilReady(isReady: boolean, timeoutMs: number): Promise<number>;
  /** Resident memory now, in MiB. */
  memoryMiB(): number;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

export async function startWatchedWorker(rig: WorkerRig): Promise<WatchedWorker> {
  const port = await freePort();
  const child = spawn(process.execPath, [WORKER, "none"], {
    env: { PATH: process.env["PATH"] ?? "", ...compileCache, ...rig.env, GINKGO_HEALTH_PORT: `${port}` },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const ended = once(child, "exit") as Promise<[number | null, string | null]>;
  const ready = async (): Promise<ReadyAnswer | undefined> => {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_000) });
      const { checks } = (await answer.json()) as Pick<ReadyAnswer, "checks">;
      return { isReady: answer.status === 200, checks };
    } catch {
      return undefined;
    }
  };
  return {
    ready,
    untilReady: async (isReady, timeoutMs) => {
      const startedMs = performance.now();
      await waitFor(async () => (await ready())?.isReady === isReady, {
        what: `/readyz to be ${isReady}`,
        timeoutMs,
        everyMs: 50,
      });
      return performance.now() - startedMs;
    },
    memoryMiB: () => {
      const [, kib = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid ?? 0}/status`, "utf8")) ?? [];
      return Number.parseInt(kib, 10) / 1024;
    },
    stop: async () => {
      child.kill("SIGTERM");
      const [code] = await ended;
      return code;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Samples of a value until disposed. */
export class Sampler implements AsyncDisposable {
  readonly samples: number[] = [];
  readonly #ended = new AbortController();
  readonly #loop: Promise<void>;

  constructor(take: () => number, everyMs = 100) {
    this.#loop = this.#run(take, everyMs);
  }

  /** The largest of the nth quarter, 1 to 4. */
  quarter(nth: number): number {
    const size = this.samples.length / 4;
    return Math.max(...this.samples.slice(Math.floor((nth - 1) * size), Math.ceil(nth * size)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#loop;
  }

  async #run(take: () => number, everyMs: number): Promise<void> {
    while (!this.#ended.signal.aborted) {
      this.samples.push(take());
      await sleep(everyMs, undefined, { signal: this.#ended.signal }).catch(() => undefined);
    }
  }
}
