import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitFor } from "../support/wait-for.ts";
import { Trace, TRACE_VARIABLE } from "./handler-trace.ts";
import type { WorkerRig } from "./worker-rig.ts";
import { compileCache } from "../support/compile-cache.ts";

const WORKER = join(import.meta.dirname, "worker-process.ts");

/** Worker processes of one group that write one trace. Those that run when it is disposed are killed. */
export interface WorkerFleet extends AsyncDisposable {
  readonly trace: Trace;
  start(): FleetWorker;
  /** Until so many messages are settled, by the trace; rejects when a worker ended that nobody told to. */
  untilSettled(messages: number, timeoutMs: number): Promise<void>;
}

export interface FleetWorker {
  readonly pid: number;
  /** Until it has partitions; answers how the worker is reached. */
  untilJoined(timeoutMs?: number): Promise<string>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; answers the exit code and how long it took. */
  stop(): Promise<{ readonly code: number | null; readonly signal: string | null; readonly ms: number }>;
}

export async function openWorkerFleet(rig: WorkerRig): Promise<WorkerFleet> {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(await temporaryFolder());
  const trace = new Trace(join(folder.path, "trace.jsonl"));
  const processes = new Map<ChildProcess, { readonly ended: Promise<unknown>; isTold: boolean }>();
  opened.defer(async () => {
    for (const child of processes.keys()) {
      child.kill("SIGKILL");
    }
    await Promise.all([...processes.values()].map(({ ended }) => ended));
  });
  const open = opened.move();
  const checkAlive = (): void => {
    for (const [{ pid, exitCode, signalCode }, { isTold }] of processes) {
      if (!isTold && (exitCode !== null || signalCode !== null)) {
        throw new Error(`the worker process ${pid} ended by itself: exit code ${exitCode}, signal ${signalCode}`);
      }
    }
  };
  return {
    trace,
    start: () => {
      const child = spawn(process.execPath, [WORKER], {
        env: { PATH: process.env["PATH"] ?? "", ...compileCache, ...rig.env, [TRACE_VARIABLE]: trace.path },
        stdio: ["ignore", "inherit", "inherit"],
      });
      const ended = once(child, "exit");
      const state = { ended, isTold: false };
      processes.set(child, state);
      const pid = child.pid ?? 0;
      const end = async (signal: "SIGKILL" | "SIGTERM"): ReturnType<FleetWorker["stop"]> => {
        checkAlive();
        state.isTold = true;
        const startedMs = performance.now();
        child.kill(signal);
        await ended;
        return { code: child.exitCode, signal: child.signalCode, ms: Math.round(performance.now() - startedMs) };
      };
      return {
        pid,
        untilJoined: (timeoutMs = 120_000) =>
          waitFor(
            async () => {
              checkAlive();
              const ready = trace
                .refresh()
                .ofKind("ready")
                .find((line) => line.pid === pid);
              return ready !== undefined && (await readConsumer(ready.url)).partitions.length > 0 && ready.url;
            },
            { timeoutMs, everyMs: 50, what: `the worker process ${pid} to have partitions` },
          ),
        kill: async () => {
          await end("SIGKILL");
        },
        stop: () => end("SIGTERM"),
      };
    },
    untilSettled: async (messages, timeoutMs) => {
      await waitFor(
        () => {
          checkAlive();
          return trace.refresh().settled >= messages;
        },
        { timeoutMs, what: `${messages} messages settled` },
      );
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** What `GET /status` says of the consumer; offsets are texts there. */
export interface ConsumerSeen {
  readonly partitions: readonly { readonly partition: number; readonly inFlight: number; readonly sent?: string }[];
  readonly counts: { readonly joins: number; readonly taken: number; readonly settled: number };
}

const NOTHING: ConsumerSeen = { partitions: [], counts: { joins: 0, taken: 0, settled: 0 } };

export async function readConsumer(url: string): Promise<ConsumerSeen> {
  const answer = await fetch(`${url}/status`);
  // The worker's own words.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { consumer } = (await answer.json()) as { readonly consumer?: ConsumerSeen };
  return consumer ?? NOTHING;
}
