import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, inflateSync } from "node:zlib";

import { ask, frames, isWhole, LOGIN, readAnswer, request } from "../../../test/support/baostock-wire.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { RawConnection } from "../../../test/support/raw-connection.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { createRandom } from "../../market/random.ts";
import { FaultPlan, parseFaultOrder, type Fault } from "./faults.ts";
import { marketData } from "./market-data.ts";
import { startBaostockSimulator, type BaostockSimulator, type BaostockSimulatorOptions } from "./simulator.ts";

const data = marketData(generateMarket({ seed: 11, codes: 12, tradingDays: 30 }));

const DAYS = request("33", "query_trade_dates|anonymous|1|2000|2025-12-22|2025-12-31");
const BASIC = request("45", "query_stock_basic|anonymous|1|2000||");
const BARS = request(
  "95",
  "query_history_k_data_plus|anonymous|1|2000|sh.600000|date,code,close,volume|2025-12-22|2025-12-31|d|3",
);

type Rig = AsyncDisposable & { readonly simulator: BaostockSimulator; readonly connection: RawConnection };

/** A simulator and a connection that is logged in; the fault is met by the request after the login. */
async function rig(fault?: Fault, options: Partial<BaostockSimulatorOptions> = {}): Promise<Rig> {
  const simulator = await startBaostockSimulator({ data, ...options });
  const connection = await RawConnection.open(simulator.port);
  await ask(connection, LOGIN);
  if (fault !== undefined) {
    simulator.injectFault(fault);
  }
  return {
    simulator,
    connection,
    [Symbol.asyncDispose]: async () => {
      await connection[Symbol.asyncDispose]();
      await simulator[Symbol.asyncDispose]();
    },
  };
}

async function goodAnswer(bytes: Buffer): Promise<Buffer> {
  await using good = await rig();
  return await ask(good.connection, bytes);
}

/** Code and message of a refusal. */
async function refusalOf(connection: RawConnection, bytes: Buffer): Promise<readonly string[]> {
  return readAnswer(await ask(connection, bytes)).fields;
}

