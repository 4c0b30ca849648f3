import type { Day } from "../../../src/domain/day.ts";
import { generateMarket, type Market } from "../../../src/market/generate-market.ts";
import { truthRows, type TruthRow } from "../../../src/market/truth-rows.ts";
import { marketData } from "../../../src/simulators/tushare/market-data.ts";
import { startTushareSimulator, type TushareSimulator } from "../../../src/simulators/tushare/simulator.ts";
import { type BenchRig, openBenchRig } from "../worker/bench-rig.ts";
import { imageNodeOptions } from "../worker/built-package.ts";
import { type GdwProcess, startGdwProcess } from "../worker/gdw-process.ts";
import { openServers } from "../worker/servers.ts";
import type { DrainKind, ServiceBenchOptions } from "./options.ts";

/** Days of a message of the drains. */
const SPAN_DAYS = 3;
/**
 * Spans over which the messages of a drain are spread: with one the whole market is asked for on each of its days, with
 * many (and a small answer) that would take more calls than one for each message.
 */
const SPANS: Readonly<Record<DrainKind, number>> = { shared: 1, alone: 8 };

/** Everything the parts of this bench share. */
export interface ServiceRig extends AsyncDisposable {
  readonly options: ServiceBenchOptions;
  readonly rig: BenchRig;
  readonly servers: { readonly kafka: string; readonly redis: URL; readonly clickhouse: string };
  readonly market: Market;
  readonly simulator: TushareSimulator;
  /** Each drain has days of its own; RangeError when they are used up. */
  takeSpans(kind: DrainKind): readonly (readonly Day[])[];
  /** Days that no drain asks for. */
  readonly daysLeft: readonly Day[];
  startWorker(env?: Readonly<Record<string, string>>): Promise<GdwProcess>;
}

export async function openServiceRig(program: string, options: ServiceBenchOptions): Promise<ServiceRig> {
  await using opened = new AsyncDisposableStack();
  const servers = opened.use(await openServers());
  const drainDays = SPAN_DAYS * options.runs * options.drains.reduce((sum, kind) => sum + SPANS[kind], 0);
  const market = generateMarket({
    seed: 1,
    codes: 300,
    tradingDays: drainDays + Math.max(20, Math.ceil(options.requests / 5)),
  });
  const simulator = opened.use(
    await startTushareSimulator({
      data: marketData(market),
      limits: [],
      latency: { fromMs: options.latencyMs, toMs: options.latencyMs },
    }),
  );
  const rig = opened.use(await openBenchRig(servers, simulator));
  const nodeOptions = imageNodeOptions();
  let taken = 0;
  const open = opened.move();
  return {
    options,
    rig,
    servers,
    market,
    simulator,
    takeSpans: (kind) =>
      Array.from({ length: SPANS[kind] }, () => {
        const span = market.days.slice(taken, taken + SPAN_DAYS);
        taken += SPAN_DAYS;
        if (taken > drainDays) {
          throw new RangeError("draining: the market's days for it are used up");
        }
        return span;
      }),
    // Between the two lie days that nobody asks for.
    daysLeft: market.days.slice(drainDays + SPAN_DAYS),
    startWorker: (env = {}) => startGdwProcess({ program, nodeOptions, env: { ...rig.env, ...env } }),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** The stored bars of `where` as text, in the form of the market's truth. */
export async function storedRows(rig: BenchRig, where: string): Promise<readonly TruthRow[]> {
  return await rig.select<TruthRow>(
    `SELECT toString(code) AS code, toString(trading_day) AS day, toString(open) AS open, toString(high) AS high,
     toString(low) AS low, toString(close) AS close, toString(assumeNotNull(pre_close)) AS pre_close, toString(volume) AS volume,
     toString(assumeNotNull(amount)) AS amount FROM @bar AS bar WHERE bar.frequency = 1 AND ${where}`,
  );
}

export function isSameRow(left: TruthRow, right: TruthRow): boolean {
  return textOf(left) === textOf(right);
}

/** Rows that only one of the two has, or has with another value. */
export function countDifferences(stored: readonly TruthRow[], truth: readonly TruthRow[]): number {
  const left = new Map<string, number>();
  for (const row of stored) {
    left.set(textOf(row), (left.get(textOf(row)) ?? 0) + 1);
  }
  for (const row of truth) {
    left.set(textOf(row), (left.get(textOf(row)) ?? 0) - 1);
  }
  return [...left.values()].reduce((sum, count) => sum + Math.abs(count), 0);
}

/** What must be stored of a code on these days. */
export function truthOf(market: Market, code: string, days: readonly Day[]): readonly TruthRow[] {
  return [...truthRows(market, [code])].filter(({ day }) => days.includes(day));
}

function textOf(row: TruthRow): string {
  const { code, day, open, high, low, close, pre_close: preClose, volume, amount } = row;
  return [code, day, open, high, low, close, preClose, volume, amount].join(" ");
}
