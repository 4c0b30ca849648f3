import assert from "node:assert/strict";
import { test } from "node:test";

import { array, assert as assertProperty, constantFrom, integer, property, uint8Array } from "fast-check";

import { generateMarket } from "../../market/generate-market.ts";
import { BodyReader, encodeRequest, hex, TdxRaw } from "../../../test/support/tdx-raw.ts";
import { answerRequest } from "./answer-request.ts";
import { ByteWriter } from "./byte-writer.ts";
import { COMMANDS } from "./commands.ts";
import { RequestReader } from "./frames.ts";
import { encodeGbk } from "./gbk.ts";
import { marketData } from "./market-data.ts";
import { startTdxSimulator } from "./simulator.ts";

const RUNS = { seed: 20_260_703, numRuns: 300 };
const data = marketData(generateMarket({ seed: 1, codes: 4, tradingDays: 10 }));

test("prices are written as the page's examples say", () => {
  const texts = [0, 1, -1, 9_010, 712, -72].map((value) => new ByteWriter().varint(value).toBuffer().toString("hex"));
  assert.deepEqual(texts, ["00", "01", "41", "b28c01", "880b", "c801"]);
});

test("any whole number up to 2^40 is read as it was written", () => {
  assertProperty(
    property(integer({ min: -(2 ** 40), max: 2 ** 40 }), (value) => {
      const reader = new BodyReader(new ByteWriter().varint(value).toBuffer());
      assert.equal(reader.varint(), value);
      assert.ok(reader.isAtEnd);
    }),
    RUNS,
  );
});

test("floats are the nearest ones of 32 bits", () => {
  const write = (value: number): number => new BodyReader(new ByteWriter().f32(value).toBuffer()).f32();
  assert.deepEqual([write(320_520_904), write(16_777_217), write(0), write(3)], [320_520_896, 16_777_216, 0, 3]);
});

test("text in GBK is read back, what GBK does not have becomes a question mark", () => {
  for (const text of ["平安银行", "主板Ａ股", "*ST康美", "N", "欢迎！", "€uro"]) {
    assert.equal(new TextDecoder("gbk").decode(encodeGbk(text)), text);
  }
  assert.deepEqual([...encodeGbk("a😀b")], [0x61, 0x3f, 0x62]);
});

test("requests are read however the stream is cut up, with stray bytes between them", () => {
  const requests = array(integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 1, maxLength: 5 });
  assertProperty(
    property(requests, integer({ min: 1, max: 20 }), integer({ min: 0, max: 3 }), (sequences, size, stray) => {
      const stream = Buffer.concat(
        sequences.flatMap((sequence) => [encodeRequest(0x0450, hex("0100 0000"), sequence), Buffer.alloc(stray)]),
      );
      const reader = new RequestReader();
      const read: number[] = [];
      for (let from = 0; from < stream.length; from += size) {
        for (const frame of reader.push(stream.subarray(from, from + size))) {
          read.push(frame.sequence);
          assert.deepEqual([frame.type, frame.body.toString("hex")], [0x0450, "01000000"]);
        }
      }
      assert.deepEqual(read, sequences);
    }),
    RUNS,
  );
});

test("no body of any command makes the simulator throw", () => {
  assertProperty(
    property(constantFrom(...Object.values(COMMANDS)), uint8Array({ maxLength: 40 }), (type, bytes) => {
      const reply = answerRequest({ sequence: 1, type, body: Buffer.from(bytes) }, data);
      assert.ok(reply === undefined || reply.body === undefined || reply.body.length > 0);
    }),
    { ...RUNS, numRuns: 3_000 },
  );
});

test("random bytes neither end the simulator nor keep another connection waiting", async () => {
  await using simulator = await startTdxSimulator({ data });
  using noisy = await TdxRaw.open(simulator.port);
  assertProperty(
    property(uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
      noisy.send(bytes);
    }),
    { ...RUNS, numRuns: 50 },
  );
  using calm = await TdxRaw.open(simulator.port);
  assert.equal((await calm.ask(0x0004, hex(""), 9)).sequence, 9);
});
