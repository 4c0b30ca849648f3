import assert from "node:assert/strict";
import { test } from "node:test";

import { suiteOnEngines, type OpenDatabase } from "../../../test/support/clickhouse-suite.ts";
import { parseChainRule } from "../../domain/chain-rule.ts";
import { SOURCE } from "../../domain/enums.ts";
import { FREQUENCY_NUMBERS } from "../../domain/frequency.ts";
import { INSTRUMENT_KINDS, kindOf } from "../../domain/instrument-kind.ts";
import { MARKETS } from "../../domain/market.ts";
import { PROVIDER_SOURCES } from "../../domain/provider.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { ClickHouse } from "./client.ts";
import { rankBars, rankSource, type RankRule, type SourceRanks } from "./rank-source.ts";

const never = new AbortController().signal;

const RULES = ["bars/HK=yahoo+akshare", "bars/etf=akshare", "bars/CN/index=baostock+tdx", "minutes=tdx"];
const RANKS: SourceRanks = {
  chain: [SOURCE.TUSHARE, SOURCE.BAOSTOCK],
  rankRules: RULES.flatMap((text): readonly RankRule[] => {
    const rule = parseChainRule(text);
    return rule === undefined ? [] : [{ ...rule, sources: rule.providers.map((one) => PROVIDER_SOURCES[one]) }];
  }),
};

suiteOnEngines("rank of sources", defineRankTests);

function defineRankTests(open: OpenDatabase): void {
  test("a view prefers the sources of the rule that says most of a bar, and the chain's without one", async (t) => {
    const clickhouse = await open(t, "rules");
    if (clickhouse === undefined) {
      return;
    }
    const { TUSHARE, YAHOO, AKSHARE, BAOSTOCK, TDX } = SOURCE;
    const all = [TUSHARE, YAHOO, AKSHARE, BAOSTOCK, TDX];
    const best = (code: string, frequency: keyof typeof FREQUENCY_NUMBERS): Promise<number> =>
      bestOf(clickhouse, code, FREQUENCY_NUMBERS[frequency], all);
    assert.equal(await best("600000.SH", "1d"), TUSHARE);
    assert.equal(await best("00700.HK", "1d"), YAHOO);
    assert.equal(await best("510300.SH", "1d"), AKSHARE);
    assert.equal(await best("000001.SH", "1d"), BAOSTOCK);
    assert.equal(await best("000001.SZ", "1d"), TUSHARE);
    assert.equal(await best("600000.SH", "5m"), TDX);
    assert.equal(await best("AAPL.US", "1d"), TUSHARE);
  });

  test("a calendar goes by the rule of its market, and by none about codes", async (t) => {
    const clickhouse = await open(t, "calendars");
    if (clickhouse === undefined) {
      return;
    }
    const rules = ["trading-calendar/HK=yahoo", "trading-calendar/stock=tdx", "trading-calendar=baostock"];
    const rankRules = rules.flatMap((text): readonly RankRule[] => {
      const rule = parseChainRule(text);
      return rule === undefined ? [] : [{ ...rule, sources: rule.providers.map((one) => PROVIDER_SOURCES[one]) }];
    });
    const rank = rankSource({ chain: [SOURCE.TUSHARE], rankRules }, "trading-calendar", {
      prefix: "r.",
      market: "r.market",
    });
    const best = async (market: number): Promise<number | undefined> => {
      const [row] = await clickhouse.query<{ readonly source: number }>(
        `SELECT toInt32(r.source) AS source FROM (SELECT {market:Int32} AS market,
         arrayJoin([${SOURCE.TUSHARE}, ${SOURCE.YAHOO}, ${SOURCE.BAOSTOCK}, ${SOURCE.TDX}]) AS source, 100 AS version) AS r
         ORDER BY ${rank}, r.source LIMIT 1`,
        { market },
        never,
      );
      return row?.source;
    };
    assert.equal(await best(MARKETS.HK.number), SOURCE.YAHOO);
    assert.equal(await best(MARKETS.CN.number), SOURCE.BAOSTOCK);
  });

  test("a database tells the kind of a code as the program does", async (t) => {
    const clickhouse = await open(t, "kinds");
    if (clickhouse === undefined) {
      return;
    }
    const codes = ["SH", "SZ", "BJ"].flatMap((exchange) =>
      Array.from({ length: 1_000 }, (_, head) => parseSecurityCode(`${String(head).padStart(3, "0")}001.${exchange}`)),
    );
    const kinds = new Map<string, string>();
    for (const kind of INSTRUMENT_KINDS) {
      const rankRules: readonly RankRule[] = [{ subject: "ticks", market: undefined, kind, sources: [SOURCE.TDX] }];
      const rank = rankSource({ chain: [SOURCE.TUSHARE], rankRules }, "ticks", { prefix: "r.", code: "r.code" });
      const rows = await clickhouse.query<{ readonly code: string }>(
        `SELECT code FROM (SELECT arrayJoin({codes:Array(String)}) AS code, ${SOURCE.TDX} AS source, 100 AS version) AS r WHERE ${rank} = 0`,
        { codes },
        never,
      );
      for (const { code } of rows) {
        kinds.set(code, kind);
      }
    }
    assert.deepEqual(
      codes.map((code) => [code, kinds.get(code)]),
      codes.map((code) => [code, kindOf(code)]),
    );
  });
}

async function bestOf(
  clickhouse: ClickHouse,
  code: string,
  frequency: number,
  sources: readonly number[],
): Promise<number> {
  const rank = rankBars(RANKS, { prefix: "r.", code: "r.code" }, "r.frequency = 1");
  const [row] = await clickhouse.query<{ readonly source: number }>(
    `SELECT toInt32(r.source) AS source FROM
     (SELECT {code:String} AS code, {frequency:Int32} AS frequency, arrayJoin({sources:Array(Int32)}) AS source, 100 AS version) AS r
     ORDER BY ${rank}, r.source LIMIT 1`,
    { code, frequency, sources },
    never,
  );
  return row?.source ?? 0;
}
