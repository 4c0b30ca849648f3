import { HONG_KONG, parseDay, SHANGHAI } from "../../domain/day.ts";
import { MAINLAND_EXCHANGES } from "../../domain/security-code.ts";
import type { Capability } from "../../ports/source.ts";
import { SINA_ROWS_MAX } from "./sina.ts";

/** The lists of the three exchanges are one answer, and so one api. */
export const EXCHANGE_LISTS = "exchanges";

/** When a day's rows are complete, in the zone of their exchange. Nobody states an hour: these are on the safe side. */
export const AKSHARE_COMPLETE_FROM = {
  bars: "17:00",
  ticks: "16:05",
  "adjustment-factors": "18:00",
} as const;

const ROWS_PER_DAY = { "1d": 1, "1m": 240, "5m": 48, "15m": 16, "30m": 8, "60m": 4 } as const;
const MINUTES = ["5m", "15m", "30m", "60m"] as const;

/** Trading days of which Eastmoney was seen to keep bars: the least of several reports. */
const EASTMONEY_DAYS = { "5m": 20, "15m": 30, "30m": 30, "60m": 40 } as const;
/** More days than there are. */
const DAY_ROWS_MAX = 20_000;
/** One day a call, however few ticks it has: two full days are beyond it. */
const TICK_ROWS_A_CALL = 9_999;
const TICKS_PER_DAY = 5_000;
/** Of a list of everything that is listed. */
const LIST_ROWS_MAX = 10_000;
const CALENDAR_ROWS_MAX = 20_000;

export interface AkshareAbilities {
  readonly aktoolsUrl?: string | undefined;
}

const common = {
  frequency: "1d",
  codesMax: 1,
  byDay: false,
  zone: SHANGHAI,
  exchanges: MAINLAND_EXCHANGES,
  rowsPerDay: 1,
  since: undefined,
  // None of them says how many rows there are.
  isSilentlyShort: true,
} as const;

/**
 * What the source can answer; known without a server. Where two upstreams have the same rows the first one listed is the
 * better one: it reaches further back, or was seen to be right more often. An AKTools server, where there is one, is asked
 * instead of all of them.
 */
export function akshareCapabilities({ aktoolsUrl }: AkshareAbilities = {}): readonly Capability[] {
  return aktoolsUrl === undefined ? [...eastmoney(), ...sina(), ...others()] : aktools();
}

function eastmoney(): readonly Capability[] {
  const bars = {
    ...common,
    dataSet: "bars",
    api: "eastmoney",
    kinds: ["stock", "index", "etf", "fund"],
    completeFrom: AKSHARE_COMPLETE_FROM.bars,
    rowsMax: DAY_ROWS_MAX,
    hasHoles: true,
  } as const;
  return [
    bars,
    { ...bars, kinds: ["stock"], exchanges: ["HK"], zone: HONG_KONG },
    ...MINUTES.map((frequency) => ({
      ...bars,
      frequency,
      rowsPerDay: ROWS_PER_DAY[frequency],
      daysKept: EASTMONEY_DAYS[frequency],
    })),
    { ...bars, frequency: "1m", rowsPerDay: ROWS_PER_DAY["1m"], daysKept: 1 },
  ];
}

/** Of indices it is not known in which unit it counts. */
function sina(): readonly Capability[] {
  const bars = {
    ...common,
    dataSet: "bars",
    api: "sina",
    kinds: ["stock", "etf", "fund"],
    completeFrom: AKSHARE_COMPLETE_FROM.bars,
    rowsMax: SINA_ROWS_MAX,
    hasHoles: true,
  } as const;
  return [
    ...(["1d", ...MINUTES] as const).map((frequency) => ({
      ...bars,
      frequency,
      rowsPerDay: ROWS_PER_DAY[frequency],
      // Its newest day may not be over, and takes room all the same.
      daysKept: Math.floor(SINA_ROWS_MAX / ROWS_PER_DAY[frequency]) - 1,
    })),
    {
      ...common,
      dataSet: "adjustment-factors",
      api: "sina",
      kinds: ["stock"],
      completeFrom: AKSHARE_COMPLETE_FROM["adjustment-factors"],
      rowsMax: SINA_ROWS_MAX,
      isByEvent: true,
    },
    {
      ...common,
      dataSet: "trading-calendar",
      api: "sina",
      kinds: ["stock"],
      completeFrom: "00:00",
      codesMax: 0,
      rowsMax: CALENDAR_ROWS_MAX,
    },
  ];
}

function others(): readonly Capability[] {
  return [
    ticksOf("tencent"),
    {
      ...common,
      dataSet: "stock-list",
      api: EXCHANGE_LISTS,
      kinds: ["stock"],
      completeFrom: "00:00",
      codesMax: 0,
      rowsMax: LIST_ROWS_MAX,
    },
  ];
}

function ticksOf(api: string): Capability {
  return {
    ...common,
    dataSet: "ticks",
    api,
    // An index has no trades.
    kinds: api === "aktools" ? ["stock"] : ["stock", "etf", "fund"],
    completeFrom: AKSHARE_COMPLETE_FROM.ticks,
    rowsMax: TICK_ROWS_A_CALL,
    rowsPerDay: TICKS_PER_DAY,
    daysKept: 1,
    since: parseDay("2000-06-09"),
  };
}

/** Its functions know shares by six digits alone, and its lists of them have no listing days. */
function aktools(): readonly Capability[] {
  const kept = [...eastmoney(), ...sina()].filter(isBehindAktools);
  return [...kept.map((one): Capability => ({ ...one, api: "aktools", kinds: ["stock"] })), ticksOf("aktools")];
}

function isBehindAktools({ dataSet, api, exchanges }: Capability): boolean {
  return dataSet === "bars" ? api === "eastmoney" && !exchanges.includes("HK") : true;
}
