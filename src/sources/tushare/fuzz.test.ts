import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import * as fc from "fast-check";

import { heap, INPUT_MS_MAX, kindOf, MIB, Tally, type Ending } from "../../../test/support/fuzz-tally.ts";
import { sizes } from "../../../test/support/sizes.ts";
import { systemClock } from "../../base/clock.ts";
import { DataError, TransientError } from "../../base/errors.ts";
import { addDays, parseDay } from "../../domain/day.ts";
import type { Frequency } from "../../domain/frequency.ts";
import type { DataSet } from "../../domain/rows.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { Call } from "../../domain/unit.ts";
import { createRandom } from "../../market/random.ts";
import { translate } from "../http/errors.ts";
import { parseBody } from "../http/json-text.ts";
import { readEnvelope, readTable } from "./envelope.ts";
import { redact, toAnswerError } from "./errors.ts";
import { columnsOf, mapTable } from "./mapping.ts";
import { isCut, splitCall } from "./paging.ts";
import { openTushareSource } from "./source.ts";

/**
 * Whatever a server sends ends in rows, rejected rows or an error of a known kind, in bounded time and memory. The same
 * inputs in every run (`sizes.seed`); how many is a size.
 */
const DOING = "fuzzing tushare";
const TOKEN = "0123456789abcdef".repeat(3) + "01234567";
const DAY = parseDay("2024-01-02");

/** An answer that is right, and what it answers. */
interface Seed {
  readonly dataSet: DataSet;
  readonly frequency: Frequency;
  readonly row: readonly string[];
}

/** A row of each data set, in the order in which its columns are asked for, as JSON texts. */
const SEEDS: readonly Seed[] = [
  ["bars", "1d", `"000001.SZ","20180718",8.75,8.85,8.69,8.70,8.72,525152.77,460697.377`],
  ["bars", "1m", `"600000.SH","2023-08-25 09:30:00",6.99,6.99,6.99,6.99,103700,724863`],
  ["bars", "60m", `"600000.SH","2023-08-25 10:30:00",6.99,7.02,6.97,7.02,1807500,12649956`],
  ["adjustment-factors", "1d", `"000001.SZ","20200528",111.0487`],
  ["stock-list", "1d", `"000001.SZ","平安银行","银行","CNY","L","19910403",null`],
  ["trading-calendar", "1d", `"SSE","20250103",1`],
  ["suspensions", "1d", `"000001.SZ","20250102",null,"S"`],
].map(([dataSet, frequency, row]) => ({
  dataSet: dataSet as DataSet,
  frequency: frequency as Frequency,
  row: (row ?? "").split(","),
}));

const random = createRandom(sizes.seed, "tushare bytes");
const pick = (below: number): number => random.below(below);

function bodyOf({ dataSet, frequency, row }: Seed, rows = 3): string {
  const items = Array.from({ length: rows }, () => `[${row.join(",")}]`);
  const fields = JSON.stringify(columnsOf(dataSet, frequency));
  return `{"request_id":"1cc2","code":0,"msg":"","data":{"fields":${fields},"items":[${items.join(",")}],"has_more":false,"count":-1}}`;
}

/** What becomes of a body, as the client and the source would have it. */
function endingOf(body: string, seed: Pick<Seed, "dataSet" | "frequency">, tally: Tally): void {
  const startedAtMs = performance.now();
  let ending: Ending;
  try {
    ending = decode(body, seed);
  } catch (thrown) {
    const error = translate(thrown, DOING, (text) => redact(text, TOKEN));
    ending = error === thrown ? kindOf(error) : "refused";
    if (kindOf(error) === "unknown") {
      tally.unknown.push({ error, body: body.slice(0, 2_000) });
    }
  }
  tally.note(ending, performance.now() - startedAtMs);
}

function decode(body: string, { dataSet, frequency }: Pick<Seed, "dataSet" | "frequency">): Ending {
  const envelope = readEnvelope(parseBody(body));
  if (envelope === undefined) {
    throw new TransientError(`${DOING}: no envelope`);
  }
  if (envelope.code !== 0) {
    throw toAnswerError(envelope.code, envelope.text, DOING, TOKEN, systemClock);
  }
  const table = readTable(envelope.data, DOING);
  const { rows, rejected } = mapTable(dataSet, frequency, table);
  assert.ok(rows.length + rejected.length <= table.items.length);
  for (const row of rows) {
    assert.ok(!("volume" in row) || /^\d{1,19}$/.test(row.volume), JSON.stringify(row));
    assert.ok(!("open" in row) || /^-?\d{1,14}(?:\.\d{1,4})?$/.test(row.open), JSON.stringify(row));
    assert.ok(!("time" in row) || row.time.startsWith(`${row.tradingDay} `), JSON.stringify(row));
  }
  for (const { raw, code } of rejected) {
    assert.ok(raw.length <= 2_000 && code.length <= 20);
  }
  return rejected.length > 0 ? "rejected rows" : rows.length > 0 ? "rows" : "no rows";
}

