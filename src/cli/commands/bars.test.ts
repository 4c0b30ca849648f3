import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "../../../test/support/run-cli.ts";
import type { AppApi, BarsReport, BarsRequest } from "../../app/app-api.ts";
import { DataError } from "../../base/errors.ts";
import { parseDay } from "../../domain/day.ts";

const REPORT: BarsReport = {
  columns: ["code", "trading_day", "close", "amount", "factor", "adjusted_close", "flags"],
  rows: [
    {
      code: "000001.SZ",
      trading_day: "2024-01-02",
      close: "9.5",
      amount: null,
      factor: null,
      adjusted_close: null,
      flags: 32,
    },
    {
      code: "000001.SZ",
      trading_day: "2024-01-03",
      close: "10.0001",
      amount: "15",
      factor: "2",
      adjusted_close: "20.0002",
      flags: 0,
    },
  ],
  anchor: { day: parseDay("2024-01-04"), factor: "1", source: 7 },
  withoutFactor: { days: 1, from: parseDay("2024-01-02"), to: parseDay("2024-01-02"), hasOtherSource: false },
  stored: undefined,
};
const NOTHING: BarsReport = { ...REPORT, rows: [], anchor: undefined, withoutFactor: undefined };

function barsApp(report: BarsReport, parquet: readonly string[] = []) {
  const requests: BarsRequest[] = [];
  const app: Partial<AppApi> = {
    bars: async (_config, request) => {
      requests.push(request);
      for (const piece of parquet) {
        await request.parquet?.(Buffer.from(piece, "latin1"));
      }
      return report;
    },
  };
  return { app, requests };
}

test("bars prints a table with numbers to the right, and says on standard error what has no factor", async () => {
  const { app, requests } = barsApp(REPORT);
  const { code, out, err } = await run(["bars", "000001.SZ", "--adjust", "forward", "--from", "20240102"], { app });
  assert.equal(code, 0);
  assert.equal(
    out,
    [
      "trading_day    close  amount  factor  adjusted_close",
      "2024-01-02       9.5",
      "2024-01-03   10.0001      15       2         20.0002",
      "",
    ].join("\n"),
  );
  assert.match(err, /^gdw: adjusted at the anchor 2024-01-04, whose factor is 1$/m);
  assert.match(
    err,
    /^gdw: 1 of 2 days have no factor and no adjusted price, from 2024-01-02 to 2024-01-02; .*--kind factors/m,
  );
  assert.deepEqual(requests, [
    { code: "000001.SZ", frequency: "1d", from: "2024-01-02", to: undefined, adjust: "forward", anchor: undefined },
  ]);
});

test("csv and json have every column, decimals as their text, nothing where there is nothing", async () => {
  const { app } = barsApp(REPORT);
  const csv = await run(["bars", "000001.SZ", "--format", "csv"], { app });
  assert.equal(
    csv.out,
    "code,trading_day,close,amount,factor,adjusted_close,flags\n" +
      "000001.SZ,2024-01-02,9.5,,,,32\n000001.SZ,2024-01-03,10.0001,15,2,20.0002,0\n",
  );
  const json = await run(["bars", "000001.SZ", "--format", "json"], { app });
  assert.deepEqual(JSON.parse(json.out), REPORT.rows);
});

test("parquet goes to a pipe or a file, never to a terminal, and its bytes stay as they are", async () => {
  const bytes = "PAR1\u0000\u00ff\u0080\r\nPAR1";
  const { app } = barsApp(REPORT, [bytes.slice(0, 5), bytes.slice(5)]);
  const piped = await run(["bars", "000001.SZ", "--format", "parquet"], { app });
  assert.deepEqual([piped.code, piped.out], [0, bytes]);
  const typed = await run(["bars", "000001.SZ", "--format", "parquet"], { app, isTerminal: true });
  assert.deepEqual([typed.code, typed.out, typed.loads], [64, "", 0]);
  assert.match(typed.err, /name a file with --output, or pipe it/);
});

