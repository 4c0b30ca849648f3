import assert from "node:assert/strict";
import { test } from "node:test";

import {
  chartBody,
  clockAt,
  ScriptedYahoo,
  stampOf,
  type ChartForm,
  type WireRow,
  type YahooAsked,
  type YahooReply,
} from "../../../test/support/scripted-yahoo.ts";
import { DataError } from "../../base/errors.ts";
import { addDays, parseDay } from "../../domain/day.ts";
import type { Frequency } from "../../domain/frequency.ts";
import { BAR_FLAGS, type Bar } from "../../domain/rows.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { Call } from "../../domain/unit.ts";
import type { Page } from "../../ports/source.ts";
import { openYahooSource } from "./source.ts";

const never = new AbortController().signal;
const SHANGHAI = "Asia/Shanghai";
const NOW = "2026-03-10T13:00:00Z";

function toCall(code: string, from: string, to: string, frequency: Frequency = "1d"): Call<"bars"> {
  const codes = [parseSecurityCode(code)];
  return { dataSet: "bars", frequency, selection: { by: "codes", codes, from: parseDay(from), to: parseDay(to) } };
}

interface Fetched extends Page<"bars"> {
  readonly asked: readonly YahooAsked[];
}

async function fetchFrom(
  call: Call<"bars">,
  script: ChartForm | ((asked: YahooAsked) => YahooReply | string),
  now = NOW,
): Promise<Fetched> {
  // The splits of a code are asked for with its days.
  const inDays = (form: ChartForm): ChartForm => ({ ...form, rows: [], granularity: "1d" });
  const answer = (form: ChartForm) => (asked: YahooAsked) =>
    chartBody(asked.query.get("interval") === "1d" && /^\d+[mh]$/.test(form.granularity ?? "") ? inDays(form) : form);
  await using server = await ScriptedYahoo.open(typeof script === "function" ? script : answer(script));
  await using source = openYahooSource({ clock: clockAt(now), baseUrl: server.url });
  const page = await source.fetch(call, never);
  return { ...page, asked: server.asked };
}

const days = (page: Page<"bars">): readonly string[] => page.rows.map(({ tradingDay }) => tradingDay);
const times = (page: Page<"bars">): readonly string[] => page.rows.map(({ time }) => time.slice(11, 16));
const bar = ({ open, high, low, close, volume }: Bar): string => [open, high, low, close, volume].join(" ");

const at = (local: string, zone = SHANGHAI): number => stampOf(local, zone);
const FLAT = [10, 10, 10, 10, 100] as const;
const daily = (day: string): WireRow => [at(`${day}T09:30:00`), FLAT];

test("days outside of the range are left out, and the request goes up to now", async () => {
  const rows = ["2026-02-27", "2026-03-02", "2026-03-03", "2026-03-04"].map(daily);
  const page = await fetchFrom(toCall("600000.SH", "2026-03-01", "2026-03-03"), { symbol: "600000.SS", rows });
  assert.deepEqual(days(page), ["2026-03-02", "2026-03-03"]);
  assert.deepEqual([page.received, page.rejected, page.rest], [2, [], []]);
  const [first, second, ...others] = page.asked;
  assert.deepEqual([second?.url, others], [first?.url, []], "a chart without a split is looked at once more");
  assert.equal(first?.query.get("period1"), `${at("2026-03-01T00:00:00")}`);
  assert.equal(first?.query.get("period2"), `${Date.parse(NOW) / 1_000}`);
});