const BITS = [
  `"`,
  "[",
  "]",
  "{",
  "}",
  ",",
  ":",
  "null",
  "true",
  "1e999",
  "-",
  "0",
  "\\u0000",
  "\\ud800",
  "浦",
  "9".repeat(40),
];

/** Some changes at random places, nothing to do with what they mean. */
function mutate(text: string): string {
  let changed = text;
  for (let change = pick(4); change >= 0; change -= 1) {
    const at = pick(changed.length + 1);
    const to = Math.min(changed.length, at + 1 + pick(30));
    const [head, cut, tail] = [changed.slice(0, at), changed.slice(at, to), changed.slice(to)];
    const bit = BITS[pick(BITS.length)] ?? "";
    const noise = String.fromCharCode(...Array.from({ length: 1 + pick(8) }, () => pick(65_536)));
    const ways = [
      () => head + tail,
      () => head + cut + cut + tail,
      () => head + bit + changed.slice(at),
      () => head + bit + tail,
      () => head + noise + tail,
      () => head,
    ];
    changed = ways[pick(ways.length)]?.() ?? changed;
  }
  return changed;
}

test("changed, cut and random answers end in rows or in an error of a known kind", () => {
  const tally = new Tally();
  for (let input = 0; input < sizes.fuzzInputs; input += 1) {
    const seed = SEEDS[pick(SEEDS.length)] ?? assert.fail();
    const body = bodyOf(seed, 1 + pick(4));
    const ways = [() => body, () => mutate(body), () => mutate(body), () => mutate("").repeat(1 + pick(20))];
    endingOf(ways[pick(ways.length)]?.() ?? body, seed, tally);
  }
  tally.close("tushare bytes", ["rows", "rejected rows", "transient", "permanent"]);
});

/** JSON text of a cell. */
const cell: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.constantFrom(`"600000.SH"`, `"20240102"`, `"2024-01-02 09:31:00"`, "6.63", "100", "0", "null"),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom("1e400", "-0", "1E-3", "9".repeat(200), "1e-9999", "0.00001", "-1", `"６.63"`),
  },
  { weight: 4, arbitrary: fc.string({ unit: "binary", maxLength: 30 }).map((text) => JSON.stringify(text)) },
  { weight: 2, arbitrary: fc.json({ maxDepth: 2 }) },
);

const answer = fc.record({
  seed: fc.constantFrom(...SEEDS),
  code: fc.oneof(
    { weight: 8, arbitrary: fc.constant("0") },
    { weight: 1, arbitrary: fc.constantFrom("40203", "-1000", "50101", "40101", "-2001", `"0"`, "1e3", "null") },
  ),
  msg: fc.oneof(
    fc.constantFrom(
      "",
      "抱歉，您每分钟最多访问该接口200次",
      "抱歉，您访问接口(stk_mins)频率超限(1次/分钟)",
      "抱歉，您没有接口(stk_mins)访问权限",
      "您的token不对，请确认。",
      "频率超限(99999999999次/天)",
    ),
    fc.string({ unit: "binary", maxLength: 60 }),
  ),
  rows: fc.array(fc.array(fc.tuple(fc.nat(9), cell), { maxLength: 2 }), { maxLength: 8 }),
  extra: fc.oneof({ weight: 8, arbitrary: fc.constant("") }, { weight: 1, arbitrary: cell.map((text) => `,${text}`) }),
  data: fc.oneof(
    { weight: 12, arbitrary: fc.constant("") },
    {
      weight: 1,
      arbitrary: fc.constantFrom("null", "[]", "{}", `{"fields":[],"items":[]}`, `{"fields":"a","items":{}}`),
    },
  ),
  missing: fc.oneof({ weight: 10, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(4) }),
  hasMore: fc.constantFrom("", `,"has_more":true`, `,"has_more":false`, `,"has_more":"no"`, `,"has_more":1`),
});

