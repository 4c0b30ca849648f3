import { compactDay, type Day } from "../../../src/domain/day.ts";
import { generateHistory } from "../../../src/market/generate-history.ts";
import { generateMarket, type Market } from "../../../src/market/generate-market.ts";
import { planSecurities } from "../../../src/market/plan-securities.ts";
import type { MarketBar, SecurityHistory } from "../../../src/market/security.ts";
import { dailyRow, marketData } from "../../../src/simulators/tushare/market-data.ts";
import type { SimulatedData } from "../../../src/simulators/tushare/simulated-data.ts";

export interface BigMarketSize {
  readonly seed: number;
  readonly codes: number;
  readonly tradingDays: number;
}

/** What must be stored of a code, or of a day: how many bars, and the sums of their columns as decimal text. */
export interface BarSums {
  readonly bars: number;
  /** Of cents. */
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  /** Of shares. */
  readonly volume: string;
  /** Of cents. */
  readonly amount: string;
}

/** A generated market whose bars take a few bytes each, so that ten million of them fit beside everything else. */
export interface BigMarket {
  readonly data: SimulatedData;
  readonly codes: readonly string[];
  readonly days: readonly Day[];
  readonly bars: number;
  sumsByCode(): ReadonlyMap<string, BarSums>;
  sumsByDay(): ReadonlyMap<string, BarSums>;
}

/** Draws every history once and keeps its numbers in columns, a day after the other, as the whole market is asked for. */
export function createBigMarket(size: BigMarketSize): BigMarket {
  const market = generateMarket(size);
  const { days } = market;
  const codes = market.securities.map(({ code }) => code);
  const columns = createColumns(codes.length * days.length);
  const dayNumbers = new Map(days.map((day, index) => [day, index]));
  const light = new Map<string, SecurityHistory>();
  let bars = 0;
  planSecurities(size.seed, size.codes, days).forEach((plan, codeNumber) => {
    const history = generateHistory(size.seed, plan, days);
    for (const bar of history.bars) {
      const place = (dayNumbers.get(bar.day) ?? 0) * codes.length + codeNumber;
      putBar(columns, place, bar);
      bars += 1;
    }
    light.set(plan.security.code, { ...history, bars: [], factors: [] });
  });
  const barAt = (codeNumber: number, dayNumber: number): MarketBar | undefined => {
    const [code, day] = [codes[codeNumber], days[dayNumber]];
    const place = dayNumber * codes.length + codeNumber;
    return code === undefined || day === undefined || columns.close[place] === 0
      ? undefined
      : { code, day, limits: undefined, ...takeBar(columns, place) };
  };
  const others = marketData(withoutBars(market, light));
  const numberOfCode = new Map<string, number>(codes.map((code, index) => [code, index]));
  const numberOfDay = new Map(days.map((day, index) => [compactDay(day), index]));
  // So that no call has to wait for it.
  Array.from(others.rowsOn("suspend_d", ""));
  const sumsOf = (outer: readonly string[], innerCount: number, at: (outer: number, inner: number) => number) =>
    new Map(
      outer.map((name, index) => [
        name,
        sumColumns(
          columns,
          Array.from({ length: innerCount }, (_, inner) => at(index, inner)),
        ),
      ]),
    );
  return {
    codes,
    days,
    bars,
    sumsByCode: () => sumsOf(codes, days.length, (code, day) => day * codes.length + code),
    sumsByDay: () => sumsOf(days, codes.length, (day, code) => day * codes.length + code),
    data: {
      ...others,
      *rowsOf(api, code) {
        if (api !== "daily") {
          yield* others.rowsOf(api, code);
          return;
        }
        const codeNumber = numberOfCode.get(code) ?? -1;
        for (let dayNumber = days.length - 1; dayNumber >= 0; dayNumber -= 1) {
          const bar = barAt(codeNumber, dayNumber);
          if (bar !== undefined) {
            yield dailyRow(bar);
          }
        }
      },
      *rowsOn(api, day, wanted) {
        if (api !== "daily") {
          yield* others.rowsOn(api, day, wanted);
          return;
        }
        const dayNumber = numberOfDay.get(day) ?? -1;
        for (const code of wanted === undefined ? codes : [...wanted].toSorted()) {
          const bar = barAt(numberOfCode.get(code) ?? -1, dayNumber);
          if (bar !== undefined) {
            yield dailyRow(bar);
          }
        }
      },
    },
  };
}

interface Columns {
  readonly open: Int32Array;
  readonly high: Int32Array;
  readonly low: Int32Array;
  /** 0 where there is no bar. */
  readonly close: Int32Array;
  readonly preClose: Int32Array;
  readonly volume: Float64Array;
  readonly turnover: Float64Array;
}

function createColumns(length: number): Columns {
  return {
    open: new Int32Array(length),
    high: new Int32Array(length),
    low: new Int32Array(length),
    close: new Int32Array(length),
    preClose: new Int32Array(length),
    volume: new Float64Array(length),
    turnover: new Float64Array(length),
  };
}

function putBar(columns: Columns, place: number, bar: MarketBar): void {
  columns.open[place] = bar.openCents;
  columns.high[place] = bar.highCents;
  columns.low[place] = bar.lowCents;
  columns.close[place] = bar.closeCents;
  columns.preClose[place] = bar.preCloseCents;
  columns.volume[place] = bar.volume;
  columns.turnover[place] = bar.turnoverCents;
}

function takeBar(columns: Columns, place: number): Omit<MarketBar, "code" | "day" | "limits"> {
  return {
    openCents: columns.open[place] ?? 0,
    highCents: columns.high[place] ?? 0,
    lowCents: columns.low[place] ?? 0,
    closeCents: columns.close[place] ?? 0,
    preCloseCents: columns.preClose[place] ?? 0,
    volume: columns.volume[place] ?? 0,
    turnoverCents: columns.turnover[place] ?? 0,
  };
}

/** Places without a bar hold zeros. Turnover is summed as whole numbers without bound. */
function sumColumns(columns: Columns, places: readonly number[]): BarSums {
  let [bars, open, high, low, close, volume, amount] = [0, 0, 0, 0, 0, 0, 0n];
  for (const place of places) {
    bars += columns.close[place] === 0 ? 0 : 1;
    open += columns.open[place] ?? 0;
    high += columns.high[place] ?? 0;
    low += columns.low[place] ?? 0;
    close += columns.close[place] ?? 0;
    volume += columns.volume[place] ?? 0;
    amount += BigInt(columns.turnover[place] ?? 0);
  }
  return {
    bars,
    open: String(open),
    high: String(high),
    low: String(low),
    close: String(close),
    volume: String(volume),
    amount: String(amount),
  };
}

function withoutBars(market: Market, light: ReadonlyMap<string, SecurityHistory>): Market {
  return {
    ...market,
    history: (code) => light.get(code),
    histories: () => light.values(),
    barsOn: () => [],
  };
}
