import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { parseDecimal } from "../../base/decimal.ts";
import { tradingDays } from "../../domain/cn-trading-days.ts";
import { compactDay, parseDay } from "../../domain/day.ts";
import { readRecording, recordingFromRows } from "./recording.ts";
import { startTushareSimulator } from "./simulator.ts";

const FIXTURE = fileURLToPath(new URL("../../../test/fixtures/tushare", import.meta.url));
const WHOLE = join(process.env["GINKGO_TEST_DATA"] ?? "../shared/data", "tushare");

test("the fixture's spans are whole: rows and days without a trade are as many as its page says", async () => {
  const recording = await readRecording(FIXTURE);
  assert.deepEqual(recording.codes, ["000001.SZ"]);
  const page = await readFile(join(FIXTURE, "README.md"), "utf8");
  const spans = [...page.matchAll(/^\| (\S+) … (\S+)\s+\|\s+(\d+)\s+\|\s+(\d+)\s+\|/gm)];
  const counted = spans.map(([, from = "", to = ""]) => {
    const [first, last] = [compactDay(parseDay(from)), compactDay(parseDay(to))];
    const inSpan = (day: string): boolean => day >= first && day <= last;
    const rows = [...recording.rowsOf("daily", "000001.SZ")].map((row) => row[1] ?? "").filter(inSpan);
    assert.equal(first, rows.at(-1));
    assert.equal(last, rows[0]);
    return [
      String(
        tradingDays()
          .map((day) => compactDay(day))
          .filter(inSpan).length,
      ),
      String(rows.length),
    ];
  });
  assert.equal(spans.length, 6);
  assert.deepEqual(
    counted,
    spans.map(([, , , days, rows]) => [days, rows]),
  );
  assert.equal([...recording.rowsOf("daily", "000001.SZ")].length, 583);
  assert.equal([...recording.rowsOf("adj_factor", "000001.SZ")].length, 144);
});

test(
  "the fixture's rows are rows of the recording, cell by cell",
  { skip: existsSync(WHOLE) ? false : `no recording at ${WHOLE}` },
  async () => {
    const [fixture, whole] = await Promise.all([readRecording(FIXTURE), readRecording(WHOLE)]);
    for (const api of ["daily", "adj_factor"] as const) {
      const known = new Set([...whole.rowsOf(api, "000001.SZ")].map((row) => row.join()));
      assert.ok([...fixture.rowsOf(api, "000001.SZ")].every((row) => known.has(row.join())));
    }
  },
);

test(
  "the whole recording comes over the wire in two pages with every number equal",
  { skip: existsSync(WHOLE) ? false : `no recording at ${WHOLE}` },
  async () => {
    const recording = await readRecording(WHOLE);
    await using simulator = await startTushareSimulator({ data: recording });
    const texts: string[] = [];
    for (const offset of [0, 6_000]) {
      const body = JSON.stringify({
        api_name: "daily",
        token: simulator.token,
        params: { ts_code: "000001.SZ", offset },
      });
      texts.push(await (await fetch(simulator.url, { method: "POST", body })).text());
    }
    assert.deepEqual(
      texts.map((text) => /"has_more":(\w+)/.exec(text)?.[1]),
      ["true", "false"],
    );
    // Rows hold no brackets and no commas inside cells, so the text itself can be taken apart without a float.
    const served = texts.flatMap((text) => [...text.matchAll(/\["000001\.SZ","(\d+)",([^\]]*)\]/g)]);
    const expected = [...recording.rowsOf("daily", "000001.SZ")];
    assert.equal(served.length, 8_242);
    served.forEach(([, day, cells = ""], index) => {
      const row = expected[index] ?? [];
      assert.equal(day, row[1]);
      assert.deepEqual(
        cells.split(",").map((cell) => parseDecimal(cell)),
        row.slice(2, 11).map((cell) => parseDecimal(cell)),
      );
    });
  },
);

test("codes with bars that no stock list names are listed from their first bar on", () => {
  const bar = { open: "1", high: "1", low: "1", close: "1" };
  const recording = recordingFromRows({
    daily: [
      { ts_code: "600001.SH", trade_date: "20240103", ...bar },
      { ts_code: "600001.SH", trade_date: "20240102", ...bar },
    ],
    stock_basic: [
      { ts_code: "600002.SH", name: "x", list_status: "D", delist_date: "20230101", list_date: "20000101" },
    ],
  });
  const rows = [...recording.instruments(parseDay("2024-06-01"))];
  assert.deepEqual(
    rows.map((row) => [row[0], row[7], row[14]]),
    [
      ["600001.SH", "20240102", "L"],
      ["600002.SH", "20000101", "D"],
    ],
  );
  assert.deepEqual([...recording.rowsOn("daily", "20240102")].length, 1);
});

test("a folder without bars and a column that the api does not have are refused", async () => {
  await assert.rejects(readRecording(join(FIXTURE, "nowhere")), /has no folder daily/);
  assert.throws(
    () => recordingFromRows({ daily: [{ ts_code: "600001.SH", price: "1" }] }),
    /daily: it has no column price/,
  );
});
