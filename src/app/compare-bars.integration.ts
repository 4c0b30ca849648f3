import assert from "node:assert/strict";
import { test } from "node:test";

import { suiteOnEngines } from "../../test/support/clickhouse-suite.ts";
import { barModel } from "../../test/support/models.ts";
import { systemClock } from "../base/clock.ts";
import { parseDecimal } from "../base/decimal.ts";
import { silentLog } from "../base/log.ts";
import { parseDay, type Day } from "../domain/day.ts";
import { SOURCE } from "../domain/enums.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import { ensureSchema } from "../store/clickhouse/schema.ts";
import { createClickHouseStore } from "../store/clickhouse/store.ts";
import { compareBars } from "./compare-bars.ts";
import type { ExpectedBar } from "./demo-api.ts";

const never = new AbortController().signal;
const CODE = parseSecurityCode("000001.SZ");
const [FIRST, SECOND, THIRD, FOURTH] = [
  parseDay("2024-06-12"),
  parseDay("2024-06-13"),
  parseDay("2024-06-14"),
  parseDay("2024-06-17"),
];
const ZERO = parseDecimal("0");

suiteOnEngines("comparing bars", (open) => {
  test("a value that is unknown differs from every known one, also from 0, and every expected bar is compared or missing", async (t) => {
    const clickhouse = await open(t, "compare");
    if (clickhouse === undefined) {
      return;
    }
    const schema = { chain: [SOURCE.TUSHARE], ginkgoUnits: false, apply: true, createDatabase: true };
    await ensureSchema(clickhouse, schema, silentLog, never);
    const store = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog });
    const at = (day: Day) => ({ code: CODE, tradingDay: day, time: `${day} 00:00:00` });
    const models = [
      barModel(at(FIRST)),
      barModel({ ...at(SECOND), turnover: undefined }),
      barModel({ ...at(THIRD), preClose: undefined }),
    ];
    await store.addBatch(models, never);
    const row = barModel().row;
    const expected = (day: Day, changes: Partial<ExpectedBar> = {}): ExpectedBar => ({
      code: CODE,
      day,
      open: row.open,
      high: row.high,
      low: row.low,
      close: row.close,
      pre_close: row.preClose ?? ZERO,
      volume: row.volume,
      amount: row.turnover ?? ZERO,
      ...changes,
    });
    const rows = [
      expected(FIRST),
      expected(SECOND, { amount: ZERO }),
      expected(THIRD, { pre_close: ZERO }),
      expected(FOURTH),
    ];
    assert.deepEqual(await compareBars(clickhouse, { rows, codes: [CODE], from: FIRST, to: FOURTH }, never), {
      expected: 4,
      compared: 3,
      different: 2,
      missing: 1,
      extra: 0,
      bars: 3,
      duplicates: 0,
    });
  });
});
