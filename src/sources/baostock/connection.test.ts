import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

import { ManualClock } from "../../../test/support/manual-clock.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import { systemClock, type Clock } from "../../base/clock.ts";
import { TransientError } from "../../base/errors.ts";
import { createBaostockClient, type BaostockClient } from "./client.ts";
import type { BaostockRequest } from "./table.ts";

const REQUEST: BaostockRequest = { type: "33", method: "query_trade_dates", params: [], fieldsAt: 9 };
const never = new AbortController().signal;

/** A port that is listened to and takes nobody: its queue is full and its thread stands still, as behind a firewall. */
class DeafPort implements AsyncDisposable {
  readonly port: number;
  readonly #worker: Worker;
  readonly #fillers: readonly Socket[];

  private constructor(port: number, worker: Worker, fillers: readonly Socket[]) {
    this.port = port;
    this.#worker = worker;
    this.#fillers = fillers;
  }

  static async open(): Promise<DeafPort> {
    const worker = new Worker(
      `const { createServer } = require("node:net");
       const { parentPort } = require("node:worker_threads");
       const server = createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
         parentPort.postMessage(server.address().port);
         setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
       });`,
      { eval: true },
    );
    const [port] = (await once(worker, "message")) as [number];
    const fillers: Socket[] = [];
    for (let connected = true; connected;) {
      assert.ok(fillers.length < 20, "the port takes everybody");
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      fillers.push(socket);
      connected = await Promise.race([
        once(socket, "connect").then(() => true),
        systemClock.sleep(200).then(() => false),
      ]);
    }
    return new DeafPort(port, worker, fillers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const filler of this.#fillers) {
      filler.destroy();
    }
    await this.#worker.terminate();
  }
}

function clientOf({ port }: DeafPort, clock: Clock): BaostockClient {
  return createBaostockClient({ host: "127.0.0.1", port, user: "me", password: "123456", clock });
}

test("a server that takes no connection is given up after ten seconds, at once at an abort, and when the client closes", async () => {
  await using deaf = await DeafPort.open();
  const clock = new ManualClock();
  const connecting = async (): Promise<void> => {
    await waitFor(() => clock.sleepers === 1, { what: "the deadline of the connection", everyMs: 2 });
  };
  await using client = clientOf(deaf, clock);
  const late = assert.rejects(
    client.call(REQUEST, never),
    (error) => error instanceof TransientError && /connecting: no answer within 10000 ms/.test(error.message),
  );
  await connecting();
  await clock.advance(10_000);
  await late;

  const controller = new AbortController();
  const reason = new Error("stop");
  const stopped = client.call(REQUEST, controller.signal).catch((error: unknown) => error);
  await connecting();
  const startedAtMs = performance.now();
  controller.abort(reason);
  assert.equal(await stopped, reason);
  assert.ok(performance.now() - startedAtMs < 100);

  await clock.advance(10_000);
  const dropped = client.call(REQUEST, never).catch((error: unknown) => error);
  await connecting();
  await client[Symbol.asyncDispose]();
  assert.ok((await dropped) instanceof TransientError);
  assert.equal(clock.sleepers, 0);
});
