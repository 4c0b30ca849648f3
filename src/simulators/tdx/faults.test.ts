import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";

import { createRandom } from "../../market/random.ts";
import {
  barsBody,
  BodyReader,
  encodeRequest,
  hex,
  TdxRaw,
  ticksBody,
  type RawFrame,
} from "../../../test/support/tdx-raw.ts";
import { readBars, readTicks } from "../../../test/support/tdx-read.ts";
import { market, openTdx, type OpenedTdx } from "../../../test/support/tdx-rig.ts";
import { FaultPlan, type Fault, type FaultMatch } from "./faults.ts";

const BARS = 0x052d;
const REQUEST = barsBody(1, "600000", 9, 0, 30);
const NONE = hex("");

async function openWith(fault: Fault, match?: FaultMatch): Promise<OpenedTdx> {
  const opened = await openTdx();
  opened.simulator.injectFault(fault, match);
  return opened;
}

/** The answer that a request meets when nothing goes wrong. */
async function rightAnswer(body = REQUEST): Promise<RawFrame> {
  await using opened = await openTdx();
  return await opened.client.ask(BARS, body);
}

/** The next request is served right, over the same connection. */
async function assertServes(client: TdxRaw): Promise<void> {
  const next = await client.ask(BARS, REQUEST, 1);
  assert.equal(next.bytes.toString("hex"), (await rightAnswer()).bytes.toString("hex"));
}

test("slow: the right answer after the time; closing does not wait for it", async () => {
  await using opened = await openWith({ kind: "slow", ms: 30 });
  const before = performance.now();
  await assertServes(opened.client);
  assert.ok(performance.now() - before >= 29);
  opened.simulator.injectFault({ kind: "slow", ms: 60_000 });
  opened.client.send(encodeRequest(BARS, REQUEST));
});

test("silence: no answer, and the next request has one", async () => {
  await using opened = await openWith({ kind: "silence" });
  opened.client.send(encodeRequest(BARS, REQUEST, 4));
  assert.equal((await opened.client.ask(0x0004, NONE, 5)).sequence, 5);
});

test("hollow: a count without rows, the one asked for or 0", async () => {
  await using opened = await openWith({ kind: "hollow" });
  opened.simulator.injectFault({ kind: "hollow", rows: "zero" });
  assert.equal((await opened.client.ask(BARS, REQUEST)).body.toString("hex"), "1e00");
  assert.equal((await opened.client.ask(BARS, REQUEST)).body.toString("hex"), "0000");
  await assertServes(opened.client);
});

test("empty: well formed and without a row", async () => {
  await using opened = await openWith({ kind: "empty" }, { times: 2 });
  assert.equal((await opened.client.ask(BARS, REQUEST)).body.toString("hex"), "0000");
  const ticks = await opened.client.ask(0x0fb5, ticksBody(20_251_231, 1, "600000", 0, 100));
  assert.equal(ticks.body.toString("hex"), "000000000000");
  await assertServes(opened.client);
});

test("refused: a text in GBK, and hollow market data from then on, on that connection only", async () => {
  await using opened = await openTdx({ refusesUpgrade: true });
  await assertServes(opened.client);
  const refusal = await opened.client.ask(0x0fdb, hex("00".repeat(30)));
  assert.equal(refusal.flags, 0x0c);
  assert.equal(new TextDecoder("gbk").decode(refusal.body), "客户端与行情主站不匹配,不能使用!");
  assert.equal((await opened.client.ask(BARS, REQUEST)).body.toString("hex"), "1e00");
  assert.equal((await opened.client.ask(0x0fc5, hex("0100 363030303030 0000 0900"))).body.toString("hex"), "0900");
  assert.equal((await opened.client.ask(0x0004, NONE)).body.length, 10);
  assert.ok((await opened.client.ask(0x044e, hex("0100 75c73301"))).body.readUInt16LE(0) > 0);
  using other = await TdxRaw.open(opened.simulator.port);
  await assertServes(other);
  // Ordered for a host that does not refuse by itself.
  await using ordered = await openWith({ kind: "refused", rows: "zero" }, { command: "upgrade" });
  await ordered.client.ask(0x0fdb, hex("00".repeat(30)));
  assert.equal((await ordered.client.ask(BARS, REQUEST)).body.toString("hex"), "0000");
});

test("close and reset: the connection ends within the frame, in order or not", async () => {
  await using opened = await openWith({ kind: "close", afterBytes: 25 });
  opened.client.send(encodeRequest(BARS, REQUEST));
  await opened.client.ended();
  assert.deepEqual([opened.client.received.length, opened.client.error], [25, undefined]);
  opened.simulator.injectFault({ kind: "reset", afterBytes: 0 });
  using other = await TdxRaw.open(opened.simulator.port);
  other.send(encodeRequest(BARS, REQUEST));
  await other.ended();
  assert.ok(other.error instanceof Error && "code" in other.error && other.error.code === "ECONNRESET");
  using third = await TdxRaw.open(opened.simulator.port);
  await assertServes(third);
});

