import { createHash } from "node:crypto";

import { BAR_FLAGS, NO_TRADE_FLAGS, TICK_FLAGS } from "../../domain/rows.ts";
import { FREQUENCY, MARKET } from "../../domain/enums.ts";
import { isDailyOrLonger, sharesPerUnit, yuanPerUnit } from "./original-units.ts";
import { quoteIdentifier, quoteString } from "./quote.ts";
import { rankBars, rankSource, type SourceRanks } from "./rank-source.ts";
import { ADJUSTFACTOR_ROW, BAR_ROW, STOCK_INFO_ROW, TICK_DAY_ROW, TICK_ROW, TRADE_DAY_ROW } from "./tables.ts";

/**
 * The views that Ginkgo reads. They show one row a key whatever the number of versions and sources behind it, and never
 * show where a row came from in time (version, ingested_at, request_id, call_id): a refetch of equal values leaves
 * `SELECT *` unchanged.
 */
export interface View {
  readonly name: string;
  readonly select: string;
}

export interface ViewOptions extends SourceRanks {
  readonly database: string;
  /** `compat.ginkgoUnits`: lots, thousand yuan and two decimals, as the original stored them. */
  readonly ginkgoUnits: boolean;
}

/** Names of all views, those of Ginkgo first. A table under one of them is foreign. */
export const VIEW_NAMES = ["bar", "adjustfactor", "stock_info", "trade_day", "tick", "bar_1w", "bar_1M"] as const;

const COMMENT_PREFIX = "ginkgo-data-worker view ";

export function renderViews(options: ViewOptions): readonly View[] {
  return [
    { name: "bar", select: bars(options) },
    { name: "adjustfactor", select: adjustmentFactors(options) },
    { name: "stock_info", select: instruments(options) },
    { name: "trade_day", select: calendar(options) },
    { name: "tick", select: ticks(options) },
    { name: "bar_1w", select: periodBars(options, WEEK) },
    { name: "bar_1M", select: periodBars(options, MONTH) },
  ];
}

/** What a view carries as its comment: that it is ours, and a hash of its definition, since servers rewrite the text. */
export function viewComment(view: View): string {
  return `${COMMENT_PREFIX}${createHash("sha256").update(view.select).digest("hex").slice(0, 16)}`;
}

export function isOwnViewComment(comment: string): boolean {
  return comment.startsWith(COMMENT_PREFIX);
}

const BY_ROW = { prefix: "row.", code: "row.code" } as const;

/** 32 hexadecimal digits that depend on the key alone, as wide as the original's uuids. */
function uuidOf(table: string, ...keys: readonly string[]): string {
  const parts = keys.map((key) => `toString(${key})`).join(", '/', ");
  return `lower(hex(MD5(concat(${quoteString(table)}, '/', ${parts}))))`;
}

/** Columns that every table of the original has and ours does not keep. */
const META = "'{}' AS meta, '' AS desc";

/**
 * One canonical bar a key. Names are qualified with `row`: in ClickHouse an alias hides the column of that name in the
 * whole SELECT, so `if(isNull(amount), …)` beside `… AS amount` would look at the alias.
 */
function canonicalBars(options: ViewOptions, where: string): string {
  return `SELECT row.code AS code, row.frequency AS frequency, row.timestamp AS timestamp, row.trading_day AS trading_day,
  row.zone AS zone, row.open AS open, row.high AS high, row.low AS low, row.close AS close, row.pre_close AS pre_close,
  row.volume AS volume, row.amount AS amount, row.source AS source, row.flags AS flags
FROM ${tableName(options, BAR_ROW.name)} AS row FINAL${where}
ORDER BY row.code, row.frequency, row.timestamp, ${rankBars(options, BY_ROW, isDailyOrLonger("row.frequency"))}, row.source
LIMIT 1 BY row.code, row.frequency, row.timestamp`;
}

function bars(options: ViewOptions): string {
  return `SELECT ${uuidOf("bar", "b.code", "b.frequency", "toUnixTimestamp(b.timestamp)")} AS uuid, ${META}, b.code AS code,
  ${units(options, isDailyOrLonger("b.frequency"))},
  b.frequency AS frequency, b.timestamp AS timestamp, b.source AS source,
  b.trading_day AS trading_day, b.zone AS zone, ${flagsColumn()}
FROM (
${canonicalBars(options, "")}
) AS b`;
}

/**
 * Prices, volume and turnover: canonical, or as the original stored what its provider gave for Chinese markets. `isDaily`
 * is the condition that a bar is of a day or longer.
 */
