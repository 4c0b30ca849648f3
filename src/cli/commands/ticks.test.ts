import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "../../../test/support/run-cli.ts";
import type { AppApi, TicksReport, TicksRequest } from "../../app/app-api.ts";
import { parseDay } from "../../domain/day.ts";
import { TICK_COLUMNS } from "../../store/clickhouse/read-ticks.ts";

const DAY = parseDay("2024-01-02");
const STORED = { from: DAY, to: parseDay("2024-02-01"), days: "20" };
const LINE = {
  code: "000001.SZ",
  trading_day: "2024-01-02",
  time: "2024-01-02 09:31:00",
  sequence: 0,
  price: "10.501",
  volume: "1200",
  trades: null,
  direction: "buy",
  source: 8,
  flags: 0,
};
const REPORT: TicksReport = {
  columns: TICK_COLUMNS,
  day: DAY,
  rows: [LINE, { ...LINE, sequence: 1, trades: 12, direction: "sell", flags: 1 }],
  stored: STORED,
};

function ticksApp(report: TicksReport) {
  const requests: TicksRequest[] = [];
  const app: Partial<AppApi> = {
    ticks: (_config, request) => {
      requests.push(request);
      return Promise.resolve(report);
    },
  };
  return { app, requests };
}

test("ticks prints the prints of a day in their order, without what is the same in every line", async () => {
  const { app, requests } = ticksApp(REPORT);
  const { code, out, err } = await run(["ticks", "000001.SZ", "--day", "20240102"], { app });
  assert.deepEqual([code, err], [0, ""]);
  assert.equal(
    out,
    [
      "time                 sequence   price  volume  trades  direction",
      "2024-01-02 09:31:00         0  10.501    1200          buy",
      "2024-01-02 09:31:00         1  10.501    1200      12  sell",
      "",
    ].join("\n"),
  );
  assert.deepEqual(requests, [{ code: "000001.SZ", day: "2024-01-02" }]);
});

test("csv and json have every column, and numbers as they are stored", async () => {
  const csv = await run(["ticks", "000001.SZ", "--format", "csv"], ticksApp(REPORT));
  assert.equal(
    csv.out,
    "code,trading_day,time,sequence,price,volume,trades,direction,source,flags\n" +
      "000001.SZ,2024-01-02,2024-01-02 09:31:00,0,10.501,1200,,buy,8,0\n" +
      "000001.SZ,2024-01-02,2024-01-02 09:31:00,1,10.501,1200,12,sell,8,1\n",
  );
  assert.match(csv.err, /the last day of 000001.SZ that has ticks is 2024-01-02/);
  const json = await run(["ticks", "000001.SZ", "--format", "json", "--day", "2024-01-02"], ticksApp(REPORT));
  assert.deepEqual(JSON.parse(json.out), REPORT.rows);
});

test("no ticks is an answer of its own: exit 1, nothing on standard output, and what there is", async () => {
  const other = { ...REPORT, rows: [] };
  const elsewhere = await run(["ticks", "000001.SZ", "--day", "2024-01-02"], ticksApp(other));
  assert.deepEqual([elsewhere.code, elsewhere.out], [1, ""]);
  assert.match(elsewhere.err, /no ticks of 000001.SZ on 2024-01-02: 20 days are stored, 2024-01-02 to 2024-02-01/);
  const none = await run(["ticks", "000001.SZ"], ticksApp({ ...other, day: undefined, stored: undefined }));
  assert.deepEqual([none.code, none.out], [1, ""]);
  assert.match(none.err, /no ticks of 000001.SZ are stored/);
});

test("a wrong code, day or format is a usage error and loads nothing", async () => {
  for (const words of [["1.SZ"], ["000001.SZ", "--day", "2024-13-01"], ["000001.SZ", "--format", "parquet"]]) {
    const { code, loads } = await run(["ticks", ...words], ticksApp(REPORT));
    assert.deepEqual([code, loads], [64, 0], words.join(" "));
  }
});
