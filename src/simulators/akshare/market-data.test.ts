import assert from "node:assert/strict";
import { test } from "node:test";

import { fetchText, scaled } from "../../../test/support/akshare-samples.ts";
import { compositeHistory } from "../../market/composites.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { foldMinutes, minuteBarsOf, ticksOf } from "../../market/intraday.ts";
import { divideHalfUp } from "../../market/price-rules.ts";
import { akshareData } from "./market-data.ts";
import { startAkshareSimulator, type AkshareSimulator } from "./simulator.ts";

const market = generateMarket({ seed: 11, codes: 160, tradingDays: 45 });
const data = akshareData(market);

/** A stock of every board that trades on the last day; one of them has events. */
const CODES: readonly string[] = ["600", "688", "000", "300", "920"].map(
  (start) =>
    market.securities.find(
      ({ code, delistedOn }) =>
        code.startsWith(start) &&
        delistedOn === undefined &&
        market.history(code)?.bars.at(-1)?.day === market.days.at(-1),
    )?.code ?? "",
);
const FUND = "510300.SH";
const INDEX = "000001.SH";

async function withSimulator(use: (simulator: AkshareSimulator) => Promise<void>): Promise<void> {
  await using simulator = await startAkshareSimulator({ data });
  await use(simulator);
}

function secid(code: string): string {
  return `${code.endsWith(".SH") ? 1 : 0}.${code.slice(0, 6)}`;
}

function symbol(code: string): string {
  return `${code.slice(7).toLowerCase()}${code.slice(0, 6)}`;
}

/** Open, close, high, low in thousandths. */
type Prices = readonly [number, number, number, number];

interface Truth {
  readonly day: string;
  readonly prices: Prices;
  readonly volume: number;
  readonly cents: number;
}

interface TimedTruth {
  readonly time: string;
  readonly prices: Prices;
  readonly volume: number;
}

function truthOf(code: string): readonly Truth[] {
  const bars = market.history(code)?.bars.map((bar) => ({
    day: bar.day,
    prices: [bar.openCents * 10, bar.closeCents * 10, bar.highCents * 10, bar.lowCents * 10] as const,
    volume: bar.volume,
    cents: bar.turnoverCents,
  }));
  return (
    bars ??
    compositeHistory(market, code).map((bar) => ({
      day: bar.day,
      prices: [bar.openMilli, bar.closeMilli, bar.highMilli, bar.lowMilli] as const,
      volume: bar.volume,
      cents: bar.turnoverCents,
    }))
  );
}

function prices(cells: readonly string[]): Prices {
  const [open = 0, close = 0, high = 0, low = 0] = cells.map((cell) => scaled(cell, 3));
  return [open, close, high, low];
}

test("Eastmoney's days are the market's: lots to the nearest, suspended days left out, delisted codes kept", async () => {
  const delisted = market.securities.find(({ delistedOn }) => delistedOn !== undefined)?.code ?? "";
  const suspended = market.securities.find(({ code }) => {
    const history = market.history(code);
    return history !== undefined && history.resumptions.length > 0;
  })?.code;
  assert.ok(delisted !== "" && suspended !== undefined);
  await withSimulator(async (simulator) => {
    for (const code of [...CODES, FUND, INDEX, delisted, suspended]) {
      const text = await fetchText(
        simulator,
        `/api/qt/stock/kline/get?secid=${secid(code)}&klt=101&fqt=0&beg=0&end=20500000`,
      );
      const answer: { data: { klines: string[]; dktotal: number } } = JSON.parse(text);
      const rows = answer.data.klines.map((row) => {
        const [day = "", open = "", close = "", high = "", low = "", lots = "", amount = ""] = row.split(",");
        return { day, prices: prices([open, close, high, low]), lots, cents: scaled(amount, 2) };
      });
      const truth = truthOf(code);
      assert.deepEqual(
        rows,
        truth.map(({ volume, ...bar }) => ({ ...bar, lots: String(divideHalfUp(volume, 100)) })),
      );
      assert.equal(answer.data.dktotal, truth.length);
    }
    assert.ok(truthOf(suspended).length < market.days.length);
  });
});

test("Sina's days are the market's to the share and the cent", async () => {
  await withSimulator(async (simulator) => {
    for (const code of [...CODES, FUND, INDEX]) {
      const text = await fetchText(
        simulator,
        `/cn/api/json_v2.php/CN_MarketDataService.getKLineData?symbol=${symbol(code)}&scale=240&ma=no&datalen=1970`,
      );
      const rows: Record<string, string>[] = JSON.parse(text);
      assert.deepEqual(
        rows.map(({ day, open = "", close = "", high = "", low = "", volume, amount = "" }) => ({
          day,
          prices: prices([open, close, high, low]),
          volume: Number(volume),
          cents: scaled(amount, 2),
        })),
        truthOf(code),
      );
    }
  });
});