test("prices and volume are freed from every split after their day, and from no other", async () => {
  const rows: WireRow[] = [
    [at("2026-03-02T09:30:00"), [2.5, 2.75, 2.25, 2.5025, 4_000]],
    [at("2026-03-03T09:30:00"), [2.5, 2.5, 2.5, 2.5, 2_000]],
    [at("2026-03-04T09:30:00"), [2.6, 2.6, 2.6, 2.6, 3_001]],
    [at("2026-03-05T09:30:00"), [2.6, 2.6, 2.6, 2.6, 3_001]],
  ];
  const split = (day: string, numerator: unknown, denominator: unknown): object => {
    const date = at(`${day}T09:30:00`);
    return { [date]: { date, numerator, denominator, splitRatio: "x" } };
  };
  const events = { splits: { ...split("2026-03-03", 2, 1), ...split("2026-03-05", 3, 2) } };
  const page = await fetchFrom(toCall("600000.SH", "2026-03-02", "2026-03-05"), { symbol: "600000.SS", rows, events });
  assert.deepEqual(page.rows.map(bar), [
    "7.5 8.25 6.75 7.5075 1333",
    "3.75 3.75 3.75 3.75 1333",
    "3.9 3.9 3.9 3.9 2001",
    "2.6 2.6 2.6 2.6 3001",
  ]);
  const broken = { splits: split("2026-03-05", 0, 0) };
  await assert.rejects(
    fetchFrom(toCall("600000.SH", "2026-03-02", "2026-03-05"), { symbol: "600000.SS", rows, events: broken }),
    DataError,
  );
});

test("no price is multiplied by a split that the provider has not divided by yet", async () => {
  const splitAt = at("2026-03-11T09:30:00");
  const events = { splits: { [splitAt]: { date: splitAt, numerator: 4, denominator: 1 } } };
  const rows = ["2026-03-09", "2026-03-10"].map(daily);
  const ask = async (call: Call<"bars">): Promise<Fetched> =>
    await fetchFrom(call, { symbol: "600000.SS", rows, events });
  await assert.rejects(ask(toCall("600000.SH", "2026-03-09", "2026-03-10")), (error: unknown) => {
    assert.ok(error instanceof DataError);
    assert.match(error.message, /600000\.SH.*a split of 4 for 1 on 2026-03-11 has no bar yet/);
    return true;
  });
});

test("a place of nulls is no bar, a row with some of them is rejected, and its neighbours go on", async () => {
  const rows: WireRow[] = [
    [at("2026-03-02T09:30:00"), null],
    [at("2026-03-03T09:30:00"), [10, 10, null, 10, 100]],
    [at("2026-03-04T09:30:00"), FLAT],
    [at("2026-03-05T09:30:00"), [10, 10, 10, 10, 100.5]],
    [at("2026-03-06T09:30:00"), [10, 10, 10, 10, -1]],
  ];
  const page = await fetchFrom(toCall("600000.SH", "2026-03-02", "2026-03-06"), { symbol: "600000.SS", rows });
  assert.deepEqual(days(page), ["2026-03-04"]);
  assert.equal(page.received, 4);
  assert.deepEqual(
    page.rejected.map(({ code, day, reason }) => [code, day, reason]),
    [
      ["600000.SH", "2026-03-03", "not-parseable"],
      ["600000.SH", "2026-03-05", "volume-not-whole"],
      ["600000.SH", "2026-03-06", "out-of-range"],
    ],
  );
  assert.match(page.rejected[0]?.raw ?? "", /"low":null/);
});

test("a day that repeats one price without volume is no bar", async () => {
  const rows: WireRow[] = [
    daily("2026-03-02"),
    [at("2026-03-03T09:30:00"), [10, 10, 10, 10, 0]],
    [at("2026-03-04T09:30:00"), [10, 11, 10, 10, 0]],
    daily("2026-03-05"),
  ];
  const ofShare = await fetchFrom(toCall("600000.SH", "2026-03-02", "2026-03-05"), { symbol: "600000.SS", rows });
  assert.deepEqual(days(ofShare), ["2026-03-02", "2026-03-04", "2026-03-05"]);
  assert.deepEqual(ofShare.rejected, []);
  await assert.rejects(
    fetchFrom(toCall("000300.SH", "2026-03-02", "2026-03-05"), { symbol: "000300.SS", rows }),
    RangeError,
  );
});

