import assert from "node:assert/strict";
import { test } from "node:test";

import { countBars, generateMarket } from "./generate-market.ts";
import { decimalOf, truthFactorRows, truthRows } from "./truth-rows.ts";

test("whole numbers become canonical decimal text", () => {
  assert.deepEqual(
    [decimalOf(1234, 2), decimalOf(1200, 2), decimalOf(5, 2), decimalOf(0, 2), decimalOf(-5, 2), decimalOf(100, 0)],
    ["12.34", "12", "0.05", "0", "-0.05", "100"],
  );
  assert.equal(decimalOf(Number.MAX_SAFE_INTEGER, 4), "900719925474.0991");
  assert.throws(() => decimalOf(2 ** 53, 2), RangeError);
});

test("truth has one row for every bar and every factor, sorted by code and day", () => {
  const market = generateMarket({ seed: 4, codes: 20, tradingDays: 30 });
  const rows = [...truthRows(market)];
  assert.equal(rows.length, countBars(market));
  const keys = rows.map(({ code, day }) => `${code} ${day}`);
  assert.ok(keys.every((key, index) => index === 0 || key > (keys[index - 1] ?? "")));
  const bar = market.history("600000.SH")?.bars[0];
  const row = rows.find(({ code }) => code === "600000.SH");
  assert.ok(bar !== undefined && row !== undefined);
  assert.equal(row.close, decimalOf(bar.closeCents, 2));
  assert.equal(row.volume, String(bar.volume));
  assert.equal(row.amount, decimalOf(bar.turnoverCents, 2));
  assert.equal(
    [...truthFactorRows(market)].length,
    [...market.histories()].reduce((sum, { factors }) => sum + factors.length, 0),
  );
  assert.deepEqual(
    [...truthRows(market, ["600000.SH"])],
    rows.filter(({ code }) => code === "600000.SH"),
  );
});