test("--output is there whole or not at all", async () => {
  const files = new Map<string, string>();
  let dropped = 0;
  const createFile = (path: string) => {
    let text = "";
    return Promise.resolve({
      write: (piece: string | Uint8Array) => {
        if (path === "full.csv") {
          return Promise.reject(Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" }));
        }
        text += Buffer.from(piece).toString("latin1");
        return Promise.resolve();
      },
      keep: () => {
        files.set(path, text);
        return Promise.resolve();
      },
      drop: () => {
        dropped += 1;
        return Promise.resolve();
      },
    });
  };
  const { app } = barsApp(REPORT, ["PAR1"]);
  const world = { app, createFile };
  const csv = await run(["bars", "000001.SZ", "--format", "csv", "--output", "bars.csv"], world);
  assert.deepEqual([csv.code, csv.out], [0, ""]);
  assert.match(csv.err, /2 1d bars of 000001.SZ are in bars.csv/);
  assert.match(files.get("bars.csv") ?? "", /^code,/);
  await run(["bars", "000001.SZ", "--format", "parquet", "--output", "bars.parquet"], world);
  assert.equal(files.get("bars.parquet"), "PAR1");
  const full = await run(["bars", "000001.SZ", "--output", "full.csv"], world);
  assert.deepEqual([full.code, dropped, files.has("full.csv")], [69, 1, false]);
  assert.match(full.err, /the disk is full/);
});

test("no bars is an answer of its own: exit 1, nothing on standard output, and what to do", async () => {
  const none = await run(["bars", "600000.SH"], barsApp(NOTHING));
  assert.deepEqual([none.code, none.out], [1, ""]);
  assert.match(none.err, /no bars of 600000.SH are stored; bring them with gdw request --codes 600000.SH --wait/);
  const elsewhere = { ...NOTHING, stored: { from: parseDay("2024-01-02"), to: parseDay("2024-02-01"), bars: "20" } };
  const range = await run(["bars", "600000.SH", "--to", "20231231", "--format", "csv"], barsApp(elsewhere));
  assert.deepEqual([range.code, range.out], [1, ""]);
  assert.match(range.err, /no bars of 600000.SH to 2023-12-31: 20 days are stored, 2024-01-02 to 2024-02-01/);
});

test("an anchor without a factor is a usage error with the words of the program", async () => {
  const app: Partial<AppApi> = { bars: () => Promise.reject(new DataError("no factor on that day; take another")) };
  const { code, err } = await run(["bars", "000001.SZ", "--adjust", "forward", "--anchor", "2024-06-30"], { app });
  assert.deepEqual([code, err], [64, "gdw: no factor on that day; take another\n"]);
});

test("what does not fit together is refused before anything is opened", async () => {
  const wrong: readonly (readonly string[])[] = [
    ["1"],
    ["000001.SZ", "--adjust", "sideways"],
    ["000001.SZ", "--anchor", "20240102"],
    ["000001.SZ", "--frequency", "1w", "--adjust", "forward"],
    ["000001.SZ", "--frequency", "2h"],
    ["000001.SZ", "--from", "20240202", "--to", "20240102"],
    ["000001.SZ", "--format", "xml"],
    [],
  ];
  for (const args of wrong) {
    const { code, err, loads } = await run(["bars", ...args]);
    assert.deepEqual([code, loads], [64, 0], args.join(" "));
    assert.match(err, /^gdw: [^\n]+\n$/);
  }
});

test("minutes are read and adjusted like days, weeks are not adjusted, and what is missing is asked for as minutes", async () => {
  const minutes = ["2024-01-02 09:35:00", "2024-01-02 09:40:00", "2024-01-03 09:35:00"].map((time) => ({
    trading_day: time.slice(0, 10),
    time,
    close: "9.5",
    factor: null,
    adjusted_close: null,
  }));
  const report = {
    ...REPORT,
    columns: ["trading_day", "time", "close", "factor", "adjusted_close"],
    rows: minutes,
    withoutFactor: { days: 2, from: parseDay("2024-01-02"), to: parseDay("2024-01-03"), hasOtherSource: false },
  };
  const { app, requests } = barsApp(report);
  const { out, err } = await run(["bars", "000001.SZ", "--frequency", "5m", "--adjust", "backward"], { app });
  assert.equal(requests[0]?.frequency, "5m");
  assert.match(out, /^2024-01-02\s+2024-01-02 09:40:00\s+9.5$/m);
  assert.match(err, /2 of 2 days have no factor/);
  const weekly = await run(["bars", "000001.SZ", "--frequency", "1w", "--adjust", "forward"], { app });
  assert.deepEqual([weekly.code, weekly.loads], [64, 0]);
  const none = await run(["bars", "600000.SH", "--frequency", "5m"], barsApp(NOTHING));
  assert.match(none.err, /no 5m bars of 600000.SH are stored; bring them with gdw request .* --frequency 5m --wait/);
});
