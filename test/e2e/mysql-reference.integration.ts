import assert from "node:assert/strict";
import test from "node:test";

import { createConnection, type RowDataPacket } from "mysql2/promise";

import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { requireMySql } from "../support/services.ts";
import { uniqueName } from "../support/unique-name.ts";
import { openWorkerRig } from "./worker-rig.ts";

test("where MySQL is configured the stock list and the calendar go there, and bars are planned from them", async (t) => {
  const address = await requireMySql(t);
  if (address === undefined) {
    return;
  }
  const market = generateMarket({ seed: 12, codes: 3, tradingDays: 20 });
  const url = new URL(address);
  const database = uniqueName("gdw").replaceAll("-", "_");
  const connection = await createConnection({ uri: address });
  try {
    await connection.query(`CREATE DATABASE ${database}`);
    await using rig = await openWorkerRig(t, {
      data: marketData(market),
      env: {
        GINKGO_MYSQL_HOST: url.hostname,
        GINKGO_MYSQL_PORT: url.port,
        GINKGO_MYSQL_USER: decodeURIComponent(url.username),
        GINKGO_MYSQL_PASSWORD: decodeURIComponent(url.password),
        GINKGO_MYSQL_DATABASE: database,
      },
    });
    if (rig === undefined) {
      return;
    }
    const worker = rig.start();
    const [first] = market.securities;
    await rig.publish([{ value: { code: first?.code, timestamp: market.days.at(-1), start_date: market.days[0] } }]);
    await rig.untilSettled(1);
    const [stocks] = await connection.query<RowDataPacket[]>(
      `SELECT code, delist_date FROM ${database}.stock_info WHERE is_del = 0 ORDER BY code`,
    );
    assert.deepEqual(
      stocks.map(({ code }) => String(code)),
      market.securities.map(({ code }) => String(code)).toSorted(),
    );
    const [[days]] = await connection.query<RowDataPacket[]>(
      `SELECT COUNT(*) AS days FROM ${database}.trade_day WHERE is_open = 1`,
    );
    assert.ok(Number(days?.["days"]) > 8_000);
    assert.deepEqual(await rig.select("SELECT toString(count()) AS rows FROM @stock_info_row"), [{ rows: "0" }]);
    assert.deepEqual(await rig.select("SELECT toString(count()) AS bars FROM @bar"), [
      { bars: String(market.history(first?.code ?? "")?.bars.length) },
    ]);
    await worker.stop();
  } finally {
    await connection.query(`DROP DATABASE IF EXISTS ${database}`);
    await connection.end();
  }
});
