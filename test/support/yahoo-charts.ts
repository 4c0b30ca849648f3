import assert from "node:assert/strict";

import { Temporal } from "temporal-polyfill";
import { z } from "zod";

import { systemClock, type Clock } from "../../src/base/clock.ts";

const cell = z.union([z.number(), z.string(), z.null()]);
const event = z.record(z.string(), z.union([z.number(), z.string()]));

const resultSchema = z.object({
  meta: z.record(z.string(), z.unknown()),
  timestamp: z.array(z.int()).optional(),
  events: z.record(z.string(), z.record(z.string(), event)).optional(),
  indicators: z.object({
    quote: z.tuple([z.record(z.string(), z.array(cell))]),
    adjclose: z.tuple([z.object({ adjclose: z.array(cell).optional() })]).optional(),
  }),
});

const chartSchema = z.object({ chart: z.object({ result: z.tuple([resultSchema]), error: z.null() }) });
const errorSchema = z.record(
  z.string(),
  z.object({ result: z.null(), error: z.object({ code: z.string(), description: z.string() }) }),
);

export type ChartResult = z.output<typeof resultSchema>;

/** A row of an answer, taken out of its parallel arrays. */
export interface YahooRow {
  readonly stamp: number;
  readonly open: number | string | null;
  readonly high: number | string | null;
  readonly low: number | string | null;
  readonly close: number | string | null;
  readonly volume: number | string | null;
  readonly adjclose: number | string | null | undefined;
}

export const BROWSER = { "user-agent": "Mozilla/5.0 (compatible; Test/1.0)" };

export async function getYahoo(
  simulator: { readonly url: string },
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly body: string; readonly headers: Headers }> {
  const response = await fetch(`${simulator.url}${path}`, {
    headers: { ...BROWSER, ...headers },
    redirect: "manual",
  });
  return { status: response.status, body: await response.text(), headers: response.headers };
}

export async function getChart(
  simulator: { readonly url: string },
  symbol: string,
  query: string,
): Promise<ChartResult> {
  const { status, body } = await getYahoo(simulator, `/v8/finance/chart/${encodeURIComponent(symbol)}?${query}`);
  assert.equal(status, 200, body);
  return parseChart(body);
}

export function parseChart(body: string): ChartResult {
  return chartSchema.parse(JSON.parse(body)).chart.result[0];
}

/** Status, code and words of a refusal. */
export async function getRefusal(
  simulator: { readonly url: string },
  symbol: string,
  query: string,
): Promise<readonly [number, string, string]> {
  const { status, body } = await getYahoo(simulator, `/v8/finance/chart/${encodeURIComponent(symbol)}?${query}`);
  const error = errorSchema.parse(JSON.parse(body))["chart"]?.error;
  return [status, error?.code ?? "", error?.description ?? ""];
}

export function rowsOf({ timestamp = [], indicators }: ChartResult): readonly YahooRow[] {
  const [quote] = indicators.quote;
  const adjclose = indicators.adjclose?.[0].adjclose;
  const at = (key: string, index: number): YahooRow["open"] => {
    const found = quote[key]?.[index];
    assert.notEqual(found, undefined, `${key} has no value at ${index}`);
    return found ?? null;
  };
  return timestamp.map((stamp, index) => ({
    stamp,
    open: at("open", index),
    high: at("high", index),
    low: at("low", index),
    close: at("close", index),
    volume: at("volume", index),
    adjclose: adjclose?.[index],
  }));
}

/** A clock that stands still until it is set. */
export function createSetClock(start: string): Clock & { set(to: string): void } {
  let at = Temporal.Instant.from(start);
  return {
    ...systemClock,
    now: () => at,
    nowMs: () => at.epochMilliseconds,
    set: (to) => {
      at = Temporal.Instant.from(to);
    },
  };
}

export function secondsOf(instant: string): number {
  return Temporal.Instant.from(instant).epochMilliseconds / 1_000;
}
