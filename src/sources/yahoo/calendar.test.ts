import assert from "node:assert/strict";
import { test } from "node:test";

import { chartBody, clockAt, ScriptedYahoo, stampOf, type WireRow } from "../../../test/support/scripted-yahoo.ts";
import { TransientError } from "../../base/errors.ts";
import { addDays, parseDay, type Day } from "../../domain/day.ts";
import type { MarketName } from "../../domain/market.ts";
import type { CalendarDay } from "../../domain/rows.ts";
import type { Page } from "../../ports/source.ts";
import { openYahooSource } from "./source.ts";

const never = new AbortController().signal;
const ZONES = { HK: "Asia/Hong_Kong", US: "America/New_York", CN: "Asia/Shanghai" } as const;

interface Answered {
  readonly page: Page<"trading-calendar">;
  readonly asked: readonly URLSearchParams[];
  readonly paths: readonly string[];
}

/** Asks for the days of a market, before a provider that has bars of its index on these days. */
async function ask(
  market: MarketName,
  from: string,
  to: string,
  days: readonly (string | null)[],
  now: string,
): Promise<Answered> {
  const zone = ZONES[market];
  const [symbol, open] = market === "HK" ? ["^HSI", "09:30:00"] : ["^GSPC", "09:30:00"];
  let previous = from;
  const rows = days.map((day): WireRow => {
    previous = day ?? addDays(parseDay(previous), 1);
    return [stampOf(`${previous}T${open}`, zone), day === null ? null : [1, 1, 1, 1, 0]];
  });
  await using server = await ScriptedYahoo.open(() => chartBody({ symbol, rows, meta: { currency: null } }));
  await using source = openYahooSource({ clock: clockAt(now), baseUrl: server.url });
  const selection = { by: "range", from: parseDay(from), to: parseDay(to), market } as const;
  const page = await source.fetch({ dataSet: "trading-calendar", frequency: "1d", selection }, never);
  return { page, asked: server.asked.map(({ query }) => query), paths: server.asked.map(({ path }) => path) };
}

const shown = (rows: readonly CalendarDay[]): string =>
  rows.map(({ day, isOpen }) => `${day.slice(8)}${isOpen ? "+" : "-"}`).join(" ");

test("days with a bar of the index are open, those between are closed, and nothing is said behind the last bar", async () => {
  const days = ["2026-01-02", "2026-01-05", "2026-01-06"];
  const { page, asked, paths } = await ask("US", "2026-01-01", "2026-01-31", days, "2026-02-10T00:00:00Z");
  assert.equal(shown(page.rows), "01- 02+ 03- 04- 05+ 06+");
  assert.deepEqual(page.rows[0], { market: 2, day: "2026-01-01", isOpen: false, source: 6 });
  assert.deepEqual([page.received, page.rest, page.rejected], [6, [], []]);
  assert.deepEqual(paths, ["/v8/finance/chart/%5EGSPC"]);
  assert.equal(asked[0]?.get("period1"), `${stampOf("2026-01-01T00:00:00", ZONES.US)}`);
});

test("Hong Kong has its own index, zone and number", async () => {
  const { page, paths } = await ask(
    "HK",
    "2026-01-05",
    "2026-01-06",
    ["2026-01-05", "2026-01-06"],
    "2026-02-10T00:00:00Z",
  );
  assert.deepEqual(paths, ["/v8/finance/chart/%5EHSI"]);
  assert.deepEqual(page.rows, [
    { market: 0, day: "2026-01-05", isOpen: true, source: 6 },
    { market: 0, day: "2026-01-06", isOpen: true, source: 6 },
  ]);
});

test("a day is told when it is over, and one that is not is asked of nobody", async () => {
  // 19:59 and 20:00 in New York on 6 January.
  const days = ["2026-01-05", "2026-01-06"];
  const before = await ask("US", "2026-01-05", "2026-01-06", days, "2026-01-07T00:59:00Z");
  assert.equal(shown(before.page.rows), "05+");
  const after = await ask("US", "2026-01-05", "2026-01-06", days, "2026-01-07T01:00:00Z");
  assert.equal(shown(after.page.rows), "05+ 06+");
  const none = await ask("US", "2026-01-06", "2026-01-09", days, "2026-01-07T00:59:00Z");
  assert.deepEqual([none.page.rows, none.paths], [[], []]);
});

test("a place of nulls says neither that the day was open nor that it was closed", async () => {
  const { page } = await ask(
    "US",
    "2026-01-05",
    "2026-01-08",
    ["2026-01-05", null, "2026-01-08"],
    "2026-02-10T00:00:00Z",
  );
  assert.equal(shown(page.rows), "05+ 07- 08+");
});

test("nothing is told before the index began, and a hole that no closure explains is not believed", async () => {
  const begun = await ask("HK", "1986-12-01", "1987-01-05", ["1986-12-31", "1987-01-02"], "2026-02-10T00:00:00Z");
  assert.equal(begun.page.rows[0]?.day, "1986-12-31");
  const weekdays = (from: Day, count: number): string => addDays(from, count);
  const hole = ["2026-01-02", weekdays(parseDay("2026-01-02"), 20)];
  await assert.rejects(ask("US", "2026-01-02", "2026-01-31", hole, "2026-02-10T00:00:00Z"), TransientError);
  const golden = ["2026-01-02", "2026-01-13"];
  await assert.doesNotReject(ask("US", "2026-01-02", "2026-01-13", golden, "2026-02-10T00:00:00Z"));
});

test("the mainland's calendar is none of its", async () => {
  await assert.rejects(ask("CN", "2026-01-02", "2026-01-31", [], "2026-02-10T00:00:00Z"), RangeError);
});