test("of the last two rows of one day the live one counts, and one beyond the end not at all", async () => {
  const rows: WireRow[] = [
    daily("2026-03-09"),
    [at("2026-03-10T09:30:00"), [10, 10, 10, 10, 100]],
    [at("2026-03-10T15:00:03"), [10, 11, 9, 11, 900]],
  ];
  const form = { symbol: "600000.SS", rows };
  const page = await fetchFrom(toCall("600000.SH", "2026-03-09", "2026-03-10"), form);
  assert.deepEqual(page.rows.map(bar), ["10 10 10 10 100", "10 11 9 11 900"]);
  const early = await fetchFrom(toCall("600000.SH", "2026-03-09", "2026-03-10"), form, "2026-03-10T07:00:00Z");
  assert.deepEqual(early.rows.map(bar), ["10 10 10 10 100", "10 10 10 10 100"]);
});

test("a live row of a day that is over is none of that day's", async () => {
  const rows: WireRow[] = [daily("2026-03-05"), [at("2026-03-06T15:00:03"), [10, 11, 9, 11, 900]]];
  const form = { symbol: "600000.SS", rows };
  const call = toCall("600000.SH", "2026-03-05", "2026-03-09");
  assert.deepEqual(days(await fetchFrom(call, form)), ["2026-03-05"]);
  assert.deepEqual(days(await fetchFrom(call, form, "2026-03-06T13:00:00Z")), ["2026-03-05", "2026-03-06"]);
});

test("a stamp of the late evening is of the day after it", async () => {
  const rows: WireRow[] = [
    [at("2026-03-01T23:00:00"), FLAT],
    [at("2026-03-02T22:00:00"), FLAT],
  ];
  const page = await fetchFrom(toCall("600000.SH", "2026-03-01", "2026-03-09"), { symbol: "600000.SS", rows });
  assert.deepEqual(days(page), ["2026-03-02", "2026-03-03"]);
});

test("days of New York are its own, whatever the clocks say now", async () => {
  const zone = "America/New_York";
  const rows: WireRow[] = ["2026-03-06", "2026-03-09"].map((day) => [at(`${day}T09:30:00`, zone), FLAT]);
  const form = { symbol: "BRK-B", rows, meta: { gmtoffset: -14_400 } };
  const page = await fetchFrom(toCall("BRK-B.US", "2026-03-06", "2026-03-09"), form);
  assert.deepEqual(days(page), ["2026-03-06", "2026-03-09"]);
  assert.equal(page.rows[0]?.zone, zone);
});

test("an answer to another question is never believed", async () => {
  const call = toCall("00700.HK", "2026-03-02", "2026-03-06");
  const rows: WireRow[] = [[at("2026-03-02T09:30:00", "Asia/Hong_Kong"), FLAT]];
  const forms: readonly Partial<ChartForm>[] = [
    { symbol: "0701.HK" },
    { granularity: "1wk" },
    { meta: { currency: "HKd" } },
    { meta: { currency: "CNY" } },
    { meta: { currency: null } },
    { meta: { exchangeTimezoneName: "Europe/London" } },
    { meta: { symbol: undefined } },
    { meta: { dataGranularity: undefined } },
  ];
  for (const form of forms) {
    await assert.rejects(fetchFrom(call, { symbol: "0700.HK", rows, ...form }), DataError, JSON.stringify(form));
  }
  assert.equal((await fetchFrom(call, { symbol: "0700.HK", rows })).rows.length, 1);
});

