import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { deflateSync } from "node:zlib";

import fc from "fast-check";
import { Temporal } from "temporal-polyfill";

import { systemClock } from "../../base/clock.ts";
import { DataError, TransientError } from "../../base/errors.ts";
import { parseDay } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { sizes } from "../../../test/support/sizes.ts";
import {
  answerFrame,
  barsBody,
  float32,
  HANDSHAKE_BODY,
  readBarsRequest,
  startTdxServer,
  uint16,
  varint,
} from "../../../test/support/tdx-server.ts";
import { readCorporateActions } from "./corporate-actions.ts";
import { GarbledAnswerError, HollowAnswerError } from "./errors.ts";
import { parseRecordFile } from "./file-records.ts";
import { FrameReader, unpackBody } from "./frame.ts";
import { readKLines } from "./k-lines.ts";
import { readSecurityList } from "./lists.ts";
import { mapKLines, mapTicks } from "./mapping.ts";
import { readPastMinuteLine, readTodaysMinuteLine } from "./minute-lines.ts";
import { readQuotes } from "./quotes.ts";
import { HANDSHAKE, HEARTBEAT } from "./session-commands.ts";
import { openTdxSource } from "./source.ts";
import { readTicks } from "./ticks.ts";

/** Whatever bytes come: rows, rejected rows or an error of a known kind, in bounded time and memory. */

const GOLDEN = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../test/fixtures/tdx/golden-samples.json"), "utf8"),
) as Readonly<Record<string, Readonly<Record<string, string>>>>;
const FRAMES = Object.values(GOLDEN).flatMap(({ answer }) =>
  answer === undefined ? [] : [Buffer.from(answer, "hex")],
);
const BODIES = [
  ...Object.values(GOLDEN).flatMap(({ body, bodyBegin }) => {
    const hex = body ?? bodyBegin;
    return hex === undefined ? [] : [Buffer.from(hex, "hex")];
  }),
  ...FRAMES.map((bytes) => unpackBody([...new FrameReader().push(bytes)][0] ?? assert.fail("no frame"))),
];

const BANK = parseSecurityCode("000001.SZ");
const BOND = parseSecurityCode("113050.SH");
const DAY = parseDay("2024-01-15");
const RUNS = sizes.propertyRuns * 10;
/** One input takes microseconds; this is no measurement but the bound beyond which it hangs. */
const INPUT_MS_MAX = 5_000;
const HEAP_MB_MAX = 512;

class Tally {
  readonly #startedMs = performance.now();
  inputs = 0;
  answered = 0;
  refused = 0;
  heapMb = 0;
  slowestMs = 0;

  count(read: () => unknown): void {
    const startedMs = performance.now();
    this.inputs += 1;
    try {
      read();
      this.answered += 1;
    } catch (error) {
      // Anything else is a defect, and fails the test with its stack.
      if (!(error instanceof GarbledAnswerError) && !(error instanceof HollowAnswerError)) {
        throw error;
      }
      this.refused += 1;
    }
    this.slowestMs = Math.max(this.slowestMs, performance.now() - startedMs);
    if (this.inputs % 256 === 0) {
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      this.heapMb = Math.max(this.heapMb, (heapUsed + arrayBuffers) / 1_048_576);
    }
    assert.ok(this.slowestMs < INPUT_MS_MAX, `an input took ${this.slowestMs} ms`);
  }

