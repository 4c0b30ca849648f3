import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { deflateSync } from "node:zlib";

import * as fc from "fast-check";

import {
  createPick,
  hasCaptures,
  mutate,
  mutateWithin,
  seeds,
  split,
  type Seed,
} from "../../../test/support/fuzz-baostock.ts";
import { heap, INPUT_MS_MAX, kindOf, MIB, Tally, type Ending } from "../../../test/support/fuzz-tally.ts";
import { packedBytes, packedFrame, plainFrame, ScriptedBaostock } from "../../../test/support/scripted-baostock.ts";
import { sizes } from "../../../test/support/sizes.ts";
import { systemClock } from "../../base/clock.ts";
import { DataError, TransientError } from "../../base/errors.ts";
import { createBaostockClient } from "./client.ts";
import { translate } from "./errors.ts";
import { FrameReader, readElements, type FrameLimits } from "./frame.ts";
import { mapTable } from "./mapping.ts";
import { readTable, type BaostockRequest } from "./table.ts";

/**
 * Whatever a server sends ends in rows, rejected rows or an error of a known kind, in bounded time and memory. The same
 * inputs in every run (`sizes.seed`); how many is a size.
 */
const LIMITS: FrameLimits = { frameBytesMax: 64 * MIB, bodyBytesMax: 64 * MIB };
const DOING = "fuzzing baostock";
const S = "\u0001";
const HEADER_BYTES = 21;

/** What becomes of bytes that come in these pieces, as the client and the source would have it. */
async function endingOf(pieces: readonly Buffer[], seed: Omit<Seed, "bytes">, tally: Tally): Promise<void> {
  const startedAtMs = performance.now();
  let ending: Ending;
  try {
    ending = await decode(pieces, seed);
  } catch (thrown) {
    const error = translate(thrown, { doing: DOING, secrets: [] });
    ending = error === thrown ? kindOf(error) : "refused";
    if (kindOf(error) === "unknown") {
      tally.unknown.push({ error, bytes: Buffer.concat(pieces).toString("latin1").slice(0, 2_000) });
    }
  }
  tally.note(ending, performance.now() - startedAtMs);
}

async function decode(
  pieces: readonly Buffer[],
  { request, dataSet, frequency }: Omit<Seed, "bytes">,
  limits: FrameLimits = LIMITS,
): Promise<Ending> {
  const reader = new FrameReader(limits, DOING);
  for (const piece of pieces) {
    const frame = reader.push(piece);
    if (frame !== undefined) {
      const table = readTable(await readElements(frame, limits, DOING), request, DOING);
      const { rows, rejected, suspensions } = mapTable(dataSet, frequency, table);
      assert.equal(rows.length + rejected.length + suspensions.length, table.items.length);
      return rejected.length > 0 ? "rejected rows" : rows.length > 0 ? "rows" : "no rows";
    }
  }
  // The client waits for more until its deadline or the end of the connection.
  return "cut";
}

test("changed, cut and split answers and random bytes end in rows or in an error of a known kind", async () => {
  const all = seeds();
  console.log(`baostock fuzz: ${all.length} answers to begin with${hasCaptures ? "" : " (SKIPPED: the captures)"}`);
  const pick = createPick("baostock bytes");
  const tally = new Tally();
  for (let input = 0; input < sizes.fuzzInputs; input += 1) {
    const seed = all[pick(all.length)];
    assert.ok(seed !== undefined);
    const ways = [
      () => seed.bytes,
      () => mutate(seed.bytes, pick),
      () => mutateWithin(seed, pick),
      () => mutateWithin(seed, pick),
      () => Buffer.from(Array.from({ length: pick(400) }, () => pick(256))),
      () =>
        Buffer.concat([
          seed.bytes.subarray(0, HEADER_BYTES),
          Buffer.from(Array.from({ length: pick(400) }, () => pick(256))),
        ]),
    ];
    const bytes = ways[pick(ways.length)]?.() ?? seed.bytes;
    await endingOf(split(bytes, pick), seed, tally);
  }
  tally.close("baostock bytes", ["rows", "rejected rows", "cut", "refused", "transient", "permanent"]);
});

const DAILY_FIELDS = [
  "date",
  "code",
  "open",
  "high",
  "low",
  "close",
  "preclose",
  "volume",
  "amount",
  "adjustflag",
  "tradestatus",
];

