import { parseDay, SHANGHAI } from "../../domain/day.ts";
import type { Capability } from "../../ports/source.ts";
import { ROWS_BY_PAGE } from "./paging.ts";

export interface BaostockBounds {
  /** Default 2,000. */
  readonly rowsByPage?: number;
}

/** When a day's rows are complete, in Shanghai, as the provider publishes them. */
export const BAOSTOCK_COMPLETE_FROM = { bars: "17:30", minutes: "20:00", "adjustment-factors": "18:00" } as const;

const MINUTE_ROWS = { "5m": 48, "15m": 16, "30m": 8, "60m": 4 } as const;
const MINUTES = ["5m", "15m", "30m", "60m"] as const;

/** What the provider's own client declares as the most that an answer of a day holds. */
const DAY_ROWS_MAX = 20_000;

const INDICES_BEGIN = parseDay("2006-01-01");
const MINUTES_BEGIN = parseDay("2020-01-03");
const ETFS_BEGIN = parseDay("2026-01-05");

/** What the source can answer; known without a server. All of it is one api, since limits are per address over all methods. */
export function baostockCapabilities({ rowsByPage = ROWS_BY_PAGE }: BaostockBounds = {}): readonly Capability[] {
  const common = {
    api: "baostock",
    frequency: "1d",
    // One fewer than a page has, so that a call planned up to it is one page and one request.
    rowsMax: rowsByPage - 1,
    rowsPerDay: 1,
    codesMax: 1,
    byDay: false,
    zone: SHANGHAI,
    exchanges: ["SH", "SZ"],
    isSilentlyShort: true,
    since: undefined,
  } as const;
  const daily = { ...common, dataSet: "bars", completeFrom: BAOSTOCK_COMPLETE_FROM.bars } as const;
  const minutes = MINUTES.flatMap((frequency) => {
    const bars = {
      ...daily,
      frequency,
      rowsPerDay: MINUTE_ROWS[frequency],
      completeFrom: BAOSTOCK_COMPLETE_FROM.minutes,
    };
    return [
      { ...bars, kinds: ["stock"], since: MINUTES_BEGIN } as const,
      { ...bars, kinds: ["etf"], since: ETFS_BEGIN } as const,
    ];
  });
  // Of indices, funds and bonds it has some: that it lacks one says nothing.
  const list = { ...common, codesMax: 0, kinds: ["stock"], completeFrom: "00:00" } as const;
  return [
    // The market of a day has shares only.
    { ...daily, kinds: ["stock"], byDay: true, dayRowsMax: DAY_ROWS_MAX },
    { ...daily, kinds: ["index"], since: INDICES_BEGIN },
    { ...daily, kinds: ["etf"], since: ETFS_BEGIN },
    ...minutes,
    {
      ...common,
      dataSet: "adjustment-factors",
      kinds: ["stock"],
      completeFrom: BAOSTOCK_COMPLETE_FROM["adjustment-factors"],
      isByEvent: true,
    },
    { ...list, dataSet: "stock-list" },
    { ...list, dataSet: "trading-calendar" },
  ];
}