test("longer and shorter bars under the name of those asked for are found by their stamps", async () => {
  const zone = "America/New_York";
  const hours = starts("2026-03-09", "09:30", 7, 60, zone).map((stamp): WireRow => [stamp, FLAT]);
  for (const [frequency, granularity] of [
    ["15m", "15m"],
    ["30m", "15m"],
    ["5m", "5m"],
    ["1m", "1m"],
  ] as const) {
    const call = toCall("AAPL.US", "2026-03-09", "2026-03-09", frequency);
    await assert.rejects(fetchFrom(call, { symbol: "AAPL", rows: hours, granularity }), DataError, frequency);
  }
  const ownHours = ["01:30", "02:30", "03:30", "04:30", "05:30", "06:30"];
  const shanghai = ownHours.map((time): WireRow => [stampOf(`2026-03-09T${time}:00`, "UTC"), FLAT]);
  const call = toCall("600000.SH", "2026-03-09", "2026-03-09", "60m");
  await assert.rejects(fetchFrom(call, { symbol: "600000.SS", rows: shanghai, granularity: "15m" }), DataError);
  const mondays = ["2026-01-19", "2026-01-26", "2026-02-02", "2026-02-09", "2026-02-16", "2026-02-23"].map(daily);
  const days = toCall("600000.SH", "2026-01-19", "2026-03-03");
  await assert.rejects(fetchFrom(days, { symbol: "600000.SS", rows: mondays }), DataError);
  await assert.rejects(fetchFrom(days, { symbol: "600000.SS", rows: QUARTERS }), DataError);
  const fives = starts(DAY, "09:30", 24, 5).map((stamp): WireRow => [stamp, FLAT]);
  const quarters = toCall("600000.SH", DAY, DAY, "15m");
  await assert.rejects(fetchFrom(quarters, { ...QUARTER_FORM, rows: fives }), DataError);
});

test("days that nobody can have an answer for are asked of nobody", async () => {
  const fail = (): never => assert.fail("it was asked");
  const ahead = await fetchFrom(toCall("600000.SH", "2026-03-11", "2026-03-12"), fail);
  const past = await fetchFrom(toCall("600000.SH", "2025-03-11", "2025-03-12", "5m"), fail);
  for (const { asked, ...page } of [ahead, past]) {
    assert.deepEqual(page, { dataSet: "bars", rows: [], rejected: [], received: 0, rest: [] });
    assert.deepEqual(asked, []);
  }
});

test("a range without a session is a complete and empty answer", async () => {
  const empty = await fetchFrom(toCall("600000.SH", "2026-03-07", "2026-03-08"), { symbol: "600000.SS", rows: [] });
  assert.deepEqual([empty.rows, empty.received, empty.rest], [[], 0, []]);
  const later = { symbol: "600000.SS", rows: [daily("2026-03-09")] };
  const page = await fetchFrom(toCall("600000.SH", "2026-03-07", "2026-03-08"), later);
  assert.deepEqual([page.rows, page.received], [[], 0]);
});

/** Minutes of a session as stamps of bars of so many minutes. */
function starts(day: string, from: string, count: number, minutes: number, zone = SHANGHAI): readonly number[] {
  const first = at(`${day}T${from}:00`, zone);
  return Array.from({ length: count }, (_, index) => first + index * minutes * 60);
}

const DAY = "2026-03-09";
/** A day of Shanghai in quarters, with the print of 11:30 in a place of its own and a live row. */
const QUARTERS: readonly WireRow[] = [
  ...starts(DAY, "09:30", 8, 15).map((stamp, index): WireRow => [
    stamp,
    [10 + index, 20 + index, 5, 11 + index, index * 100],
  ]),
  [at(`${DAY}T11:30:00`), [18, 18, 18, 18.01, 7]],
  ...starts(DAY, "13:00", 8, 15).map((stamp): WireRow => [stamp, FLAT]),
  [at(`${DAY}T15:00:03`), FLAT],
];
const HOURS_OF_TRADE = [[{ start: at(`${DAY}T09:30:00`), end: at(`${DAY}T15:00:00`), gmtoffset: 28_800 }]];
const QUARTER_FORM: ChartForm = {
  symbol: "600000.SS",
  rows: QUARTERS,
  granularity: "15m",
  meta: { tradingPeriods: HOURS_OF_TRADE },
};

test("quarters end where ours end; the print of a morning's end is in its last one", async () => {
  const page = await fetchFrom(toCall("600000.SH", DAY, DAY, "15m"), QUARTER_FORM);
  const morning = ["09:45", "10:00", "10:15", "10:30", "10:45", "11:00", "11:15", "11:30"];
  const afternoon = ["13:15", "13:30", "13:45", "14:00", "14:15", "14:30", "14:45", "15:00"];
  assert.deepEqual(times(page), [...morning, ...afternoon]);
  const [first] = page.rows;
  assert.deepEqual([first?.volume, first?.flags], ["0", BAR_FLAGS.noTurnover], "a first bar without volume is one");
  assert.equal(bar(page.rows[7] ?? assert.fail()), "17 27 5 18.01 707");
});