const cell: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 80,
    arbitrary: fc.constantFrom("2024-01-02", "sh.600000", "6.6300", "100", "3", "1", "0", "", "20240102093500000"),
  },
  { weight: 20, arbitrary: fc.string({ unit: "binary", maxLength: 30 }) },
  { weight: 10, arbitrary: fc.constantFrom("1e400", "-0", "9".repeat(200), "1e-9999", "NaN", "0x10", "１", "6.63\n") },
  { weight: 10, arbitrary: fc.oneof(fc.double(), fc.integer(), fc.boolean(), fc.constant(null)) },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.array(fc.string(), { maxLength: 3 }),
      fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
    ),
  },
);
const goodRow: readonly string[] = [
  "2024-01-02",
  "sh.600000",
  "6.63",
  "6.65",
  "6.6",
  "6.6",
  "6.62",
  "100",
  "660",
  "3",
  "1",
];
const row = fc.oneof(
  { weight: 3, arbitrary: fc.constant<readonly unknown[]>(goodRow) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.nat(10), cell)
      .map(([at, value]): readonly unknown[] => goodRow.map((own, index) => (index === at ? value : own))),
  },
  { weight: 1, arbitrary: fc.array(cell, { maxLength: 14 }) },
);
const fields = fc.oneof(
  { weight: 6, arbitrary: fc.constant(DAILY_FIELDS.join(",")) },
  { weight: 2, arbitrary: fc.shuffledSubarray(DAILY_FIELDS, { minLength: 9 }).map((names) => names.join(", \t")) },
  { weight: 1, arbitrary: fc.string({ maxLength: 60 }) },
);
const answer = fc.record({
  code: fc.oneof(
    { weight: 8, arbitrary: fc.constant("0") },
    {
      weight: 1,
      arbitrary: fc.oneof(fc.constantFrom("10001001", "10001011", "10004020"), fc.string({ maxLength: 9 })),
    },
  ),
  method: fc.oneof(
    { weight: 12, arbitrary: fc.constant("query_history_k_data_plus") },
    { weight: 1, arbitrary: fc.string() },
  ),
  page: fc.oneof({ weight: 12, arbitrary: fc.constant("1") }, { weight: 1, arbitrary: fc.string() }),
  rows: fc.array(row, { maxLength: 12 }),
  wrap: fc.oneof(
    { weight: 9, arbitrary: fc.constant("record") },
    { weight: 2, arbitrary: fc.constantFrom("records", "", "[]", "null") },
  ),
  fields,
  missing: fc.oneof({ weight: 10, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(12) }),
  type: fc.constantFrom("96", "96", "96", "99", "9B", "9D", "04", "34", "ZZ"),
  /** Added to the length that the header tells. */
  lie: fc.oneof(
    { weight: 10, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -40, max: 40 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 9_999_999_999 }) },
  ),
  cuts: fc.array(fc.nat(3_000), { maxLength: 6 }),
});

function toBytes({
  code,
  method,
  page,
  rows,
  wrap,
  fields,
  missing,
  type,
  lie,
}: typeof answer extends fc.Arbitrary<infer T> ? T : never): Buffer {
  const data = wrap === "" ? "" : wrap === "[]" || wrap === "null" ? wrap : JSON.stringify({ [wrap]: rows });
  const elements = [code, "success", method, "me", page, "2000", data, "sh.600000", fields, "a", "b", "d", "3"];
  const kept = missing === 0 ? elements : elements.slice(0, -missing);
  const bytes = /^9[69BD]$/.test(type) ? packedFrame(type, kept) : plainFrame(type, kept);
  const told = Number(bytes.toString("latin1", 11, HEADER_BYTES)) + lie;
  bytes.write(`${Math.min(Math.max(told, 0), 9_999_999_999)}`.padStart(10, "0"), 11, "latin1");
  return bytes;
}

test("answers of any form end in rows or in an error of a known kind", async () => {
  const tally = new Tally();
  const request: BaostockRequest = {
    type: "95",
    method: "query_history_k_data_plus",
    page: { number: 1, rows: 2_000 },
    params: [],
    fieldsAt: 8,
  };
  await fc.assert(
    fc.asyncProperty(answer, async (form) => {
      const bytes = toBytes(form);
      const cuts = [
        0,
        ...form.cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((left, right) => left - right),
        bytes.length,
      ];
      const pieces = cuts.slice(1).map((cut, index) => bytes.subarray(cuts[index], cut));
      await endingOf(pieces, { request, dataSet: "bars", frequency: "1d" }, tally);
      assert.deepEqual(tally.unknown, []);
    }),
    { seed: sizes.seed, numRuns: Math.ceil(sizes.fuzzInputs / 2) },
  );
  tally.close("baostock structure", [
    "rows",
    "rejected rows",
    "no rows",
    "cut",
    "refused",
    "transient",
    "permanent",
    "data",
  ]);
});