test("drip: the right answer in pieces", async () => {
  await using opened = await openWith({ kind: "drip", bytes: 50, ms: 5 });
  await assertServes(opened.client);
  assert.ok(opened.client.segments.length > 3, opened.client.segments.join());
});

test("merged: two answers in one segment, or one by itself when no other comes", async () => {
  await using opened = await openWith({ kind: "merged", msMax: 60_000 });
  opened.client.send(Buffer.concat([encodeRequest(0x0004, NONE, 1), encodeRequest(0x0004, NONE, 2)]));
  assert.deepEqual([(await opened.client.frame()).sequence, (await opened.client.frame()).sequence], [1, 2]);
  assert.deepEqual(opened.client.segments, [52]);
  opened.simulator.injectFault({ kind: "merged", msMax: 5 });
  await assertServes(opened.client);
});

test("wrong magic, wrong lengths, corrupt compression: each as ordered, the rest as it was", async () => {
  const right = await rightAnswer();
  await using opened = await openWith({ kind: "wrong-magic" });
  const magic = (await opened.client.ask(BARS, REQUEST)).bytes;
  assert.notEqual(magic.readUInt32BE(0), 0xb1cb7400);
  assert.deepEqual(magic.subarray(4), right.bytes.subarray(4));

  opened.simulator.injectFault({ kind: "wrong-length", inflated: 3 });
  opened.client.send(encodeRequest(BARS, REQUEST));
  const longer = await opened.client.take(right.bytes.length);
  assert.equal(longer.readUInt16LE(14), right.bytes.readUInt16LE(14) + 3);
  opened.simulator.injectFault({ kind: "wrong-length", wire: -2 });
  opened.client.send(encodeRequest(BARS, REQUEST));
  const shorter = await opened.client.take(right.bytes.length);
  assert.equal(shorter.readUInt16LE(12), right.bytes.readUInt16LE(12) - 2);

  opened.simulator.injectFault({ kind: "corrupt-zlib" });
  opened.client.send(encodeRequest(BARS, REQUEST));
  const header = await opened.client.take(16);
  const body = await opened.client.take(header.readUInt16LE(12));
  assert.throws(() => inflateSync(body), /incorrect data check/);
  await assertServes(opened.client);
});

test("garbage: bytes of nothing before the right frame", async () => {
  await using opened = await openWith({ kind: "garbage", bytes: 9 });
  opened.client.send(encodeRequest(BARS, REQUEST));
  const right = await rightAnswer();
  const received = await opened.client.take(9 + right.bytes.length);
  assert.deepEqual(received.subarray(9), right.bytes);
});

test("late: the answer to the request before comes again, ahead of the right one", async () => {
  await using opened = await openTdx();
  await opened.client.ask(BARS, REQUEST, 11);
  opened.simulator.injectFault({ kind: "late" }, { times: 1 });
  const older = await opened.client.ask(0x0004, NONE, 12);
  assert.deepEqual([older.sequence, older.type], [11, BARS]);
  assert.deepEqual([(await opened.client.frame()).sequence], [12]);
  await using fresh = await openWith({ kind: "late" });
  assert.equal((await fresh.client.ask(BARS, REQUEST, 5)).sequence, 4);
  assert.equal((await fresh.client.frame()).sequence, 5);
});

test("stale: the newest days are missing", async () => {
  await using opened = await openWith({ kind: "stale", days: 2 });
  const bars = readBars((await opened.client.ask(BARS, REQUEST)).body, false);
  assert.equal(bars.at(-1)?.day, market.days.at(-3));
  await assertServes(opened.client);
});

test("missing page and short page: rows are lost in the middle, or come in smaller pages", async () => {
  const all = readBars((await rightAnswer(barsBody(1, "600000", 9, 0, 40))).body, false);
  await using opened = await openWith({ kind: "missing-page" });
  const page = barsBody(1, "600000", 9, 10, 10);
  assert.deepEqual(readBars((await opened.client.ask(BARS, page)).body, false), all.slice(-30, -20));
  opened.simulator.injectFault({ kind: "short-page", rows: 4 });
  assert.deepEqual(readBars((await opened.client.ask(BARS, page)).body, false), all.slice(-14, -10));
  const ticks = ticksBody(20_251_231, 1, "600000", 0, 20);
  const right = readTicks((await opened.client.ask(0x0fb5, ticks)).body, "past");
  opened.simulator.injectFault({ kind: "missing-page" }, { command: "ticks-past" });
  const shifted = readTicks((await opened.client.ask(0x0fb5, ticks)).body, "past");
  assert.deepEqual([right.length, shifted.length], [20, 20]);
  assert.notDeepEqual(shifted, right);
});

