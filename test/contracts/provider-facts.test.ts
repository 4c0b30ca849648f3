import assert from "node:assert/strict";
import { test } from "node:test";

import { servedProvider } from "../../src/app/provider-table.ts";
import { parseDecimal } from "../../src/base/decimal.ts";
import { loadConfig } from "../../src/config.ts";
import { parseDay } from "../../src/domain/day.ts";
import type { InstrumentKind } from "../../src/domain/instrument-kind.ts";
import { marketOfExchange } from "../../src/domain/market.ts";
import { PROVIDERS, type ProviderName } from "../../src/domain/provider.ts";
import { parseSecurityCode } from "../../src/domain/security-code.ts";
import { AMOUNT_UNITS, VOLUME_UNITS, type UnitFact } from "../../src/ports/provider-facts.ts";
import type { Capability } from "../../src/ports/source.ts";
import { toEastmoneyId, toPrefixedCode } from "../../src/sources/akshare/codes.ts";
import { readKlines } from "../../src/sources/akshare/eastmoney.ts";
import {
  mapBars as mapAkshareBars,
  mapTicks as mapAkshareTicks,
  volumeUnitOf,
} from "../../src/sources/akshare/mapping.ts";
import { readTickPage } from "../../src/sources/akshare/tencent.ts";
import { mapTable as mapBaostock } from "../../src/sources/baostock/mapping.ts";
import { mapKLines, mapTicks } from "../../src/sources/tdx/mapping.ts";
import { mapTable as mapTushare } from "../../src/sources/tushare/mapping.ts";
import { readChart } from "../../src/sources/yahoo/chart.ts";
import { mapIntradayBars } from "../../src/sources/yahoo/intraday.ts";
import { mapDailyBars } from "../../src/sources/yahoo/mapping.ts";

const { config } = loadConfig({ flags: new Map(), env: {}, settings: {}, readFile: () => undefined });

const CODES: Readonly<Record<InstrumentKind, string>> = {
  stock: "600000.SH",
  index: "000001.SH",
  etf: "510300.SH",
  fund: "160105.SZ",
  bond: "113050.SH",
};

const DOING = "reading an answer made by hand";
const DAY_SECONDS = 86_400;

interface Stored {
  readonly volume: string;
  readonly turnover: string | undefined;
}