function units(options: ViewOptions, isDaily: string): string {
  const prices = ["open", "high", "low", "close", "pre_close"];
  if (!options.ginkgoUnits) {
    return `${prices.map((name) => `b.${name} AS ${name}`).join(", ")},
  b.volume AS volume, ${zeroWhenNull("b.amount")} AS amount`;
  }
  const type = "Decimal(16, 2)";
  const rounded = prices.map((name) => {
    const wanted = name === "pre_close" ? `Nullable(${type})` : type;
    return `CAST(round(b.${name}, 2), '${wanted}') AS ${name}`;
  });
  const isChina = "b.zone = 'Asia/Shanghai'";
  const shares = `if(${isChina}, ${sharesPerUnit("b.source", isDaily)}, 1)`;
  const yuan = `if(${isChina}, ${yuanPerUnit("b.source", isDaily)}, 1)`;
  // 9 digits of lots are the most that the original's 32 bits hold; more is answered as its greatest number.
  return `${rounded.join(", ")},
  toInt32(least(intDiv(b.volume, ${shares}), 2147483647)) AS volume,
  CAST(round(${zeroWhenNull("b.amount")} / ${yuan}, 2), '${type}') AS amount`;
}

function zeroWhenNull(column: string): string {
  return `ifNull(${column}, toDecimal128(0, 4))`;
}

function flagsColumn(): string {
  return `if(isNull(b.amount), bitOr(b.flags, ${BAR_FLAGS.noTurnover}), b.flags) AS flags`;
}

interface Period {
  readonly name: string;
  readonly frequency: number;
  /** The first day of the period that `day` lies in, and of a period by its first day its last one and its last weekday. */
  readonly firstDay: (day: string) => string;
  readonly lastDay: (period: string) => string;
  readonly lastWeekday: (period: string) => string;
}

const WEEK: Period = {
  name: "bar_1w",
  frequency: FREQUENCY.WEEK,
  firstDay: (day) => `toMonday(${day})`,
  lastDay: (period) => `addDays(${period}, 6)`,
  lastWeekday: (period) => `addDays(${period}, 4)`,
};

const MONTH: Period = {
  name: "bar_1M",
  frequency: FREQUENCY.MONTH,
  firstDay: (day) => `toStartOfMonth(${day})`,
  lastDay: (period) => `toLastDayOfMonth(${period})`,
  lastWeekday: (period) =>
    `subtractDays(toLastDayOfMonth(${period}), greatest(toInt32(toDayOfWeek(toLastDayOfMonth(${period}))) - 5, 0))`,
};

/**
 * Weeks (Monday to Sunday) or months built from daily bars of one source order. A period stands at its last day that has
 * a bar, and `trading_days` counts its bars. `is_final` says that no trading day of the market comes after that bar
 * within the period: it is 0 while bars are to come, and stays 0 where the last of them are missing or the security did
 * not trade to the end. Values are raw: an ex-day inside a period is not evened out. Turnover is unknown when that of a
 * day is. The source is that of the days when they agree, else 0.
 */
function periodBars(options: ViewOptions, period: Period): string {
  return `SELECT ${uuidOf(period.name, "b.code", "b.period")} AS uuid, ${META}, b.code AS code,
  ${units(options, "1")},
  toInt8(${period.frequency}) AS frequency, b.timestamp AS timestamp, b.source AS source,
  b.trading_day AS trading_day, b.zone AS zone, ${flagsColumn()},
  b.trading_days AS trading_days, ${isFinal(options, period)} AS is_final
FROM (
SELECT d.code AS code, ${period.firstDay("d.trading_day")} AS period, any(d.zone) AS zone,
  max(d.timestamp) AS timestamp, max(d.trading_day) AS trading_day,
  argMin(d.open, d.timestamp) AS open, max(d.high) AS high, min(d.low) AS low, argMax(d.close, d.timestamp) AS close,
  tupleElement(argMin(tuple(d.pre_close), d.timestamp), 1) AS pre_close, sum(d.volume) AS volume,
  if(countIf(isNull(d.amount)) = 0, CAST(sum(d.amount), 'Nullable(Decimal(38, 4))'), NULL) AS amount,
  if(min(d.source) = max(d.source), min(d.source), toInt8(0)) AS source,
  groupBitOr(d.flags) AS flags, count() AS trading_days
FROM (
${canonicalBars(options, `\nWHERE row.frequency = ${FREQUENCY.DAY}`)}
) AS d
GROUP BY d.code, period
) AS b`;
}

/**
 * By the stored calendar, from a period's last open day on. A period that it does not know to its end (the calendar may
 * be in MySQL) and other markets' periods end with their last weekday, which says 0 rather than 1 before a holiday.
 */
function isFinal(options: ViewOptions, period: Period): string {
  const first = period.firstDay("row.trading_day");
  const days = `SELECT row.trading_day AS day, ${first} AS period, max(row.trading_day) OVER (PARTITION BY ${first}) AS known,
  maxIf(row.trading_day, row.is_open) OVER (PARTITION BY ${first}) AS last
FROM ${tableName(options, TRADE_DAY_ROW.name)} AS row FINAL WHERE row.market = ${MARKET.CHINA}`;
  const known = `known = ${period.lastDay("period")}`;
  const isKnown = `b.zone = 'Asia/Shanghai' AND b.period IN (SELECT period FROM (${days}) WHERE ${known})`;
  return `if(${isKnown}, b.trading_day IN (SELECT day FROM (${days}) WHERE ${known} AND day >= last),
  b.trading_day >= ${period.lastWeekday("b.period")})`;
}

