import type { Clock } from "../../base/clock.ts";
import { parseDay, SHANGHAI } from "../../domain/day.ts";
import { parseFrequency, type Frequency } from "../../domain/frequency.ts";
import { INSTRUMENT_KINDS, kindOf, nameOfKind } from "../../domain/instrument-kind.ts";
import type { DataSet } from "../../domain/rows.ts";
import { MAINLAND_EXCHANGES, exchangeOf, type SecurityCode } from "../../domain/security-code.ts";
import type { Call } from "../../domain/unit.ts";
import type { Capability, Page, Source } from "../../ports/source.ts";
import { oneCodeOf } from "../one-code-of.ts";
import { askForBars, askForTicks } from "./believe.ts";
import { todayOf } from "./calendar.ts";
import type { TdxServer } from "./connection.ts";
import { createInquiries } from "./inquiries.ts";
import type { KLineInterval } from "./k-lines.ts";
import { mapKLines, mapTicks } from "./mapping.ts";
import { TdxPool } from "./pool.ts";
import { PAGE_ROWS_NEW, type BarsQuestion } from "./read-bars.ts";

export type { TdxServer } from "./connection.ts";

export interface TdxSourceOptions {
  readonly servers: readonly TdxServer[];
  readonly clock: Clock;
  /** Calls under way at a time, each on a connection of its own. Default 2. */
  readonly connectionsMax?: number;
  /** Until one answer is there. Default 8 s. */
  readonly callMsMax?: number;
  /** Until a server has taken a connection. Default 1 s. */
  readonly probeMsMax?: number;
  /** Between an answer and the next request on the same connection. Default 60 ms. */
  readonly pauseMs?: number;
  /** Of silence, after which a connection is kept alive. Default 20 s. */
  readonly heartbeatMs?: number;
}

/**
 * TongDaXin's quote servers as a source. A call is one request, except that ticks of a day take all its pages, a wrong
 * guess of where old bars are is corrected, and an answer of nothing is asked of a second server. Nothing is retried,
 * waited for or counted here.
 */