test("Tencent's days are the market's: lots, but shares for 688, and amounts in ten thousands", async () => {
  await withSimulator(async (simulator) => {
    for (const code of [...CODES, FUND, INDEX]) {
      const name = symbol(code);
      const path = `/ifzqgtimg/appstock/app/newfqkline/get?_var=kline_day&param=${name},day,,,640,`;
      const text = await fetchText(simulator, path);
      assert.ok(text.startsWith("kline_day={"));
      const answer: { data: Record<string, { day: string[][] }> } = JSON.parse(text.slice("kline_day=".length));
      const rows = answer.data[name]?.day ?? [];
      assert.ok(rows.every((row) => row.length === 10));
      assert.deepEqual(
        rows.map(([day, open = "", close = "", high = "", low = "", volume, , , amount]) => ({
          day,
          prices: prices([open, close, high, low]),
          volume,
          amount,
        })),
        truthOf(code).map(({ day, prices, volume, cents }) => ({
          day,
          prices,
          volume: `${code.startsWith("688") ? volume : divideHalfUp(volume, 100)}.000`,
          amount: (divideHalfUp(cents, 10_000) / 100).toFixed(2),
        })),
      );
    }
  });
});

test("five minutes are the market's at every upstream that has them", async () => {
  const day = market.days.at(-1);
  assert.ok(day !== undefined);
  await withSimulator(async (simulator) => {
    for (const code of CODES) {
      const truth: readonly TimedTruth[] = foldMinutes(minuteBarsOf(market, code, day), 5).map((bar) => ({
        time: bar.endsAt,
        prices: [bar.openCents * 10, bar.closeCents * 10, bar.highCents * 10, bar.lowCents * 10],
        volume: bar.volume,
      }));
      assert.equal(truth.length, 48);
      const inLots = truth.map((bar) => ({ ...bar, volume: divideHalfUp(bar.volume, 100) }));
      const eastmoney: { data: { klines: string[] } } = JSON.parse(
        await fetchText(
          simulator,
          `/api/qt/stock/kline/get?secid=${secid(code)}&klt=5&fqt=0&beg=0&end=20500000&lmt=48`,
        ),
      );
      assert.deepEqual(
        eastmoney.data.klines.map((row) => {
          const [time = "", open = "", close = "", high = "", low = "", lots] = row.split(",");
          return { time: time.slice(11), prices: prices([open, close, high, low]), volume: Number(lots) };
        }),
        inLots,
      );
      const sina: Record<string, string>[] = JSON.parse(
        await fetchText(
          simulator,
          `/cn/api/json_v2.php/CN_MarketDataService.getKLineData?symbol=${symbol(code)}&scale=5&ma=no&datalen=48`,
        ),
      );
      assert.deepEqual(
        sina.map(({ day: time = "", open = "", close = "", high = "", low = "", volume }) => ({
          time: time.slice(11, 16),
          prices: prices([open, close, high, low]),
          volume: Number(volume),
        })),
        truth,
      );
      const tencent: { data: Record<string, { m5: string[][] }> } = JSON.parse(
        await fetchText(simulator, `/appstock/app/kline/mkline?param=${symbol(code)},m5,,48`),
      );
      assert.deepEqual(
        tencent.data[symbol(code)]?.m5.map(([time = "", open = "", close = "", high = "", low = "", volume]) => ({
          time: `${time.slice(8, 10)}:${time.slice(10)}`,
          prices: prices([open, close, high, low]),
          volume: Number(volume),
        })),
        code.startsWith("688") ? truth : inLots,
      );
    }
  });
});