/**
 * `adjustfactor` and `backadjustfactor` are the cumulative factor (price × it = backward adjusted); `foreadjustfactor` is
 * it ÷ the latest factor of the code from the same source (price × it = forward adjusted). The latest one is taken before
 * any condition on time, so the answer for a day does not depend on the days asked for. A code's factors are all of one
 * source, the best that has any: two providers have different levels, and a day of another one would be a false step.
 */
function adjustmentFactors(options: ViewOptions): string {
  const [cumulative, forward] = options.ginkgoUnits
    ? ["Decimal(16, 6)", "Decimal(16, 6)"]
    : ["Decimal(18, 8)", "Decimal(18, 12)"];
  const places = options.ginkgoUnits ? 6 : 12;
  const factor = options.ginkgoUnits ? "round(f.factor, 6)" : "f.factor";
  return `SELECT ${uuidOf("adjustfactor", "f.code", "toUnixTimestamp(f.timestamp)")} AS uuid, ${META}, f.code AS code,
  CAST(round(ifNull(divideDecimal(f.factor, nullIf(f.latest, 0), 14), 0), ${places}), '${forward}') AS foreadjustfactor,
  CAST(${factor}, '${cumulative}') AS backadjustfactor, CAST(${factor}, '${cumulative}') AS adjustfactor,
  f.timestamp AS timestamp, f.source AS source, f.trading_day AS trading_day
FROM (
SELECT row.code AS code, row.timestamp AS timestamp, row.trading_day AS trading_day, row.factor AS factor,
  row.source AS source, row.version AS version,
  last_value(row.factor) OVER (
    PARTITION BY row.code, row.source ORDER BY row.timestamp ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
  ) AS latest,
  argMin(row.source, tuple(${rankSource(options, "adjustment-factors", BY_ROW)}, row.source)) OVER (PARTITION BY row.code) AS best
FROM ${tableName(options, ADJUSTFACTOR_ROW.name)} AS row FINAL
) AS f
WHERE f.source = f.best
ORDER BY f.code, f.timestamp`;
}

/** `delist_date` is 2099-12-31 for what is still listed, as in the original's table. */
function instruments(options: ViewOptions): string {
  return `SELECT ${uuidOf("stock_info", "row.code")} AS uuid, ${META}, row.code AS code, row.code_name AS code_name,
  row.industry AS industry, row.currency AS currency, row.market AS market, row.list_date AS list_date,
  ifNull(row.delist_date, toDate('2099-12-31')) AS delist_date, row.source AS source, row.status AS status, false AS is_del
FROM ${tableName(options, STOCK_INFO_ROW.name)} AS row FINAL
ORDER BY row.code, ${rankSource(options, "stock-list", BY_ROW)}, row.source
LIMIT 1 BY row.code`;
}

function calendar(options: ViewOptions): string {
  return `SELECT ${uuidOf("trade_day", "row.market", "row.trading_day")} AS uuid, ${META}, row.market AS market,
  row.is_open AS is_open, row.timestamp AS timestamp, row.source AS source, row.trading_day AS trading_day, false AS is_del
FROM ${tableName(options, TRADE_DAY_ROW.name)} AS row FINAL
ORDER BY row.market, row.trading_day, ${rankSource(options, "trading-calendar", { prefix: "row.", market: "row.market" })}, row.source
LIMIT 1 BY row.market, row.trading_day`;
}

/**
 * The trades of a day are those of one source, the best that has any of that day: two sources cut and count trades each in
 * its own way, so that a mix would be neither. Which source it is says `tick_day_row`, small enough that a condition on the
 * code alone costs nothing; a condition on `timestamp` then reaches the primary key of the ticks.
 */
function ticks(options: ViewOptions): string {
  const [price, volume] = options.ginkgoUnits
    ? ["CAST(round(row.price, 2), 'Decimal(16, 2)')", "toInt32(least(intDiv(row.volume, 100), 2147483647))"]
    : ["row.price", "row.volume"];
  return `SELECT ${uuidOf("tick", "row.code", "toUnixTimestamp64Milli(row.timestamp)", "row.sequence")} AS uuid, ${META},
  row.code AS code, ${price} AS price, ${volume} AS volume, row.direction AS direction, row.timestamp AS timestamp,
  row.source AS source, row.trading_day AS trading_day, row.zone AS zone, row.sequence AS sequence, row.trades AS trades,
  row.flags AS flags
FROM ${tableName(options, TICK_ROW.name)} AS row FINAL
INNER JOIN (
SELECT day.code AS code, day.trading_day AS trading_day,
  argMin(day.source, tuple(${rankSource(options, "ticks", { prefix: "day.", code: "day.code" })}, day.source)) AS source
FROM ${tableName(options, TICK_DAY_ROW.name)} AS day FINAL
WHERE day.ticks > 0
GROUP BY day.code, day.trading_day
) AS best ON best.code = row.code AND best.trading_day = row.trading_day AND best.source = row.source
WHERE bitAnd(row.flags, ${NO_TRADE_FLAGS | TICK_FLAGS.removed}) = 0
ORDER BY row.code, row.timestamp, row.sequence`;
}

function tableName(options: ViewOptions, table: string): string {
  return `${quoteIdentifier(options.database)}.${quoteIdentifier(table)}`;
}