/** Three units of volume and twelve of turnover, as the provider's answer has them, mapped. */
const READERS: Readonly<Record<ProviderName, (rows: UnitFact["rows"], code: string) => Stored | undefined>> = {
  tushare: (rows, code) => {
    const isDaily = rows === "daily bars";
    const fields = ["ts_code", isDaily ? "trade_date" : "trade_time", "open", "high", "low", "close", "vol", "amount"];
    const item = [code, isDaily ? "20240102" : "2024-01-02 09:35:00", "40", "40", "40", "40", "3", "12"];
    const table = { fields: [...fields, "pre_close"], items: [[...item, "40"]], hasMore: false };
    return mapTushare("bars", isDaily ? "1d" : "5m", table).rows[0];
  },
  baostock: (rows, code) => {
    const wire = code.toLowerCase().replace(/^(\d+)\.(\w+)$/, "$2.$1");
    const isDaily = rows === "daily bars";
    const fields = ["date", "code", "open", "high", "low", "close", "volume", "amount", ...(isDaily ? [] : ["time"])];
    const items = [["2024-01-02", wire, "4", "4", "4", "4", "3", "12", ...(isDaily ? [] : ["20240102093500000"])]];
    return mapBaostock("bars", isDaily ? "1d" : "5m", { fields, items }).rows[0];
  },
  tdx: (rows, code) => {
    const parsed = parseSecurityCode(code);
    if (rows === "ticks") {
      const row = { minutes: 600, price: 400, lots: 3, trades: 1, side: 0 };
      const [tick] = mapTicks([row], parsed, parseDay("2024-01-02")).ticks;
      return tick === undefined ? undefined : { volume: tick.volume, turnover: undefined };
    }
    const price = { open: 4_000, high: 4_000, low: 4_000, close: 4_000 };
    const counts = { volume: parseDecimal("3"), amount: parseDecimal("12") };
    const row = { date: "2024-01-02", minutes: rows === "daily bars" ? 0 : 575, ...price, ...counts };
    return mapKLines([row], parsed, rows === "daily bars" ? "1d" : "5m").bars[0];
  },
  akshare: (rows, code) => {
    const parsed = parseSecurityCode(code);
    const day = parseDay("2024-01-02");
    if (rows === "ticks") {
      const text = `v_detail_data_${toPrefixedCode(parsed)}=[0,"0/10:00:00/4.00/0.00/3/1200/B"]`;
      const page = readTickPage(text, toPrefixedCode(parsed), DOING);
      const [tick] = mapAkshareTicks(page?.ticks ?? [], parsed, day).ticks;
      return tick === undefined ? undefined : { volume: tick.volume, turnover: undefined };
    }
    const frequency = rows === "daily bars" ? "1d" : "5m";
    const { market, digits } = toEastmoneyId(parsed);
    const line = `${day}${frequency === "1d" ? "" : " 09:35"},4,4,4,4,3,12,0,0,0,0`;
    const text = JSON.stringify({ data: { code: digits, market: Number(market), klines: [line] } });
    const wire = readKlines(text, { market, digits }, DOING) ?? [];
    const unit = volumeUnitOf(parsed, "eastmoney", frequency);
    return mapAkshareBars(wire, { code: parsed, frequency, from: day, to: day, unit }).bars[0];
  },
  yahoo: (rows, code) => {
    const parsed = parseSecurityCode(code);
    const day = parseDay("2024-01-02");
    // Half past nine in Shanghai.
    const stamp = Date.parse("2024-01-02T01:30:00Z") / 1_000;
    const quote = { open: ["4"], high: ["4"], low: ["4"], close: ["4"], volume: ["3"] };
    const chart = readChart({ meta: {}, timestamp: [`${stamp}`], indicators: { quote: [quote] } }, DOING);
    const asked = { code: parsed, market: "CN", from: day, to: day, period2: stamp + DAY_SECONDS, splits: [] } as const;
    if (rows === "daily bars") {
      return mapDailyBars(chart, asked).rows[0];
    }
    const of = { frequency: "5m", wireMinutes: 5, minutes: 5, nowSeconds: stamp + DAY_SECONDS } as const;
    return mapIntradayBars(chart, { ...asked, ...of }).rows[0];
  },
};

for (const provider of PROVIDERS) {
  const { facts, capabilities } = servedProvider(provider);

  test(`${provider}: every bar and tick that it has is in a unit that its facts name, and in one only`, () => {
    assert.equal(facts.provider, provider);
    for (const capability of capabilities(config)) {
      const rows = rowsOf(capability);
      const market = marketOfExchange(capability.exchanges[0] ?? "SH");
      for (const kind of rows === undefined ? [] : capability.kinds) {
        const named = facts.units.filter(
          (fact) => fact.rows === rows && fact.kinds.includes(kind) && (fact.market ?? market) === market,
        );
        assert.equal(named.length, 1, `${rows} of ${kind}`);
      }
    }
  });

  test(`${provider}: the units that its facts name are those that its rows are made with`, () => {
    for (const { rows, kinds, volume, amount, market } of facts.units) {
      const shares = VOLUME_UNITS[volume];
      const yuan = AMOUNT_UNITS[amount];
      for (const kind of shares === undefined ? [] : kinds) {
        const stored = READERS[provider](rows, market === "HK" ? "00700.HK" : CODES[kind]);
        assert.equal(stored?.volume, `${3 * (shares ?? 0)}`, `volume of ${rows} of ${kind}`);
        assert.equal(
          stored.turnover,
          yuan === undefined ? undefined : `${12 * yuan}`,
          `turnover of ${rows} of ${kind}`,
        );
      }
    }
  });

  test(`${provider}: what we ask for at most is within what it is known to grant`, () => {
    for (const limit of servedProvider(provider).limits(config)) {
      const granted = facts.quotas.filter(({ windowMs }) => windowMs === limit.windowMs).map(({ calls }) => calls);
      assert.ok(limit.calls <= Math.max(...granted, granted.length === 0 ? Infinity : 0), `${limit.calls} calls`);
    }
    const most = facts.connectionsMax ?? Infinity;
    assert.ok(servedProvider(provider).callsAtOnce(config) <= most);
  });
}

function rowsOf({ dataSet, frequency }: Capability): UnitFact["rows"] | undefined {
  if (dataSet === "ticks") {
    return "ticks";
  }
  return dataSet === "bars" ? (frequency === "1d" ? "daily bars" : "minute bars") : undefined;
}