  report(): string {
    assert.ok(this.heapMb < HEAP_MB_MAX, `${this.heapMb} MB`);
    const ms = Math.round(performance.now() - this.#startedMs);
    const memory = `largest heap ${Math.round(this.heapMb)} MB`;
    const outcomes = `${this.answered} read, ${this.refused} refused, hangs 0, unknown errors 0`;
    return `${this.inputs} inputs in ${ms} ms, slowest ${this.slowestMs.toFixed(1)} ms, ${memory}; ${outcomes}`;
  }
}

/** Every reader there is, with what is made of its rows; a count of rows is bounded by the bytes. */
const READERS: readonly ((body: Buffer) => void)[] = [
  ...[0, 9].flatMap((category) =>
    [true, false].map((isIndex) => (body: Buffer) => {
      const rows = readKLines(body, { category, isIndex, askedMax: 800 });
      assert.ok(rows.length * 16 <= body.length);
      for (const code of [BANK, BOND]) {
        const { bars, rejected, suspensions } = mapKLines(rows, code, category === 9 ? "1d" : "5m");
        assert.equal(bars.length + rejected.length + suspensions.length, rows.length);
      }
    }),
  ),
  ...[true, false].map((isToday) => (body: Buffer) => {
    const rows = readTicks(body, { isToday, askedMax: 2_000 }).ticks;
    assert.ok(rows.length * 6 <= body.length);
    const { ticks, rejected } = mapTicks(rows, BANK, DAY);
    assert.equal(ticks.length + rejected.length, rows.length);
  }),
  readPastMinuteLine,
  readTodaysMinuteLine,
  readQuotes,
  readSecurityList,
  readCorporateActions,
  (body) => HANDSHAKE.read(body),
  (body) => HEARTBEAT.read(body),
  (body) => {
    for (const frequency of ["1d", "1m"] as const) {
      const { bars, rejected, suspensions, received } = parseRecordFile(body, BANK, frequency);
      const over = body.length % 32 === 0 ? 0 : 1;
      assert.equal(bars.length + rejected.length + suspensions.length, received + over);
    }
  },
];

function readAll(tally: Tally, body: Buffer): void {
  for (const read of READERS) {
    tally.count(() => read(body));
  }
}

interface Change {
  readonly at: number;
  readonly byte: number;
}

const changes = fc.array(fc.record({ at: fc.nat(2_000), byte: fc.nat(255) }), { maxLength: 6 });

function mutate(bytes: Buffer, changed: readonly Change[], cut: number, from: number): Buffer {
  const copy = Buffer.from(bytes);
  for (const { at, byte } of changed) {
    copy[at % copy.length] = byte;
  }
  return copy.subarray(from % Math.max(copy.length, 1), copy.length - (cut % copy.length));
}

test("bodies: recorded ones changed, cut and shifted, and random bytes", (t) => {
  const tally = new Tally();
  const mutated = fc
    .tuple(
      fc.constantFrom(...BODIES),
      changes,
      fc.oneof(fc.constant(0), fc.nat(2_000)),
      fc.constantFrom(0, 0, 0, 1, 2, 7),
    )
    .map(([bytes, changed, cut, from]) => mutate(bytes, changed, cut, from));
  const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  const property = fc.property(fc.oneof({ weight: 3, arbitrary: mutated }, random), (body) => readAll(tally, body));
  fc.assert(property, { seed: sizes.seed, numRuns: RUNS });
  t.diagnostic(`bodies: ${tally.report()}`);
});

test("structure: counts, numbers and floats that lie", (t) => {
  const tally = new Tally();
  const number = fc.oneof(
    fc.integer({ min: -200, max: 20_000 }).map(varint),
    fc.integer({ min: -(2 ** 48), max: 2 ** 48 }).map(varint),
    fc.array(fc.constant(0xff), { maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  );
  const float = fc.oneof(
    fc.float().map(float32),
    fc.constantFrom(0, 1e-45, 3.4e38, Number.NaN, Infinity, -1).map(float32),
  );
  const short = fc.integer({ min: 0, max: 65_535 }).map((value) => uint16(value));
  const row = fc
    .array(fc.oneof(number, float, short), { minLength: 4, maxLength: 12 })
    .map((parts) => Buffer.concat(parts));
  const well = fc
    .tuple(short, fc.array(number, { minLength: 4, maxLength: 4 }), float, float)
    .map(([time, prices, volume, amount]) => Buffer.concat([time, time, ...prices, volume, amount]));
  const body = fc
    .tuple(fc.array(fc.oneof(row, well), { maxLength: 30 }), fc.oneof(fc.constant(undefined), fc.nat(65_535)))
    .map(([rows, count]) => Buffer.concat([uint16(count ?? rows.length), ...rows]));
  fc.assert(
    fc.property(body, (bytes) => readAll(tally, bytes)),
    { seed: sizes.seed, numRuns: RUNS },
  );
  t.diagnostic(`structure: ${tally.report()}`);
});

test("frames: recorded ones changed and cut anywhere, lying lengths, archives that unpack to megabytes", (t) => {
  const tally = new Tally();
  const bomb = deflateSync(Buffer.alloc(40 * 1_048_576));
  assert.ok(bomb.length < 65_536);
  const lying = fc.tuple(fc.nat(65_535), fc.nat(65_535)).map(([wire, size]) => {
    const frame = answerFrame({ sequence: 1, type: 0x052d }, Buffer.alloc(300, 5));
    frame.writeUInt16LE(wire, 12);
    frame.writeUInt16LE(size, 14);
    return frame;
  });
  const exploding = fc.nat(65_535).map((size) => {
    const frame = Buffer.concat([answerFrame({ sequence: 1, type: 0x052d }, Buffer.alloc(0)), bomb]);
    frame.writeUInt16LE(bomb.length, 12);
    frame.writeUInt16LE(size, 14);
    return frame;
  });
  const mutated = fc
    .tuple(fc.constantFrom(...FRAMES), changes, fc.oneof(fc.constant(0), fc.nat(400)))
    .map(([bytes, changed, cut]) => mutate(bytes, changed, cut, 0));
  const stream = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: mutated },
      { weight: 2, arbitrary: lying },
      { weight: 1, arbitrary: exploding },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) },
    ),
    { minLength: 1, maxLength: 3 },
  );
  const property = fc.property(stream, fc.integer({ min: 1, max: 400 }), (parts, step) => {
    const bytes = Buffer.concat(parts);
    tally.count(() => {
      const reader = new FrameReader();
      for (let at = 0; at < bytes.length; at += step) {
        for (const frame of reader.push(bytes.subarray(at, at + step))) {
          assert.ok(unpackBody(frame).length === frame.size);
        }
        assert.ok(reader.held <= 65_551 + step, "more than an unfinished answer is held");
      }
    });
  });
  fc.assert(property, { seed: sizes.seed, numRuns: Math.ceil(RUNS / 4) });
  t.diagnostic(`frames: ${tally.report()}`);
});

