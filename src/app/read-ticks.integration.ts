import assert from "node:assert/strict";
import { test } from "node:test";

import { suiteOnEngines } from "../../test/support/clickhouse-suite.ts";
import { CODE, DAY, tickModel } from "../../test/support/models.ts";
import { systemClock } from "../base/clock.ts";
import { parseDecimal } from "../base/decimal.ts";
import { silentLog } from "../base/log.ts";
import { parseDay } from "../domain/day.ts";
import { SOURCE, TICK_DIRECTION } from "../domain/enums.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import { ensureSchema, type SchemaOptions } from "../store/clickhouse/schema.ts";
import { createClickHouseStore } from "../store/clickhouse/store.ts";
import { readTicksOf } from "./read-ticks.ts";

const never = new AbortController().signal;
const SCHEMA: SchemaOptions = {
  chain: [SOURCE.TDX],
  // The views answer in lots and two decimals; ticks are read in stored units all the same.
  ginkgoUnits: true,
  apply: true,
  createDatabase: true,
};

suiteOnEngines("reading ticks", (open) => {
  test("the ticks of a day are read in their order and in stored units, of the last day where none is named", async (t) => {
    const clickhouse = await open(t, "ticks");
    if (clickhouse === undefined) {
      return;
    }
    await ensureSchema(clickhouse, SCHEMA, silentLog, never);
    const store = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog });
    const last = parseDay("2024-01-04");
    await store.addBatch(
      [
        tickModel({ sequence: 1, direction: TICK_DIRECTION.ACTIVESELL }),
        tickModel({ sequence: 0, price: parseDecimal("10.515"), volume: parseDecimal("150") }),
        tickModel({ time: `${DAY} 09:25:00`, direction: TICK_DIRECTION.NEUTRAL }),
        tickModel({ tradingDay: last }),
      ],
      never,
    );
    const views = { ...SCHEMA, database: clickhouse.database };
    const ask = (code: typeof CODE, day?: typeof DAY) => readTicksOf(clickhouse, views, { code, day }, never);
    const report = await ask(CODE, DAY);
    assert.deepEqual(
      report.rows.map((row) => [row["time"], row["sequence"], row["price"], row["volume"], row["direction"]]),
      [
        ["2024-01-02 09:25:00", 0, "10.51", "1200", "neutral"],
        ["2024-01-02 09:31:00", 0, "10.515", "150", "buy"],
        ["2024-01-02 09:31:00", 1, "10.51", "1200", "sell"],
      ],
    );
    assert.deepEqual(Object.keys(report.rows[0] ?? {}), report.columns);
    assert.deepEqual(report.stored, { from: DAY, to: last, days: "2" });
    const newest = await ask(CODE);
    assert.deepEqual([newest.day, newest.rows.length], [last, 1]);
    const between = await ask(CODE, parseDay("2024-01-03"));
    assert.deepEqual([between.rows, between.stored?.days], [[], "2"]);
    const other = await ask(parseSecurityCode("600000.SH"));
    assert.deepEqual([other.day, other.rows, other.stored], [undefined, [], undefined]);
  });
});
