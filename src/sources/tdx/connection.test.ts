import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock } from "../../base/clock.ts";
import { TransientError } from "../../base/errors.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import {
  answerFrame,
  HANDSHAKE_BODY,
  heartbeatBody,
  startTdxServer,
  uint16,
  type TdxRequest,
  type TdxReply,
  type TdxServerUnderTest,
} from "../../../test/support/tdx-server.ts";
import { TdxConnection, type ConnectionTimes } from "./connection.ts";
import { GarbledAnswerError, HollowAnswerError } from "./errors.ts";
import { HEARTBEAT } from "./session-commands.ts";
import type { Command } from "./command.ts";

const TIMES = { connectMsMax: 1_000, answerMsMax: 8_000, pauseMs: 0, heartbeatMs: 20_000 } as const;
const COUNT = 0x044e;

/** A question whose answer is a number. */
const NUMBER: Command<number> = {
  name: "a number",
  type: COUNT,
  body: Buffer.alloc(6),
  read: (body) => {
    if (body.length !== 2) {
      throw new HollowAnswerError("nothing there");
    }
    return Buffer.from(body).readUInt16LE(0);
  },
};

function greeting(then: (request: TdxRequest) => TdxReply): (request: TdxRequest) => TdxReply {
  return (request) =>
    request.type === 0x000d ? HANDSHAKE_BODY : request.type === 0x0004 ? heartbeatBody("2024-01-15") : then(request);
}

function open(server: TdxServerUnderTest, times: Partial<ConnectionTimes> = {}): Promise<TdxConnection> {
  const at = { host: "127.0.0.1", port: server.port };
  return TdxConnection.open(at, { clock: systemClock, ...TIMES, ...times }, AbortSignal.timeout(5_000));
}

const never = new AbortController().signal;

test("the greeting is 0x000D with 1, and never the one that makes hosts hollow", async () => {
  await using server = await startTdxServer(greeting(() => uint16(7)));
  await using connection = await open(server);
  assert.equal(await connection.ask(NUMBER, never), 7);
  assert.deepEqual(
    server.requests.map(({ type, body }) => [type, body.toString("hex")]),
    [
      [0x000d, "01"],
      [COUNT, "000000000000"],
    ],
  );
});

test("a heartbeat follows 20 s of silence, and every question puts it off", async () => {
  const clock = new ManualClock();
  await using server = await startTdxServer(greeting(() => uint16(7)));
  await using connection = await open(server, { clock });
  const beats = (): number => server.requests.filter(({ type }) => type === 0x0004).length;
  await clock.advance(15_000);
  assert.equal(await connection.ask(NUMBER, never), 7);
  await clock.advance(19_999);
  assert.equal(beats(), 0);
  await clock.advance(1);
  await waitFor(() => beats() === 1 && connection.seenDay === "2024-01-15", { what: "the server" });
  await clock.advance(20_000);
  await waitFor(() => beats() === 2, { what: "the server" });
});

