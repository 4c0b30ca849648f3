import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { suite, test } from "node:test";

import { ClickHouseLogLevel, createClient } from "@clickhouse/client";

import { waitFor } from "../../../test/support/wait-for.ts";
import { TransientError } from "../../base/errors.ts";
import { StorePressureError } from "../pressure-error.ts";
import { openHttpInserter } from "./http-insert.ts";
import { createLink, type Link } from "./link.ts";

const never = new AbortController().signal;
/** Longer than any test: what ends a wait is its deadline and not a silent connection. */
const SILENT_MS = 120_000;
const DEADLINE_MS = 400;
/** On a busy machine a timer may be late, not by this much. */
const LATE_MS = 10_000;
/** Ends what has no deadline of its own, and then with another error. */
const tooLate = (): AbortSignal => AbortSignal.timeout(DEADLINE_MS + LATE_MS);

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const hangs: readonly (readonly [does: string, handler: Handler])[] = [
  ["accepts and never answers", (request) => void request.resume()],
  ["stops reading and never answers", () => undefined],
  [
    "sends the head of an answer and nothing more",
    (request, response) => {
      request.resume();
      response.writeHead(200, { "content-length": 10 });
      response.flushHeaders();
    },
  ],
  [
    "drips its answer",
    (request, response) => {
      request.resume();
      response.writeHead(200);
      const drip = setInterval(() => response.write(" "), 20);
      response.once("close", () => clearInterval(drip));
    },
  ],
];

suite("a server that hangs is left in time, and the connection is closed", () => {
  for (const [does, handler] of hangs) {
    test(`an insert: one that ${does}`, { timeout: 60_000 }, async () => {
      await using served = await serve(handler);
      const inserter = openHttpInserter({
        url: served.url,
        user: "gdw",
        password: "secret",
        tls: undefined,
        requestMs: SILENT_MS,
        insertMs: DEADLINE_MS,
        connectionsMax: 1,
      });
      try {
        const startedMs = performance.now();
        await assert.rejects(inserter.send("INSERT", largeBody(), {}, tooLate()), (error) => {
          assert.ok(error instanceof StorePressureError && error instanceof TransientError, String(error));
          assert.equal(error.pressure, "time");
          assert.match(error.message, /no acknowledgement from 127\.0\.0\.1:\d+ within 400 ms/);
          return true;
        });
        const ms = performance.now() - startedMs;
        assert.ok(ms >= DEADLINE_MS - 5 && ms < DEADLINE_MS + LATE_MS, `left after ${ms} ms`);
        await served.untilClosed();
      } finally {
        inserter.close();
      }
    });

    test(`a question and a command: one that ${does}`, { timeout: 60_000 }, async () => {
      await using served = await serve(handler);
      const link = openLink(served.url, DEADLINE_MS);
      try {
        for (const ask of [
          () => link.query("SELECT 1", {}, {}, tooLate()),
          () => link.command("DROP TABLE t", {}, {}, tooLate()),
        ]) {
          const startedMs = performance.now();
          await assert.rejects(ask(), (error) => {
            assert.ok(error instanceof TransientError, String(error));
            assert.match(error.message, /ClickHouse: (?:SELECT 1|DROP TABLE t): no whole answer within 400 ms/);
            return true;
          });
          assert.ok(performance.now() - startedMs < DEADLINE_MS + LATE_MS);
          await served.untilClosed();
        }
      } finally {
        await link.close();
      }
    });
  }

  test("a server that hangs once gets the same insert again on a new connection", { timeout: 60_000 }, async () => {
    const bodies: string[] = [];
    await using served = await serve((request, response) => {
      let text = "";
      request.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      request.once("end", () => {
        if (bodies.push(text) > 1) {
          response.end();
        }
      });
    });
    const inserter = openHttpInserter({
      url: served.url,
      user: "gdw",
      password: "",
      tls: undefined,
      requestMs: SILENT_MS,
      insertMs: DEADLINE_MS,
      connectionsMax: 1,
    });
    const send = () => inserter.send("INSERT", [Buffer.from("rows")], {}, never);
    await assert.rejects(send(), StorePressureError);
    // With one connection at most, one that was left open would block this one.
    await send();
    assert.deepEqual(bodies, ["rows", "rows"]);
    inserter.close();
  });

  test("the caller's own abort comes out as it is, and not as a deadline", { timeout: 60_000 }, async () => {
    await using served = await serve((request) => void request.resume());
    const link = openLink(served.url, SILENT_MS);
    await assert.rejects(link.query("SELECT 1", {}, {}, AbortSignal.timeout(50)), { name: "TimeoutError" });
    await link.close();
  });
});

test("an answer with a text is no acknowledgement, whatever its status", { timeout: 60_000 }, async () => {
  for (const text of ["Code: 241. DB::Exception: Memory limit exceeded", "<html>maintenance</html>"]) {
    await using served = await serve((request, response) => {
      request.resume();
      response.end(text);
    });
    const inserter = openHttpInserter({
      url: served.url,
      user: "gdw",
      password: "",
      tls: undefined,
      requestMs: SILENT_MS,
      insertMs: SILENT_MS,
      connectionsMax: 1,
    });
    await assert.rejects(inserter.send("INSERT", [Buffer.from("rows")], {}, never), new RegExp(text.slice(0, 10)));
    inserter.close();
  }
});

function openLink(url: string, requestMs: number): Link {
  const client = createClient({
    url,
    request_timeout: SILENT_MS,
    max_open_connections: 1,
    log: { level: ClickHouseLogLevel.OFF },
  });
  return createLink({
    transport: "http",
    client,
    scratchPath: undefined,
    requestMs,
    sendBody: () => Promise.resolve(),
    closeRest: () => Promise.resolve(),
  });
}

/** More than the buffers of both ends hold. */
function largeBody(): Iterable<Buffer> {
  return {
    *[Symbol.iterator]() {
      for (let count = 0; count < 40; count += 1) {
        yield Buffer.alloc(1_000_000);
      }
    },
  };
}

interface Served extends AsyncDisposable {
  readonly url: string;
  /** Resolves when the client has closed every connection it had. */
  untilClosed(): Promise<void>;
}

async function serve(handler: Handler): Promise<Served> {
  const sockets = new Set<Socket>();
  const requests = new Set<IncomingMessage>();
  const server = createServer((request, response) => {
    requests.add(request);
    request.on("error", () => undefined);
    handler(request, response);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return {
    url: `http://127.0.0.1:${address.port}`,
    untilClosed: async () => {
      // Who does not read does not learn that the other end has gone.
      for (const request of requests) {
        request.resume();
      }
      await waitFor(() => sockets.size === 0, { what: "the client to close its connection" });
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