test("answers of any form end in rows or in an error of a known kind", () => {
  const tally = new Tally();
  fc.assert(
    fc.property(answer, ({ seed, code, msg, rows, extra, data, missing, hasMore }) => {
      const items = rows.map((changes) => {
        const cells = [...seed.row];
        for (const [at, text] of changes) {
          cells[at % cells.length] = text;
        }
        return `[${cells.join(",")}${extra}]`;
      });
      const columns = columnsOf(seed.dataSet, seed.frequency);
      const fields = JSON.stringify(missing === 0 ? columns : columns.slice(0, -missing));
      const table = data === "" ? `{"fields":${fields},"items":[${items.join(",")}]${hasMore}}` : data;
      endingOf(`{"code":${code},"msg":${JSON.stringify(msg)},"data":${table}}`, seed, tally);
      assert.deepEqual(tally.unknown, []);
    }),
    { seed: sizes.seed, numRuns: Math.ceil(sizes.fuzzInputs / 2) },
  );
  tally.close("tushare structure", ["rows", "rejected rows", "no rows", "transient", "permanent", "data"]);
});

test("a server that never comes to an end is given up after a bounded number of calls", () => {
  const call = fc.record({
    days: fc.integer({ min: 1, max: 60 }),
    codes: fc.integer({ min: 0, max: 8 }),
    cap: fc.integer({ min: 2, max: 9_000 }),
  });
  fc.assert(
    fc.property(call, fc.boolean(), ({ days, codes, cap }, isMinutes) => {
      const all = Array.from({ length: isMinutes ? 1 : codes }, (_, index) =>
        parseSecurityCode(`${600_000 + index}.SH`),
      );
      const first: Call = {
        dataSet: "bars",
        frequency: isMinutes ? "1m" : "1d",
        selection:
          all.length === 0
            ? { by: "day", day: DAY }
            : { by: "codes", codes: all, from: DAY, to: addDays(DAY, days - 1) },
      };
      let left: Call[] = [first];
      // Down one branch only, since all are alike.
      for (let calls = 0; left.length > 0; calls += 1) {
        assert.ok(calls < 60_000 / cap + 40, `${calls} calls`);
        const next = left[0] ?? first;
        const table = { fields: [], items: Array.from({ length: cap }, () => []), hasMore: true };
        assert.ok(isCut(next, table, cap));
        try {
          left = [...splitCall(next, cap, cap)];
        } catch (error) {
          assert.ok(error instanceof DataError);
          return;
        }
      }
    }),
    { seed: sizes.seed, numRuns: 30 },
  );
});

test("a source before such a server answers every call with a page or an error of a known kind, large answers too", async () => {
  const tally = new Tally();
  const bodyBytesMax = 4 * MIB;
  const packed = gzipSync(Buffer.alloc(3 * bodyBytesMax));
  const nested = "[".repeat(2 * MIB);
  let [seed, turn] = [SEEDS[0] ?? assert.fail(), 0];
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      const body = bodyOf(seed);
      const ways = [
        () => response.end(body),
        () => response.end(mutate(body)),
        () => response.writeHead(200, { "content-encoding": "gzip" }).end(body),
        () => response.writeHead(200, { "content-encoding": "gzip" }).end(packed),
        () => response.end(nested),
        () => response.end(Buffer.alloc(bodyBytesMax + 1, 32)),
        () => response.writeHead([404, 429, 500, 502][pick(4)] ?? 500).end(mutate(body)),
        () => response.writeHead(200, { "content-length": "100" }).end(body.slice(0, 100)),
        () => request.socket.destroy(),
      ];
      ways[turn % ways.length]?.();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const heapBefore = heap();
  {
    const baseUrl = `http://127.0.0.1:${address.port}`;
    await using source = openTushareSource({
      token: TOKEN,
      clock: systemClock,
      baseUrl,
      bodyBytesMax,
      useProxy: false,
    });
    for (; turn < Math.max(40, sizes.fuzzConnections); turn += 1) {
      seed = SEEDS[turn % 3] ?? seed;
      const selection = { by: "codes", codes: [parseSecurityCode("600000.SH")], from: DAY, to: DAY } as const;
      const startedAtMs = performance.now();
      let ending: Ending = "rows";
      try {
        await source.fetch(
          { dataSet: "bars", frequency: seed.frequency, selection },
          AbortSignal.timeout(INPUT_MS_MAX),
        );
      } catch (error) {
        ending = kindOf(error);
        if (ending === "unknown") {
          tally.unknown.push(error);
        }
      }
      tally.note(ending, performance.now() - startedAtMs);
    }
  }
  server.closeAllConnections();
  server.close();
  await once(server, "close");
  assert.ok(heap() - heapBefore < 256 * MIB);
  tally.close("tushare connections", ["rows", "transient", "data"]);
});
