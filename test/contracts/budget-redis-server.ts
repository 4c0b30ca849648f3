import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** True when this machine has a Redis to start. Tests that kill their server need one of their own. */
export function hasRedisServer(): boolean {
  return spawnSync("redis-server", ["--version"]).status === 0;
}

/** A Redis of one test, in a folder and on a port of its own, without persistence: it always comes back empty. */
export class OwnRedis implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, args: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#args = args;
  }

  static async start(...args: readonly string[]): Promise<OwnRedis> {
    const server = new OwnRedis(await freePort(), await mkdtemp(join(tmpdir(), "ginkgo-redis-")), args);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const settings = ["--bind", "127.0.0.1", "--port", `${this.port}`, "--save", "", "--appendonly", "no"];
    this.#process = spawn("redis-server", [...settings, ...this.#args], { cwd: this.#folder, stdio: "ignore" });
    for (let attempt = 0; attempt < 200; attempt += 1) {
      if (await answers(this.port)) {
        return;
      }
      await sleep(25);
    }
    throw new Error(`starting redis on port ${this.port}: no answer in 5 s`);
  }

  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process !== undefined && process.exitCode === null && process.signalCode === null) {
      const ended = once(process, "exit");
      process.kill("SIGKILL");
      await ended;
    }
  }

  /** The server stays and answers nothing, as when its machine is out of reach. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) {
    throw new TypeError("no port");
  }
  return address.port;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
