import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { GuardedFolder } from "./guarded-folder.ts";

/** A real server in a child process. Its data and its ports stay the same from the start until `stop`. */
export interface ChildService extends AsyncDisposable {
  /** The process id; undefined while it does not run. */
  readonly pid: number | undefined;
  /** Ends it in order and removes its folder. Once is enough, twice is harmless. */
  stop(): Promise<void>;
  /** SIGKILL, at once; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Sends it any signal, SIGSTOP and SIGCONT for instance. */
  signal(name: NodeJS.Signals): void;
  /** Runs it again over the same folder and ports, after killing it if it still runs; resolves when it answers. */
  restart(): Promise<void>;
}

export interface ChildOptions {
  /** As it appears in error messages. */
  readonly name: string;
  readonly folder: GuardedFolder;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Answers true when the server can be used, and false or an error while it cannot. */
  readonly isReady: () => Promise<boolean>;
  readonly startMsMax?: number;
}

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 5_000;
const LOG_LINES = 15;

/** Starts the server and waits until it is ready. When it is not in time, its folder is gone and the error has its last words. */
export async function startChild(options: ChildOptions): Promise<ChildService> {
  const service = new RunningChild(options);
  try {
    await service.restart();
  } catch (error) {
    await service.stop();
    throw error;
  }
  return service;
}

class RunningChild implements ChildService {
  readonly #options: ChildOptions;
  readonly #logFile: string;
  #child: ChildProcess | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: ChildOptions) {
    this.#options = options;
    this.#logFile = path.join(options.folder.path, `${options.name}.log`);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async restart(): Promise<void> {
    await this.kill();
    const { name, command, args, env, folder, startMsMax = START_MS_MAX } = this.#options;
    const log = openSync(this.#logFile, "a");
    const child = spawn(command, args, {
      cwd: folder.path,
      // A group of its own: Ctrl-C is for the runner, which then stops its services in order.
      detached: true,
      stdio: ["ignore", log, log],
      ...(env === undefined ? {} : { env }),
    });
    closeSync(log);
    let failure: Error | undefined;
    child.once("error", (error) => {
      failure = error;
    });
    folder.watch(child.pid);
    this.#child = child;
    const deadline = performance.now() + startMsMax;
    while (!(await isReady(this.#options))) {
      if (failure !== undefined || isOver(child)) {
        throw new Error(`starting ${name} failed: ${failure?.message ?? "it ended"}${this.#lastWords()}`);
      }
      if (performance.now() > deadline) {
        throw new Error(`starting ${name} took more than ${startMsMax} ms${this.#lastWords()}`);
      }
      await sleep(20);
    }
    if (isOver(child)) {
      throw new Error(`starting ${name} failed: somebody else answers on its port${this.#lastWords()}`);
    }
    child.unref();
  }

  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  stop(): Promise<void> {
    this.#stopped ??= (async () => {
      await this.#end("SIGTERM");
      await this.#options.folder[Symbol.asyncDispose]();
    })();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.pid === undefined) {
      return;
    }
    if (!isOver(child)) {
      child.ref();
      const exited = once(child, "exit");
      child.kill(signal);
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
      await exited;
      clearTimeout(timer);
    }
    this.#child = undefined;
    this.#options.folder.watch(undefined);
  }

  #lastWords(): string {
    const lines = readFileSync(this.#logFile, "utf8")
      .split("\n")
      .filter((line) => line.trim() !== "");
    return lines.length === 0 ? "" : `, saying\n${lines.slice(-LOG_LINES).join("\n")}`;
  }
}

function isOver(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function isReady(options: ChildOptions): Promise<boolean> {
  try {
    return await options.isReady();
  } catch {
    return false;
  }
}