test("half hours and hours of Shanghai are built from quarters and say so", async () => {
  const halves = await fetchFrom(toCall("600000.SH", DAY, DAY, "30m"), QUARTER_FORM);
  assert.deepEqual(times(halves), ["10:00", "10:30", "11:00", "11:30", "13:30", "14:00", "14:30", "15:00"]);
  assert.equal(halves.asked[0]?.query.get("interval"), "15m");
  const hours = await fetchFrom(toCall("600000.SH", DAY, DAY, "60m"), QUARTER_FORM);
  assert.deepEqual(times(hours), ["10:30", "11:30", "14:00", "15:00"]);
  assert.deepEqual(hours.rows.map(bar), ["10 23 5 14 600", "14 27 5 18.01 2207", "10 10 10 10 400", "10 10 10 10 400"]);
  assert.ok(hours.rows.every(({ flags, frequency }) => flags === 96 && frequency === "60m"));
});

test("a longer bar is built when each part has a place, be it empty, and could be read", async () => {
  const hoursOf = async (change: (row: WireRow, index: number) => WireRow | undefined): Promise<Fetched> => {
    const rows = QUARTERS.map(change).filter((row) => row !== undefined);
    return fetchFrom(toCall("600000.SH", DAY, DAY, "60m"), { ...QUARTER_FORM, rows });
  };
  const empty = await hoursOf((row, index) => (index === 1 ? [row[0], null] : row));
  assert.equal(bar(empty.rows[0] ?? assert.fail()), "10 23 5 14 500");
  const absent = await hoursOf((row, index) => (index === 1 ? undefined : row));
  assert.deepEqual(times(absent), ["11:30", "14:00", "15:00"]);
  const broken = await hoursOf((row, index) => (index === 1 ? [row[0], [1, 1, null, 1, 1]] : row));
  assert.deepEqual(times(broken), ["11:30", "14:00", "15:00"]);
  assert.deepEqual(
    broken.rejected.map(({ day }) => day),
    [DAY],
  );
  const twice = await hoursOf((row, index) => (index === 1 ? [QUARTERS[0]?.[0] ?? 0, row[1]] : row));
  assert.deepEqual(times(twice), ["11:30", "14:00", "15:00"]);
  assert.deepEqual(
    twice.rejected.map(({ reason }) => reason),
    ["conflicting-rows"],
  );
});

test("rows off the grid, outside the hours of trade and not yet over are left out", async () => {
  const zone = "America/New_York";
  const session = starts("2026-03-09", "09:30", 26, 15, zone);
  const rows: WireRow[] = [
    [at("2026-03-09T09:15:00", zone), FLAT],
    ...session.map((stamp): WireRow => [stamp, FLAT]),
    [at("2026-03-09T15:50:00", zone), FLAT],
    [at("2026-03-09T16:00:00", zone), FLAT],
  ];
  const half = [[{ start: session[0], end: at("2026-03-09T13:00:00", zone) }]];
  const call = toCall("AAPL.US", "2026-03-09", "2026-03-09", "15m");
  const form = { symbol: "AAPL", rows, granularity: "15m" };
  const whole = await fetchFrom(call, form);
  assert.deepEqual([whole.rows.length, times(whole)[0], times(whole).at(-1)], [26, "09:45", "16:00"]);
  const short = await fetchFrom(call, { ...form, meta: { tradingPeriods: half } });
  assert.deepEqual([short.rows.length, times(short).at(-1)], [14, "13:00"]);
  const beside = { pre: [], regular: half, post: [] };
  assert.equal((await fetchFrom(call, { ...form, meta: { tradingPeriods: beside } })).rows.length, 14);
  // 10:20 in New York: the quarter from 10:15 on is under way.
  const running = await fetchFrom(call, form, "2026-03-09T14:20:00Z");
  assert.deepEqual(times(running), ["09:45", "10:00", "10:15"]);
});