test("bad charset: names hold bytes that begin no character, codes and order stay", async () => {
  await using opened = await openWith({ kind: "bad-charset" }, { command: "security-list" });
  const body = (await opened.client.ask(0x0450, hex("0100 0000"))).body;
  const reader = new BodyReader(body);
  const names = Array.from({ length: reader.u16() }, () => {
    reader.text(8);
    const name = Buffer.from(reader.text(8), "latin1");
    reader.text(13);
    return new TextDecoder("gbk").decode(name);
  });
  assert.ok(names.length > 3 && names.every((name) => name.includes("\uFFFD")), names.join());
});

test("a connection without traffic is closed after its time", async () => {
  await using opened = await openTdx({ idleMsMax: 20 });
  await assertServes(opened.client);
  await opened.client.ended();
  assert.ok(opened.client.isEnded);
});

test("latency is drawn from its range for every answer", async () => {
  await using opened = await openTdx({ latency: { fromMs: 20, toMs: 25 } });
  const before = performance.now();
  await assertServes(opened.client);
  await assertServes(opened.client);
  assert.ok(performance.now() - before >= 39);
});

test("an ordered fault befalls the requests it names, in their number, after those it skips", () => {
  const plan = new FaultPlan([], createRandom(1, ""));
  plan.order({ kind: "empty" }, { command: "bars", times: 2, skip: 1 });
  const met = ["bars", "quotes", "bars", "bars", "bars"] as const;
  assert.deepEqual(
    met.map((command) => plan.take(command)?.kind),
    [undefined, undefined, "empty", "empty", undefined],
  );
  plan.order({ kind: "empty" });
  plan.clear();
  assert.equal(plan.take("bars"), undefined);
});

test("random faults come by the seed, about as often as asked for, and only to their command", () => {
  const hits = (seed: number): readonly number[] => {
    const chance = { fault: { kind: "empty" }, perMille: 100, command: "bars" } as const;
    const plan = new FaultPlan([chance], createRandom(seed, ""));
    const met = Array.from({ length: 2_000 }, (_, index) => (plan.take("bars") === undefined ? -1 : index));
    assert.equal(plan.take("quotes"), undefined);
    return met.filter((at) => at >= 0);
  };
  assert.deepEqual(hits(1), hits(1));
  assert.notDeepEqual(hits(1), hits(2));
  assert.ok(hits(1).length > 150 && hits(1).length < 250, String(hits(1).length));
});

test("faults can be ordered over HTTP on the same port, and a bad order is refused with the reason", async () => {
  await using opened = await openTdx();
  const url = `http://127.0.0.1:${opened.simulator.port}/_sim`;
  const order = (body: unknown): Promise<Response> =>
    fetch(`${url}/faults`, { method: "POST", body: JSON.stringify(body) });
  assert.equal((await order({ fault: { kind: "empty" }, command: "bars" })).status, 200);
  assert.equal((await opened.client.ask(BARS, REQUEST)).body.toString("hex"), "0000");
  const bad = await order({ fault: { kind: "flood" } });
  assert.deepEqual([bad.status, /kind/.test(await bad.text())], [400, true]);
  assert.equal((await order({ fault: { kind: "empty" }, command: "nothing" })).status, 400);
  const log: unknown = await (await fetch(`${url}/requests`)).json();
  assert.partialDeepStrictEqual(log, { requests: [{ command: "bars", fault: "empty", connection: 1 }] });
  assert.equal((await order({ fault: { kind: "silence" } })).status, 200);
  assert.equal((await fetch(`${url}/faults`, { method: "DELETE" })).status, 200);
  await assertServes(opened.client);
  assert.equal((await fetch(`${url}/requests`, { method: "DELETE" })).status, 200);
  assert.deepEqual([opened.simulator.requests.length, opened.simulator.connections], [0, 1]);
  assert.equal((await fetch(`${url}/nothing`)).status, 404);
});

test("a fault that does not exist is refused", () => {
  const plan = new FaultPlan([], createRandom(1, ""));
  assert.throws(() => plan.order({ kind: "close", afterBytes: -1 }), /afterBytes/);
});

test("what befalls by chance befalls the very same request so often in a row at most, and others as before", () => {
  const chance = { fault: { kind: "empty" }, perMille: 1_000, inARowMax: 2 } as const;
  const plan = new FaultPlan([chance], createRandom(1, "faults"));
  const hits = (key: string): readonly boolean[] =>
    Array.from({ length: 6 }, () => plan.take("bars", key) !== undefined);
  assert.deepEqual(hits("one"), [true, true, false, true, true, false]);
  assert.deepEqual(hits("another"), [true, true, false, true, true, false]);
});
