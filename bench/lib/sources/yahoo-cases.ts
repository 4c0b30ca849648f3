import { parseDay } from "../../../src/domain/day.ts";
import { parseSecurityCode, type SecurityCode } from "../../../src/domain/security-code.ts";
import { readChart, type Chart } from "../../../src/sources/yahoo/chart.ts";
import { readAnswer } from "../../../src/sources/yahoo/client.ts";
import { mapIntradayBars } from "../../../src/sources/yahoo/intraday.ts";
import { mapDailyBars, type Mapped, type MapTarget } from "../../../src/sources/yahoo/mapping.ts";
import { toWireSymbol } from "../../../src/sources/yahoo/symbols.ts";
import { checkedBars, type DecodeCase } from "./decode-case.ts";
import { readDays, readFiveMinutes, readMinutes, recordedSums, type RecordedBar } from "./recorded-bars.ts";

const BANK = parseSecurityCode("000001.SZ");
const PUDONG = parseSecurityCode("600000.SH");
const STAR = parseSecurityCode("688001.SH");
/** Five trading days of minutes, and what is kept of five minutes. */
const MINUTES = 1_200;
const FIVE_MINUTES = 1_920;
/** One place in so many is empty. */
const EMPTY_EVERY = 20;
const DOING = "reading";

interface Split {
  readonly day: string;
  readonly numerator: number;
  readonly denominator: number;
}

/** Made up, so that days of a whole history are divided by 40, by 10 and by 1. */
const SPLITS: readonly Split[] = [
  { day: "2007-06-18", numerator: 4, denominator: 1 },
  { day: "2015-04-13", numerator: 10, denominator: 1 },
];

/** Charts of bars that other providers recorded, rounded to floats of 32 bits and divided by splits as this one does it. */
export async function yahooCases(data: string): Promise<readonly DecodeCase[]> {
  const days = await readDays(data);
  const minutes = await readMinutes(data);
  const fiveMinutes = await readFiveMinutes(data, FIVE_MINUTES);
  return [
    chartCase({ code: BANK, frequency: "1d", form: "chart", bars: days, splits: [] }),
    chartCase({ code: BANK, frequency: "1d", form: "chart with two splits", bars: days, splits: SPLITS }),
    chartCase({ code: PUDONG, frequency: "5m", form: "chart with nulls", bars: fiveMinutes, splits: [] }),
    chartCase({ code: STAR, frequency: "1m", form: "chart with nulls", bars: minutes.slice(-MINUTES), splits: [] }),
  ];
}

interface ChartAnswer {
  readonly code: SecurityCode;
  readonly frequency: "1d" | "5m" | "1m";
  readonly form: string;
  readonly bars: readonly RecordedBar[];
  readonly splits: readonly Split[];
}

function chartCase(answer: ChartAnswer): DecodeCase {
  const { code, frequency, form, bars } = answer;
  const traded = bars.filter((_, place) => !isEmptyPlace(answer, place));
  const body = Buffer.from(chartText(answer));
  const map = createMapper(answer);
  return {
    provider: "yahoo",
    dataSet: "bars",
    frequency,
    form,
    bytes: body.length,
    expected: recordedSums(traded),
    decode: () => {
      const read = readAnswer({ status: 200, header: () => [], body }, "chart", DOING);
      const [first] = "result" in read && Array.isArray(read.result) ? read.result : [];
      const { rows, rejected } = map(readChart(first, DOING));
      return checkedBars(rows, rejected, code, frequency);
    },
  };
}

function createMapper({ code, frequency, bars }: ChartAnswer): (chart: Chart) => Mapped {
  const [first, last] = [bars[0]?.day, bars.at(-1)?.day].map((day) => parseDay(day));
  if (first === undefined || last === undefined) {
    throw new RangeError("no bar is recorded");
  }
  const over = Date.parse(`${last}T16:00:00Z`) / 1_000;
  const target = (chart: Chart): MapTarget => ({
    code,
    market: "CN",
    from: first,
    to: last,
    period2: over,
    splits: chart.splits,
  });
  if (frequency === "1d") {
    return (chart) => mapDailyBars(chart, target(chart));
  }
  const minutes = Number.parseInt(frequency, 10);
  return (chart) =>
    mapIntradayBars(chart, { ...target(chart), frequency, minutes, wireMinutes: minutes, nowSeconds: over });
}

function isEmptyPlace({ frequency }: ChartAnswer, place: number): boolean {
  return frequency !== "1d" && place % EMPTY_EVERY === EMPTY_EVERY - 1;
}

function chartText(answer: ChartAnswer): string {
  const { code, frequency, bars, splits } = answer;
  const column = (of: (bar: RecordedBar, ratio: number) => number): string =>
    `[${bars
      .map((bar, place) => (isEmptyPlace(answer, place) ? "null" : of(bar, ratioAfter(splits, bar.day))))
      .join(",")}]`;
  const price = (name: "open" | "high" | "low" | "close"): string =>
    column((bar, ratio) => Math.fround(Number(bar[name]) / ratio));
  const days = [...new Set(bars.map(({ day }) => day))];
  const meta = {
    currency: "CNY",
    symbol: toWireSymbol(code),
    instrumentType: "EQUITY",
    gmtoffset: 28_800,
    exchangeTimezoneName: "Asia/Shanghai",
    dataGranularity: frequency,
    ...(frequency === "1d"
      ? {}
      : { tradingPeriods: days.map((day) => [{ start: secondsOf(day, "09:30"), end: secondsOf(day, "15:00") }]) }),
  };
  const events = splits.map(({ day, numerator, denominator }) => {
    const date = secondsOf(day, "09:30");
    return [`${date}`, { date, numerator, denominator, splitRatio: `${numerator}:${denominator}` }];
  });
  const quote = ["open", "high", "low", "close"] as const;
  const columns = [
    ...quote.map((name) => `"${name}":${price(name)}`),
    `"volume":${column(({ shares }, ratio) => Number(shares) * ratio)}`,
  ];
  const minutes = frequency === "1d" ? 0 : Number.parseInt(frequency, 10);
  const stamps = bars.map(({ day, endsAt = "09:30" }) => secondsOf(day, endsAt) - minutes * 60);
  return `{"chart":{"result":[{"meta":${JSON.stringify(meta)},"timestamp":${JSON.stringify(stamps)},"events":${JSON.stringify(
    splits.length === 0 ? {} : { splits: Object.fromEntries(events) },
  )},"indicators":{"quote":[{${columns.join(",")}}]}}],"error":null}}`;
}

function ratioAfter(splits: readonly Split[], day: string): number {
  return splits
    .filter((split) => split.day > day)
    .reduce((ratio, { numerator, denominator }) => (ratio * numerator) / denominator, 1);
}

/** Since the epoch. Shanghai's summer time, of which only the first days are, moves a stamp within its day. */
function secondsOf(day: string, time: string): number {
  return Date.parse(`${day}T${time}:00+08:00`) / 1_000;
}
