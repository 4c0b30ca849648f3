import type { ForeignMarketName } from "./foreign-calendar.ts";

/** What befalls a security within the market's days. */
export interface ForeignPlan {
  /** New shares for old ones, `[4, 1]`, one after the other in the market's days. */
  readonly splits: readonly (readonly [numerator: number, denominator: number])[];
  /** How many days lie between two dividends; undefined pays none. */
  readonly dividendEvery: number | undefined;
  /** A fund that once passes on what it won. */
  readonly hasCapitalGain: boolean;
  /** Whole days without trading, in a row. */
  readonly suspendedDays: number;
}

export interface ForeignSecurity {
  /** `00700.HK`, `BRK-B.US`; of an index `^HSI`. */
  readonly code: string;
  readonly name: string;
  readonly market: ForeignMarketName;
  readonly kind: "stock" | "etf" | "index";
  /** Digits behind the point of its prices, which are whole numbers of that unit: cents, in Hong Kong thousandths. */
  readonly decimals: 2 | 3;
  /** Its price on the first day, in that unit, about. */
  readonly startsAt: number;
  readonly plan: ForeignPlan;
}

const QUIET: ForeignPlan = { splits: [], dividendEvery: undefined, hasCapitalGain: false, suspendedDays: 0 };

export const FOREIGN_SECURITIES: readonly ForeignSecurity[] = [
  hongKong("00005.HK", "HSBC HOLDINGS", 70_000, { ...QUIET, dividendEvery: 60 }),
  hongKong("00388.HK", "HKEX", 330_000, { ...QUIET, splits: [[3, 2]], dividendEvery: 120 }),
  hongKong("00700.HK", "TENCENT", 410_000, { ...QUIET, splits: [[4, 1]], dividendEvery: 200 }),
  { ...hongKong("02800.HK", "TRACKER FUND", 21_000, { ...QUIET, dividendEvery: 120 }), kind: "etf" },
  hongKong("09988.HK", "BABA-W", 110_000, { ...QUIET, suspendedDays: 3 }),
  { ...hongKong("^HSI", "HANG SENG INDEX", 20_123_450, QUIET), kind: "index", decimals: 2, startsAt: 2_012_345 },
  unitedStates("AAPL.US", "Apple Inc.", 42_000, {
    ...QUIET,
    splits: [
      [4, 1],
      [3, 2],
    ],
    dividendEvery: 60,
  }),
  unitedStates("BRK-B.US", "Berkshire Hathaway Inc. New", 45_000, QUIET),
  unitedStates("KO.US", "Coca-Cola Company (The)", 6_200, { ...QUIET, splits: [[3, 2]], dividendEvery: 60 }),
  unitedStates("MSFT.US", "Microsoft Corporation", 41_000, { ...QUIET, dividendEvery: 60 }),
  {
    ...unitedStates("SPY.US", "SPDR S&P 500", 52_000, { ...QUIET, dividendEvery: 60, hasCapitalGain: true }),
    kind: "etf",
  },
  { ...unitedStates("^GSPC", "S&P 500", 512_345, QUIET), kind: "index" },
];

function hongKong(code: string, name: string, startsAt: number, plan: ForeignPlan): ForeignSecurity {
  return { code, name, market: "HK", kind: "stock", decimals: 3, startsAt, plan };
}

function unitedStates(code: string, name: string, startsAt: number, plan: ForeignPlan): ForeignSecurity {
  return { code, name, market: "US", kind: "stock", decimals: 2, startsAt, plan };
}