test("the minutes of the last days have the auction apart, and with it put back they are the market's", async () => {
  await withSimulator(async (simulator) => {
    for (const code of [...CODES, FUND, INDEX]) {
      const answer: { data: { trends: string[] } } = JSON.parse(
        await fetchText(simulator, `/api/qt/stock/trends2/get?secid=${secid(code)}&ndays=5`),
      );
      const days = [...Map.groupBy(answer.data.trends, (row) => row.slice(0, 10))];
      assert.equal(days.length, Math.min(5, truthOf(code).length));
      for (const [index, [day, rows]] of days.entries()) {
        assert.equal(rows.length, 241);
        const cells = rows.map((row) => row.split(","));
        const truth = truthOf(code).find((bar) => bar.day === day);
        assert.equal(Math.max(...cells.map((row) => scaled(row[3] ?? "", 3))), truth?.prices[2]);
        assert.equal(Math.min(...cells.map((row) => scaled(row[4] ?? "", 3))), truth?.prices[3]);
        assert.equal(scaled(cells.at(-1)?.[2] ?? "", 3), truth?.prices[1]);
        assert.equal(
          cells.reduce((sum, row) => sum + scaled(row[6] ?? "", 2), 0),
          truth?.cents,
        );
        const opens = new Set(cells.map((row) => scaled(row[1] ?? "", 3)));
        assert.equal(index === days.length - 1 ? opens.has(0) : opens.size > 1, false, `${code} ${day}`);
      }
    }
  });
});

test("ticks are the market's at Tencent and at Eastmoney, in its order", async () => {
  const day = market.days.at(-1);
  assert.ok(day !== undefined);
  await withSimulator(async (simulator) => {
    for (const code of CODES) {
      const truth: readonly string[] = ticksOf(market, code, day).map(({ minute, priceCents, volume, side }) =>
        [minute, priceCents, divideHalfUp(volume, 100), side].join(" "),
      );
      const rows: string[] = [];
      for (let page = 0; ; page += 1) {
        const text = await fetchText(simulator, `/data/index.php?appn=detail&action=data&c=${symbol(code)}&p=${page}`);
        if (text === "") {
          break;
        }
        const match = /^v_detail_data_\w+=\[(\d+),"([^"]+)"\]$/.exec(text);
        assert.equal(match?.[1], String(page));
        rows.push(...(match?.[2] ?? "").split("|"));
      }
      const sides: Record<string, string> = { B: "buy", S: "sell", M: "neutral", 2: "buy", 1: "sell", 4: "neutral" };
      assert.deepEqual(
        rows.map((row, sequence) => {
          const [place, time = "", price = "", , lots, , side = ""] = row.split("/");
          assert.equal(place, String(sequence));
          return [time.slice(0, 5), scaled(price, 2), lots, sides[side]].join(" ");
        }),
        truth,
      );
      const details: { data: { details: string[] } } = JSON.parse(
        await fetchText(simulator, `/api/qt/stock/details/get?secid=${secid(code)}`),
      );
      const prints = details.data.details.map((row) => row.split(",")).filter(([, , , trades]) => trades !== "0");
      assert.deepEqual(
        prints.map(([time = "", price = "", lots, , side = ""]) =>
          [time.slice(0, 5), scaled(price, 2), lots, sides[side]].join(" "),
        ),
        truth,
      );
      assert.equal(details.data.details.length - prints.length, 5);
    }
  });
});

test("factors: backward they are the market's on every day, forward the newest is 1, and both say the same", async () => {
  const withEvents = market.securities.find(({ code }) => (market.history(code)?.actions.length ?? 0) > 0)?.code;
  assert.ok(withEvents !== undefined);
  await withSimulator(async (simulator) => {
    for (const code of [...CODES, withEvents]) {
      const [hfq, qfq] = await Promise.all(
        ["hfq", "qfq"].map(async (method) => {
          const text = await fetchText(simulator, `/realstock/company/${symbol(code)}/${method}.js`);
          const [line = "", comment = ""] = text.split("\n");
          assert.match(comment, /^\/\* .* \*\/$/);
          const rows: { total: number; data: { d: string; f: string }[] } = JSON.parse(line.split("=")[1] ?? "");
          assert.equal(rows.total, rows.data.length);
          assert.ok(rows.data.every(({ f }) => /^\d+\.\d{13}000$/.test(f)));
          return rows.data;
        }),
      );
      assert.deepEqual([hfq?.at(-1)?.d, hfq?.at(-1)?.f], ["1900-01-01", "1.0000000000000000"]);
      assert.equal(qfq?.[0]?.f, "1.0000000000000000");
      for (const { day, factorE4 } of market.history(code)?.factors ?? []) {
        const factor = hfq?.find(({ d }) => d <= day)?.f ?? "";
        assert.equal(scaled(factor, 4), factorE4, `${code} ${day}`);
      }
      hfq?.forEach(({ f }, place) => {
        const product = Number(f) * Number(qfq?.[place]?.f);
        assert.ok(Math.abs(product / Number(hfq[0]?.f) - 1) < 1e-12);
      });
    }
  });
});
