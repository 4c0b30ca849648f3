import assert from "node:assert/strict";
import test from "node:test";

import { recordingFromRows } from "../../src/simulators/tushare/recording.ts";
import { openWorkerRig } from "./worker-rig.ts";

const CODE = "600000.SH";

test("large, small and oddly written numbers arrive equal to the digit, from the provider's text to the table", async (t) => {
  const row = {
    ts_code: CODE,
    pre_close: "1",
    change: "0",
    pct_chg: "0",
    open: "0.1234",
    high: "0.1234",
    low: "0.1234",
    close: "0.1234",
  };
  const data = recordingFromRows({
    daily: [
      // In lots and thousand yuan, as on the wire.
      { ...row, trade_date: "20240102", vol: "90071992547409.93", amount: "123456789.0123456" },
      { ...row, trade_date: "20240103", vol: "1e3", amount: "1.5E-3" },
      {
        ...row,
        trade_date: "20240104",
        vol: "0.01",
        amount: "0.0000001",
        open: "99999999999999.9999",
        high: "99999999999999.9999",
        close: "9E13",
      },
    ],
    stock_basic: [
      {
        ts_code: CODE,
        symbol: "600000",
        name: "x",
        list_status: "L",
        list_date: "20240102",
        exchange: "SSE",
        curr_type: "CNY",
      },
    ],
  });
  await using rig = await openWorkerRig(t, { data, numbers: "shortest" });
  if (rig === undefined) {
    return;
  }
  const worker = rig.start();
  await rig.publish([
    {
      key: CODE,
      value: { command: "bar_snapshot", params: { code: CODE, start_date: "20240102", end_date: "20240104" } },
    },
  ]);
  await rig.untilSettled(1);
  assert.deepEqual(
    await rig.select(
      `SELECT toString(trading_day) AS day, toString(open) AS open, toString(close) AS close, toString(volume) AS volume,
       toString(amount) AS amount FROM @bar ORDER BY trading_day`,
    ),
    [
      { day: "2024-01-02", open: "0.1234", close: "0.1234", volume: "9007199254740993", amount: "123456789012.3456" },
      { day: "2024-01-03", open: "0.1234", close: "0.1234", volume: "100000", amount: "1.5" },
      { day: "2024-01-04", open: "99999999999999.9999", close: "90000000000000", volume: "1", amount: "0.0001" },
    ],
  );
  await worker.stop();
});