test("answers that would fill the memory are refused within the caps", async () => {
  const head = ["0", "success", "query_history_k_data_plus", "me", "1", "2000"];
  const tail = ["sh.600000", DAILY_FIELDS.join(","), "a", "b", "d", "3"];
  const cap = sizes.answerMibMax * MIB;
  const limits: FrameLimits = { frameBytesMax: cap, bodyBytesMax: cap };
  const large = cap - MIB;
  const of = (data: string): Buffer => packedFrame("96", [...head, data, ...tail]);
  const repeat = (text: string): string => text.repeat(Math.floor(large / text.length));
  const makers: Readonly<Record<string, () => readonly Buffer[]>> = {
    "a body that unpacks to thrice the cap": () => [
      packedBytes("96", deflateSync(Buffer.alloc(3 * cap), { level: 1 })),
    ],
    "empty rows": () => [of(`{"record":[${repeat("[],")}[]]}`)],
    "empty cells": () => [of(`{"record":[[${repeat(`"",`)}""]]}`)],
    brackets: () => [of(repeat("["))],
    "objects within each other": () => [of(repeat(`{"a":`))],
    "empty elements": () => [of(repeat(S))],
    "a plain answer without an end": () => [
      Buffer.from(`00.9.00${S}34${S}${`${large}`.padStart(10, "0")}`),
      ...Array.from({ length: sizes.answerMibMax + 1 }, () => Buffer.alloc(MIB, 32)),
    ],
  };
  const request: BaostockRequest = {
    type: "95",
    method: head[2] ?? "",
    page: { number: 1, rows: 2_000 },
    params: [],
    fieldsAt: 8,
  };
  for (const [name, make] of Object.entries(makers)) {
    const pieces = make();
    const startedAtMs = performance.now();
    await assert.rejects(
      decode(pieces, { request, dataSet: "bars", frequency: "1d" }, limits),
      (error) => error instanceof TransientError || error instanceof DataError,
      name,
    );
    const tookMs = Math.round(performance.now() - startedAtMs);
    console.log(`baostock memory: ${name}: refused in ${tookMs} ms, heap ${Math.round(heap() / MIB)} MiB`);
    assert.ok(tookMs < 10_000, name);
  }
});

test("a client before such a server answers every call with a table or an error of a known kind", async () => {
  const all = seeds().filter(({ request }) => request.type !== "00" && request.type !== "02");
  const pick = createPick("baostock connections");
  const tally = new Tally();
  await using server = await ScriptedBaostock.open(({ socket, fields }) => {
    const own = all.filter(({ request }) => isDeepStrictEqual(request.params, fields.slice(4)));
    const seed = own[pick(own.length)];
    assert.ok(seed !== undefined);
    const bytes =
      [() => seed.bytes, () => mutate(seed.bytes, pick), () => mutateWithin(seed, pick)][pick(3)]?.() ?? seed.bytes;
    for (const piece of split(bytes, pick)) {
      socket.write(piece);
    }
    if (pick(3) === 0) {
      socket.end();
    }
    return undefined;
  });
  await using client = createBaostockClient({
    host: "127.0.0.1",
    port: server.port,
    user: "me",
    password: "123456",
    clock: systemClock,
    callMsMax: 40,
    loginPauseMs: 0,
    loginsMax: Number.POSITIVE_INFINITY,
  });
  for (let input = 0; input < sizes.fuzzConnections; input += 1) {
    const { request } = all[pick(all.length)] ?? all[0] ?? assert.fail();
    const startedAtMs = performance.now();
    let ending: Ending = "rows";
    try {
      await client.call(request, AbortSignal.timeout(INPUT_MS_MAX));
    } catch (error) {
      ending = kindOf(error);
      if (ending === "unknown") {
        tally.unknown.push(error);
      }
    }
    tally.note(ending, performance.now() - startedAtMs);
  }
  tally.close("baostock connections", ["rows", "transient"]);
});