test("hours of New York are the provider's own, the last one of half an hour", async () => {
  const zone = "America/New_York";
  const rows = starts("2026-03-09", "09:30", 7, 60, zone).map((stamp): WireRow => [stamp, FLAT]);
  const form = { symbol: "AAPL", rows, granularity: "1h" };
  const page = await fetchFrom(toCall("AAPL.US", "2026-03-09", "2026-03-09", "60m"), form);
  assert.deepEqual(times(page), ["10:30", "11:30", "12:30", "13:30", "14:30", "15:30", "16:00"]);
  assert.equal(page.asked[0]?.query.get("interval"), "60m");
  const half = [[{ start: rows[0]?.[0], end: at("2026-03-09T13:00:00", zone) }]];
  const short = await fetchFrom(toCall("AAPL.US", "2026-03-09", "2026-03-09", "60m"), {
    ...form,
    meta: { tradingPeriods: half },
  });
  assert.deepEqual(times(short), ["10:30", "11:30", "12:30", "13:00"]);
});

test("Hong Kong has bars of a morning until noon and no hours", async () => {
  const zone = "Asia/Hong_Kong";
  const stamps = [...starts(DAY, "09:30", 10, 15, zone), ...starts(DAY, "13:00", 12, 15, zone)];
  const form = { symbol: "0700.HK", rows: stamps.map((stamp): WireRow => [stamp, FLAT]), granularity: "15m" };
  const page = await fetchFrom(toCall("00700.HK", DAY, DAY, "30m"), form);
  assert.deepEqual(times(page).slice(3, 7), ["11:30", "12:00", "13:30", "14:00"]);
  assert.equal(page.rows.length, 11);
  await assert.rejects(fetchFrom(toCall("00700.HK", DAY, DAY, "60m"), form), RangeError);
});

/** What the provider has of a minute a day at 09:30, with a split on 3 March; asked as it is asked. */
function minutes({ query }: YahooAsked): string {
  const [from, to] = ["period1", "period2"].map((name) => Number.parseInt(query.get(name) ?? "", 10));
  assert.ok(from !== undefined && to !== undefined);
  const splitAt = at("2026-03-03T09:30:00");
  const interval = query.get("interval") ?? "";
  const stamps = Array.from({ length: 40 }, (_, index) => at(`${addDays(parseDay("2026-02-01"), index)}T09:30:00`));
  const rows = stamps
    .filter((stamp) => stamp >= from && stamp < to)
    .map((stamp): WireRow => [stamp, [5, 5, 5, 5, 200]]);
  const splits = splitAt >= from && splitAt < to ? { [splitAt]: { date: splitAt, numerator: 2, denominator: 1 } } : {};
  return chartBody({ symbol: "600000.SS", rows, granularity: interval, events: { splits } });
}

test("minutes come week by week, each freed from the splits that came after its week", async () => {
  const left: Call<"bars">[] = [toCall("600000.SH", "2026-02-20", "2026-03-09", "1m")];
  const rows: Bar[] = [];
  const asked: string[] = [];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const page = await fetchFrom(next, minutes);
    rows.push(...page.rows);
    asked.push(page.asked.map(({ query }) => query.get("interval")).join(" "));
    left.push(...page.rest);
  }
  assert.deepEqual(asked, ["1m 1d", "1m 1d", "1m 1d"]);
  assert.equal(rows.length, 18);
  assert.ok(
    rows.every(({ tradingDay, close, volume }) =>
      tradingDay < "2026-03-03" ? close === "10" && volume === "100" : close === "5" && volume === "200",
    ),
  );
  assert.equal(rows[0]?.time, "2026-02-20 09:31:00");
});

