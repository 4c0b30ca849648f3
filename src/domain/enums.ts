/** Ginkgo's enum numbers, stored as Int8 (contract section 3). They are never renumbered. */

export const WORKER_STATUS = { VOID: -1, STOPPED: 0, STARTING: 1, RUNNING: 2, STOPPING: 3, ERROR: 4 } as const;

export const FREQUENCY = {
  VOID: -1,
  OTHER: 0,
  DAY: 1,
  MIN1: 2,
  MIN5: 3,
  MIN15: 4,
  MIN30: 5,
  HOUR1: 6,
  HOUR2: 7,
  HOUR4: 8,
  WEEK: 9,
  MONTH: 10,
  QUARTER: 11,
  YEAR: 12,
} as const;

/** 11 to 19 belong to Ginkgo and are not named in the contract; `isEnumNumber` accepts only what is named. */
export const SOURCE = {
  VOID: -1,
  OTHER: 0,
  SIM: 1,
  REALTIME: 2,
  SINA: 3,
  BAOSTOCK: 4,
  AKSHARE: 5,
  YAHOO: 6,
  TUSHARE: 7,
  TDX: 8,
  TEST: 9,
  DATABASE: 10,
  MANUAL: 20,
} as const;

export const MARKET = { VOID: -1, OTHER: 0, CHINA: 1, NASDAQ: 2 } as const;
export const CURRENCY = { VOID: -1, OTHER: 0, CNY: 1, USD: 2 } as const;
export const TICK_DIRECTION = {
  VOID: -1,
  NEUTRAL: 0,
  ACTIVEBUY: 1,
  ACTIVESELL: 2,
  CANCEL: 3,
  REMAIN2LIMIT: 4,
  MARKET2LIMIT: 5,
  FOKIOC: 6,
  SELFOPTIMAL: 7,
  COUNTEROPTIMAL: 8,
} as const;
export const ADJUSTMENT = { VOID: -1, NONE: 0, FORE: 1, BACK: 2 } as const;

export type NumberIn<Table extends Readonly<Record<string, number>>> = Table[keyof Table];
export type SourceNumber = NumberIn<typeof SOURCE>;
export type FrequencyNumber = NumberIn<typeof FREQUENCY>;
export type MarketNumber = NumberIn<typeof MARKET>;
export type TickDirectionNumber = NumberIn<typeof TICK_DIRECTION>;
export type CurrencyNumber = NumberIn<typeof CURRENCY>;

export function isEnumNumber<Table extends Readonly<Record<string, number>>>(
  table: Table,
  value: unknown,
): value is NumberIn<Table> {
  return typeof value === "number" && Object.values(table).includes(value);
}