test("every way to cut two recorded frames into segments gives the same two", () => {
  for (const [index, first] of FRAMES.entries()) {
    const second = FRAMES[(index + 1) % FRAMES.length] ?? first;
    const bytes = Buffer.concat([first, second]);
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const reader = new FrameReader();
      const frames = [...reader.push(bytes.subarray(0, cut)), ...reader.push(bytes.subarray(cut))];
      assert.equal(frames.length, 2);
      assert.equal(reader.held, 0);
    }
    const reader = new FrameReader();
    const byOne = [...bytes].flatMap((byte) => [...reader.push(Buffer.from([byte]))]);
    assert.deepEqual(
      byOne.map(({ wire }) => wire.length),
      [first.length - 16, second.length - 16],
    );
  }
});

test("a source before a server that answers with changed frames: rows or an error that passes", async (t) => {
  const runs = Math.ceil(sizes.propertyRuns / 5);
  const sound = barsBody([{ time: DAY, open: 10_000, high: 10_100, low: 9_900, close: 10_050, volume: 10, amount: 9 }]);
  let next: readonly Change[] = [];
  let cut = 0;
  await using server = await startTdxServer((request) => {
    if (request.type === 0x000d) {
      return HANDSHAKE_BODY;
    }
    if (readBarsRequest(request.body).key === "000001.1") {
      return sound;
    }
    return { raw: mutate(answerFrame(request, sound), next, cut, 0) };
  });
  const clock = { ...systemClock, now: () => Temporal.Instant.from(`${DAY}T20:00:00+08:00`) };
  const servers = [{ host: "127.0.0.1", port: server.port }];
  await using source = openTdxSource({ servers, clock, callMsMax: 60, pauseMs: 0 });
  const counts = { rows: 0, rejected: 0, errors: 0 };
  const startedMs = performance.now();
  await fc.assert(
    fc.asyncProperty(changes, fc.oneof(fc.constant(0), fc.nat(60)), async (changed, size) => {
      next = changed;
      cut = size;
      const selection = { by: "codes", codes: [BANK], from: DAY, to: DAY } as const;
      try {
        const page = await source.fetch({ dataSet: "bars", frequency: "1d", selection }, AbortSignal.timeout(5_000));
        counts.rows += page.rows.length;
        counts.rejected += page.rejected.length;
      } catch (error) {
        assert.ok(error instanceof TransientError || error instanceof DataError, String(error));
        counts.errors += 1;
      }
    }),
    { seed: sizes.seed, numRuns: runs },
  );
  const ms = Math.round(performance.now() - startedMs);
  t.diagnostic(`connections: ${runs} inputs in ${ms} ms; ${JSON.stringify(counts)}, hangs 0, unknown errors 0`);
});