export function openTdxSource(options: TdxSourceOptions): Source {
  const { clock } = options;
  const pool = new TdxPool({
    servers: options.servers,
    clock,
    connectionsMax: options.connectionsMax ?? 2,
    callMsMax: options.callMsMax ?? 8_000,
    probeMsMax: options.probeMsMax ?? 1_000,
    pauseMs: options.pauseMs ?? 60,
    heartbeatMs: options.heartbeatMs ?? 20_000,
  });
  const capabilities = tdxCapabilities();

  async function fetchBars(call: Call<"bars">, signal: AbortSignal): Promise<Page<"bars">> {
    const { code, from, to } = oneCodeOf(call.selection, "tdx");
    const capability = capabilityOf(capabilities, call, code);
    const question: BarsQuestion = {
      code,
      interval: intervalOf(call.frequency),
      isIndex: kindOf(code) === "index",
      rowsPerDay: capability.rowsPerDay,
      from,
      to,
      offset: call.offset,
      today: todayOf(clock),
    };
    const { rows, rest } = await askForBars(pool, question, signal);
    const { bars, rejected, suspensions } = mapKLines(rows, code, call.frequency);
    return {
      dataSet: "bars",
      rows: bars,
      rejected,
      received: rows.length,
      rest:
        rest === undefined
          ? []
          : [{ ...call, selection: { by: "codes", codes: [code], from, to: rest.to }, offset: rest.offset }],
      ...(suspensions.length === 0 ? {} : { suspensions }),
    };
  }

  async function fetchTicks(call: Call<"ticks">, signal: AbortSignal): Promise<Page<"ticks">> {
    const { code, from, to } = oneCodeOf(call.selection, "tdx");
    capabilityOf(capabilities, call, code);
    if (from !== to) {
      throw new RangeError(`calling tdx: ticks of one day a call, got ${from} to ${to}`);
    }
    const { ticks: wire } = await askForTicks(pool, { code, day: from }, signal);
    const { ticks, rejected } = mapTicks(wire, code, from);
    return { dataSet: "ticks", rows: ticks, rejected, received: wire.length, rest: [] };
  }

  const fetchers: Fetchers = { bars: fetchBars, ticks: fetchTicks };

  async function fetch<D extends DataSet>(call: Call<D>, signal: AbortSignal): Promise<Page<D>> {
    signal.throwIfAborted();
    const fetcher: Fetchers[D] = fetchers[call.dataSet];
    if (fetcher === undefined) {
      throw new RangeError(`calling tdx: it has no ${call.dataSet}`);
    }
    return await fetcher(call, signal);
  }

  return {
    provider: "tdx",
    capabilities,
    fetch,
    inquiries: createInquiries(pool, clock),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

type Fetchers = {
  readonly [D in DataSet]?: ((call: Call<D>, signal: AbortSignal) => Promise<Page<D>>) | undefined;
};

/** Rows of a trading day, and how many trading days of them a server keeps: about 24,000 rows of each. */
const INTERVALS = {
  "1m": { rowsPerDay: 240, daysKept: 100 },
  "5m": { rowsPerDay: 48, daysKept: 500 },
  "15m": { rowsPerDay: 16, daysKept: 1_500 },
  "30m": { rowsPerDay: 8, daysKept: 3_000 },
  "60m": { rowsPerDay: 4, daysKept: 6_000 },
} as const;

/** Trades at the fixed price after the close go on until 15:30, and a day's volume has them. */
const COMPLETE_FROM = "16:00";
/** The time of a minute's bar cannot say an earlier year. */
const MINUTES_BEGIN = parseDay("2004-01-01");
const MINUTE_ROWS_MAX = 24_000;
/** The whole history in one call of many pages; places have 16 bits. */
const DAY_ROWS_MAX = 60_000;
/** One day a call, however few ticks it has: two full days are beyond it. */
const TICK_ROWS_A_CALL = 9_999;
const TICKS_PER_DAY = 5_000;

/** What the source can answer; known without a server. */
export function tdxCapabilities(): readonly Capability[] {
  const common = {
    api: "tdx",
    codesMax: 1,
    byDay: false,
    zone: SHANGHAI,
    exchanges: MAINLAND_EXCHANGES,
    isSilentlyShort: true,
  } as const;
  const bars = {
    ...common,
    dataSet: "bars",
    kinds: INSTRUMENT_KINDS,
    pageRowsMax: PAGE_ROWS_NEW,
    completeFrom: COMPLETE_FROM,
    since: undefined,
  } as const;
  return [
    { ...bars, frequency: "1d", rowsMax: DAY_ROWS_MAX, rowsPerDay: 1 },
    ...Object.entries(INTERVALS).map(([frequency, { rowsPerDay, daysKept }]) => ({
      ...bars,
      frequency: parseFrequency(frequency),
      rowsMax: MINUTE_ROWS_MAX,
      rowsPerDay,
      daysKept,
      since: MINUTES_BEGIN,
    })),
    {
      ...common,
      dataSet: "ticks",
      frequency: "1d",
      rowsMax: TICK_ROWS_A_CALL,
      rowsPerDay: TICKS_PER_DAY,
      completeFrom: COMPLETE_FROM,
      // An index has no trades; of bonds neither the lot nor the price's decimals are known without the security list.
      kinds: ["stock", "etf", "fund"],
      since: parseDay("2000-06-09"),
    },
  ];
}

/** Throws RangeError on a call that this source never offered: the caller's defect. */
function capabilityOf(capabilities: readonly Capability[], call: Call, code: SecurityCode): Capability {
  const kind = kindOf(code);
  const capability = capabilities.find(
    ({ dataSet, frequency, kinds, exchanges }) =>
      dataSet === call.dataSet &&
      frequency === call.frequency &&
      kinds.includes(kind) &&
      exchanges.includes(exchangeOf(code)),
  );
  if (capability === undefined) {
    throw new RangeError(
      `calling tdx: it has no ${call.dataSet} at ${call.frequency} of ${nameOfKind(kind)} (${code})`,
    );
  }
  return capability;
}

/** The wire has weeks and months besides, which are views of ours over days. */
function intervalOf(frequency: Frequency): KLineInterval {
  if (frequency === "1w" || frequency === "1M") {
    throw new RangeError(`calling tdx: it has no bars at ${frequency}`);
  }
  return frequency;
}