test("no answer within 8 s drops the connection, for those who wait their turn as well", async () => {
  const clock = new ManualClock();
  await using server = await startTdxServer(greeting(() => undefined));
  await using connection = await open(server, { clock });
  const failures = [connection.ask(NUMBER, never), connection.ask(NUMBER, never)].map((asked) =>
    asked.then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
  await waitFor(() => server.requests.length === 2, { what: "the server" });
  await clock.advance(7_999);
  assert.equal(connection.isOpen, true);
  await clock.advance(1);
  for (const failure of await Promise.all(failures)) {
    assert.ok(
      failure instanceof TransientError && failure.message.includes("no answer within 8000 ms"),
      String(failure),
    );
  }
  assert.equal(connection.isOpen, false);
  assert.equal(server.requests.length, 2);
  await waitFor(() => server.openConnections === 0, { what: "the server" });
});

test("one request at a time: the second is sent when the first is answered", async () => {
  await using server = await startTdxServer(greeting(() => undefined));
  await using connection = await open(server);
  const asked = [1, 2, 3].map((number) => ({ number, answer: connection.ask(NUMBER, never) }));
  for (const { number, answer } of asked) {
    await waitFor(() => server.requests.length === 1 + number, { what: "the server" });
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
    const request = server.requests[number];
    assert.ok(request !== undefined && server.requests.length === 1 + number, "another one is under way");
    server.sendRaw(answerFrame(request, uint16(number)));
    assert.equal(await answer, number);
  }
});

test("a late answer is known by its sequence number and given to nobody", async () => {
  const held: TdxRequest[] = [];
  await using server = await startTdxServer(
    greeting((request) => {
      held.push(request);
      const [first, second] = held;
      if (first === undefined || second === undefined) {
        return undefined;
      }
      // The answer to the aborted question comes first, in the same segment as the next one.
      return { raw: Buffer.concat([answerFrame(first, uint16(1)), answerFrame(second, uint16(2))]) };
    }),
  );
  await using connection = await open(server);
  const reason = new Error("given up");
  const aborted = new AbortController();
  const first = connection.ask(NUMBER, aborted.signal);
  await waitFor(() => held.length === 1, { what: "the server" });
  const startedMs = performance.now();
  aborted.abort(reason);
  await assert.rejects(first, reason);
  assert.ok(performance.now() - startedMs < 100);
  assert.equal(await connection.ask(NUMBER, never), 2);
});

test("who gives up while waiting does not let the next one overtake", async () => {
  const seen: TdxRequest[] = [];
  await using server = await startTdxServer(
    greeting((request) => {
      seen.push(request);
      return undefined;
    }),
  );
  await using connection = await open(server);
  const aborted = new AbortController();
  const first = connection.ask(NUMBER, aborted.signal);
  const impatient = new AbortController();
  const second = connection.ask(NUMBER, impatient.signal);
  const third = connection.ask(NUMBER, never);
  third.catch(() => undefined);
  await waitFor(() => seen.length === 1, { what: "the server" });
  impatient.abort(new Error("second"));
  await assert.rejects(second, /second/);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  assert.equal(seen.length, 1);
  aborted.abort(new Error("first"));
  await assert.rejects(first, /first/);
  await waitFor(() => seen.length === 2, { what: "the server" });
});

test("between an answer and the next request there is a pause", async () => {
  const clock = new ManualClock();
  await using server = await startTdxServer(greeting(() => uint16(7)));
  const opening = open(server, { clock, pauseMs: 100 });
  await using connection = await opening;
  const asked = connection.ask(NUMBER, never);
  await clock.advance(99);
  assert.equal(server.requests.length, 1);
  await clock.advance(1);
  assert.equal(await asked, 7);
});

test("bytes that are no answer end the connection with an error that passes", async () => {
  for (const [fault, expected] of [
    ["no-magic", GarbledAnswerError],
    ["corrupt", GarbledAnswerError],
    ["wrong-type", GarbledAnswerError],
    ["half", TransientError],
    ["hang-up", TransientError],
    ["reset", TransientError],
  ] as const) {
    await using server = await startTdxServer(greeting(() => fault));
    await using connection = await open(server);
    await assert.rejects(connection.ask(NUMBER, never), (error) => error instanceof expected, fault);
    assert.equal(connection.isOpen, false, fault);
  }
});

test("a server that sends answers to no question is given up", async () => {
  await using server = await startTdxServer(
    greeting(({ type }) => ({
      raw: Buffer.concat(Array.from({ length: 100 }, () => answerFrame({ type, sequence: 99 }, uint16(1)))),
    })),
  );
  await using connection = await open(server);
  await assert.rejects(connection.ask(NUMBER, never), /answers to no question/);
});

test("a server that takes connections and says nothing fails the opening, and leaves no connection behind", async () => {
  await using server = await startTdxServer(() => undefined);
  await assert.rejects(open(server, { answerMsMax: 50 }), TransientError);
  await waitFor(() => server.openConnections === 0, { what: "the server" });
});

test("a closed port is an error that passes", async () => {
  const server = await startTdxServer(() => undefined);
  const { port } = server;
  await server[Symbol.asyncDispose]();
  const opening = TdxConnection.open({ host: "127.0.0.1", port }, { clock: systemClock, ...TIMES }, never);
  await assert.rejects(opening, (error) => error instanceof TransientError && error.message.includes("ECONNREFUSED"));
});

test("a heartbeat answers with the server's day", async () => {
  await using server = await startTdxServer(greeting(() => undefined));
  await using connection = await open(server);
  assert.equal(await connection.ask(HEARTBEAT, never), "2024-01-15");
});