test("slow: the right answer once the time has passed", async () => {
  const clock = new ManualClock();
  await using one = await rig({ kind: "slow", ms: 5_000 }, { clock });
  const answer = ask(one.connection, DAYS);
  while (clock.sleepers === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await clock.advance(4_999);
  assert.equal(one.simulator.requests.at(-1)?.latencyMs, undefined);
  await clock.advance(1);
  assert.ok((await answer).equals(await goodAnswer(DAYS)));
  assert.equal(one.simulator.requests.at(-1)?.fault, "slow");
});

test("refused: any code with the provider's words, under 04 or the answer's own type", async () => {
  await using one = await rig({ kind: "refused", code: "10001005" });
  const plain = readAnswer(await ask(one.connection, DAYS));
  assert.deepEqual([plain.type, plain.fields], ["04", ["10001005", "账号登陆数达到上限"]]);
  one.simulator.injectFault({ kind: "refused", code: "10005001", message: "维护", under: "own" });
  const own = readAnswer(await ask(one.connection, DAYS));
  assert.deepEqual([own.type, own.fields], ["34", ["10005001", "维护"]]);
  one.simulator.injectFault({ kind: "refused", code: "10001005", under: "own" }, { method: "login" });
  assert.equal(readAnswer(await ask(one.connection, LOGIN)).type, "01");
  assert.equal(readAnswer(await ask(one.connection, DAYS)).rows.length, 10);
});

test("blacklist: this request and all that follow, on new connections too, until it is lifted", async () => {
  await using one = await rig({ kind: "blacklist" });
  const banned = ["10001011", "黑名单用户，请与管理员联系"];
  assert.deepEqual(await refusalOf(one.connection, DAYS), banned);
  assert.deepEqual(await refusalOf(one.connection, DAYS), banned);
  await using other = await RawConnection.open(one.simulator.port);
  assert.deepEqual(await refusalOf(other, LOGIN), banned);
  one.simulator.clearFaults();
  assert.equal((await refusalOf(other, LOGIN))[0], "0");
});

test("session-lost: not logged in until the next login", async () => {
  await using one = await rig({ kind: "session-lost" });
  assert.deepEqual(await refusalOf(one.connection, DAYS), ["10001001", "用户未登陆"]);
  assert.equal((await refusalOf(one.connection, DAYS))[0], "10001001");
  await ask(one.connection, LOGIN);
  assert.equal((await refusalOf(one.connection, DAYS))[0], "0");
});

test("reset: at once, or after so many bytes", async () => {
  await using one = await rig({ kind: "reset" });
  one.connection.send(DAYS);
  assert.deepEqual(await one.connection.end(), { bytes: Buffer.alloc(0), how: "by a reset" });
  await using two = await rig({ kind: "reset", afterBytes: 40 });
  two.connection.send(DAYS);
  const { bytes, how } = await two.connection.end();
  assert.equal(how, "by a reset");
  // What was on its way may be lost with the connection; more than that is never there.
  assert.ok(bytes.length <= 40 && (await goodAnswer(DAYS)).subarray(0, bytes.length).equals(bytes));
});

test("cut: so many bytes and an end in order; never the whole frame", async () => {
  const good = await goodAnswer(DAYS);
  for (const [afterBytes, expected] of [
    [0, 0],
    [100, 100],
    [1_000_000, good.length - 1],
  ] as const) {
    await using one = await rig({ kind: "cut", afterBytes });
    one.connection.send(DAYS);
    assert.deepEqual(await one.connection.end(), { bytes: good.subarray(0, expected), how: "in order" });
    assert.equal(one.simulator.requests.at(-1)?.outcome, undefined);
  }
});

test("silence: no byte of the answer, and the next request is answered", async () => {
  await using one = await rig({ kind: "silence" });
  one.connection.send(BASIC);
  assert.ok((await ask(one.connection, DAYS)).equals(await goodAnswer(DAYS)));
});

test("idle-close: the answer, then an end in order", async () => {
  for (const afterMs of [0, 20]) {
    await using one = await rig({ kind: "idle-close", afterMs });
    one.connection.send(DAYS);
    const good = await goodAnswer(DAYS);
    assert.deepEqual(await one.connection.end(), { bytes: good, how: "in order" });
  }
});

test("a connection without a request for too long is closed in order", async () => {
  await using simulator = await startBaostockSimulator({ data, idleMs: 20 });
  await using connection = await RawConnection.open(simulator.port);
  assert.deepEqual(await connection.end(), { bytes: Buffer.alloc(0), how: "in order" });
});

test("wrong-length: only the header's number differs, and the checksum that covers it", async () => {
  await using one = await rig({ kind: "wrong-length", by: -7 });
  const [wrong, good] = [await ask(one.connection, DAYS), await goodAnswer(DAYS)];
  assert.equal(readAnswer(wrong).length, readAnswer(good).length - 7);
  assert.deepEqual(readAnswer(wrong).rows, readAnswer(good).rows);
  assert.equal(checksum(wrong), String(crc32(signed(wrong))));
});

test("wrong-crc: only the checksum differs", async () => {
  await using one = await rig({ kind: "wrong-crc" });
  const [wrong, good] = [await ask(one.connection, DAYS), await goodAnswer(DAYS)];
  assert.ok(signed(wrong).equals(signed(good)));
  assert.equal(checksum(good), String(crc32(signed(good))));
  assert.notEqual(checksum(wrong), checksum(good));
});

test("charset: no UTF-8 in a name, or in the rows of a compressed answer; length and checksum are right", async () => {
  await using one = await rig({ kind: "charset" });
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  const wrong = await ask(one.connection, BASIC);
  assert.throws(() => utf8.decode(signed(wrong)), /encoded data was not valid/);
  assert.equal(readAnswer(wrong).length, readAnswer(await goodAnswer(BASIC)).length);
  assert.equal(checksum(wrong), String(crc32(signed(wrong))));
  one.simulator.injectFault({ kind: "charset" });
  const bars = await ask(one.connection, BARS);
  assert.throws(() => utf8.decode(inflateSync(compressed(bars))), /encoded data was not valid/);
});

test("bad-zlib: what is compressed does not inflate", async () => {
  for (const [where, code] of [
    ["header", "Z_DATA_ERROR"],
    ["stream", "Z_DATA_ERROR"],
    ["checksum", "Z_DATA_ERROR"],
  ] as const) {
    await using one = await rig({ kind: "bad-zlib", where });
    const wrong = await ask(one.connection, BARS);
    assert.throws(() => inflateSync(compressed(wrong)), { code }, where);
    assert.ok(inflateSync(compressed(await goodAnswer(BARS))).length > 0);
  }
});

test("empty: success without a row", async () => {
  await using one = await rig({ kind: "empty" });
  const { fields } = readAnswer(await ask(one.connection, DAYS));
  assert.deepEqual(fields.slice(0, 7), ["0", "success", "query_trade_dates", "anonymous", "1", "2000", ""]);
});

test("stale: the newest days are missing", async () => {
  await using one = await rig({ kind: "stale", days: 2 });
  const [stale, good] = [readAnswer(await ask(one.connection, BARS)), readAnswer(await goodAnswer(BARS))];
  assert.equal(good.rows.length, 8);
  assert.deepEqual(stale.rows, good.rows.slice(0, -2));
});

test("truncated: the first rows only", async () => {
  await using one = await rig({ kind: "truncated", rows: 3 });
  const [cut, good] = [readAnswer(await ask(one.connection, BARS)), readAnswer(await goodAnswer(BARS))];
  assert.deepEqual(cut.rows, good.rows.slice(0, 3));
});

test("other-method: the right rows under another name", async () => {
  await using one = await rig({ kind: "other-method", method: "query_stock_basic" });
  const [other, good] = [readAnswer(await ask(one.connection, DAYS)), readAnswer(await goodAnswer(DAYS))];
  assert.equal(other.fields[2], "query_stock_basic");
  assert.deepEqual(other.rows, good.rows);
});

test("previous: the answer to the request before comes again", async () => {
  await using one = await rig();
  const first = await ask(one.connection, BASIC);
  one.simulator.injectFault({ kind: "previous" });
  assert.ok((await ask(one.connection, DAYS)).equals(first));
});

test("late: nothing, then with the next request both answers", async () => {
  await using one = await rig({ kind: "late" });
  one.connection.send(BASIC);
  one.connection.send(DAYS);
  const both = await one.connection.receive((bytes) => frames(bytes) === 2);
  assert.ok(both.equals(Buffer.concat([await goodAnswer(BASIC), await goodAnswer(DAYS)])));
});

test("garbage: the given bytes in place of the answer", async () => {
  await using one = await rig({ kind: "garbage", text: "\u0000no frame" });
  one.connection.send(DAYS);
  const got = await one.connection.receive((bytes) => bytes.length >= 9);
  assert.equal(got.toString(), "\u0000no frame");
  assert.ok(isWhole(await ask(one.connection, DAYS)));
});

test("drip: the right answer byte by byte, by the clock", async () => {
  const clock = new ManualClock();
  await using one = await rig({ kind: "drip", everyMs: 10 }, { clock });
  one.connection.send(DAYS);
  const good = await goodAnswer(DAYS);
  for (let byte = 0; byte < good.length; byte += 1) {
    const piece = await one.connection.receive((bytes) => bytes.length > 0);
    assert.deepEqual(piece, good.subarray(byte, byte + 1));
    while (clock.sleepers === 0 && byte + 1 < good.length) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await clock.advance(10);
  }
});

test("faults meet the method that they are for, so often, after so many others", async () => {
  await using one = await rig();
  one.simulator.injectFault({ kind: "empty" }, { method: "query_stock_basic", skip: 1, times: 2 });
  const counts: number[] = [];
  for (const bytes of [BASIC, DAYS, BASIC, DAYS, BASIC, BASIC]) {
    counts.push(readAnswer(await ask(one.connection, bytes)).rows.length);
  }
  const all = counts[0] ?? 0;
  assert.deepEqual(counts, [all, 10, 0, 10, 0, all]);
});

test("by chance: so many in a thousand, the same ones for a seed, and only of their method", () => {
  const plan = (seed: number): readonly boolean[] => {
    const faults = new FaultPlan(
      [{ fault: { kind: "silence" }, perMille: 100, method: "login" }],
      createRandom(seed, "faults"),
    );
    assert.equal(faults.take("query_trade_dates"), undefined);
    return Array.from({ length: 2_000 }, () => faults.take("login") !== undefined);
  };
  const met = plan(3).filter(Boolean).length;
  assert.ok(met > 150 && met < 250, `${met} of 2000`);
  assert.deepEqual(plan(3), plan(3));
  assert.notDeepEqual(plan(3), plan(4));
});

test("an order that is no fault is refused", () => {
  assert.throws(() => parseFaultOrder({ fault: { kind: "gremlin" } }));
  assert.throws(() => parseFaultOrder({ fault: { kind: "refused", code: "418" } }), /a code of the provider/);
});

/** Header and body of a plain frame, which its checksum covers. */
function signed(frame: Buffer): Buffer {
  return frame.subarray(0, frame.lastIndexOf(1));
}

function checksum(frame: Buffer): string {
  return /^\d+/.exec(frame.subarray(frame.lastIndexOf(1) + 1).toString("latin1"))?.[0] ?? "";
}

function compressed(frame: Buffer): Buffer {
  return frame.subarray(21, 21 + Number(frame.subarray(11, 21).toString("latin1")));
}

test("what befalls by chance befalls the very same request so often in a row at most", () => {
  const chance = { fault: { kind: "empty" }, perMille: 1_000, inARowMax: 1 } as const;
  const plan = new FaultPlan([chance], createRandom(1, "faults"));
  const hits = ["one", "one", "two", "one"].map((key) => plan.take("query_stock_basic", key) !== undefined);
  assert.deepEqual(hits, [true, false, true, true]);
});