test("splits that a first answer lacks are those of the second one, and are known for the minutes after it", async () => {
  const splitAt = at("2026-03-03T09:30:00");
  let charts = 0;
  const script = ({ query }: YahooAsked): string => {
    const interval = query.get("interval") ?? "";
    charts += interval === "1d" ? 1 : 0;
    const rows = ["2026-03-02", "2026-03-03"].map((day): WireRow => [at(`${day}T09:30:00`), [5, 5, 5, 5, 200]]);
    const splits = { [splitAt]: { date: splitAt, numerator: 2, denominator: 1 } };
    const events = interval === "1d" && charts > 1 ? { splits } : {};
    return chartBody({ symbol: "600000.SS", rows, granularity: interval, events });
  };
  await using server = await ScriptedYahoo.open(script);
  await using source = openYahooSource({ clock: clockAt(NOW), baseUrl: server.url });
  const page = await source.fetch(toCall("600000.SH", "2026-03-02", "2026-03-02"), never);
  assert.deepEqual(page.rows.map(bar), ["10 10 10 10 100"]);
  const minutesOfDay = await source.fetch(toCall("600000.SH", "2026-03-02", "2026-03-02", "5m"), never);
  assert.deepEqual(minutesOfDay.rows.map(bar), ["10 10 10 10 100"]);
  assert.deepEqual(
    server.asked.map(({ query }) => query.get("interval")),
    ["1d", "1d", "5m"],
  );
});

test("a week of minutes without any bar asks for no splits", async () => {
  const form = { symbol: "600000.SS", rows: [], granularity: "1m" };
  const page = await fetchFrom(toCall("600000.SH", "2026-02-20", "2026-03-09", "1m"), form);
  assert.equal(page.asked.length, 1);
  assert.deepEqual(page.rest, [toCall("600000.SH", "2026-02-27", "2026-03-09", "1m")]);
});

test("a call that it never offered is the caller's defect", async () => {
  const fail = (): never => assert.fail("it was asked");
  const day = "2026-03-09";
  for (const call of [
    toCall("920002.BJ", day, day),
    toCall("110059.SH", day, day),
    toCall("600000.SH", day, day, "1w"),
    { ...toCall("600000.SH", day, day), selection: { by: "day", day: parseDay(day) } } as const,
  ]) {
    await assert.rejects(fetchFrom(call, fail), RangeError);
  }
  await using source = openYahooSource({ clock: clockAt(NOW), baseUrl: "http://127.0.0.1:9" });
  const shares = { ...toCall("600000.SH", day, day), dataSet: "adjustment-factors" } as const;
  await assert.rejects(source.fetch(shares, never), RangeError);
  await assert.rejects(source.fetch({ ...shares, dataSet: "ticks" }, never), RangeError);
  const two = [parseSecurityCode("600000.SH"), parseSecurityCode("600001.SH")];
  const selection = { by: "codes", codes: two, from: parseDay(day), to: parseDay(day) } as const;
  await assert.rejects(source.fetch({ dataSet: "bars", frequency: "1d", selection }, never), RangeError);
});

test("factors are asked for from before any listing up to now", async () => {
  const zone = "Asia/Hong_Kong";
  const stamp = (day: string): number => at(`${day}T09:30:00`, zone);
  const date = stamp("2026-03-03");
  const rows: WireRow[] = [
    [stamp("2026-03-02"), [10, 10, 10, 10, 1]],
    [date, [9, 9, 9, 9, 1]],
  ];
  const events = { dividends: { [date]: { amount: 1, date } } };
  await using server = await ScriptedYahoo.open(() => chartBody({ symbol: "0700.HK", rows, events }));
  await using source = openYahooSource({ clock: clockAt(NOW), baseUrl: server.url });
  const call = { ...toCall("00700.HK", "2026-03-05", "2026-03-09"), dataSet: "adjustment-factors" } as const;
  const page = await source.fetch(call, never);
  assert.deepEqual(page.rows, [{ code: "00700.HK", tradingDay: "2026-03-03", factor: "1.11111111", source: 6 }]);
  const query = server.asked[0]?.query;
  assert.ok(Number.parseInt(query?.get("period1") ?? "", 10) < -2_000_000_000);
  assert.match(query?.get("events") ?? "", /div\|split/);
});
