import type { Day } from "../../domain/day.ts";
import type { PriceLine } from "../../market/price-line.ts";
import { fixedText } from "../decimal-text.ts";
import type { AkshareListing } from "./akshare-data.ts";
import { htmlAnswer, jsonAnswer, textAnswer, type Answer } from "./answer.ts";
import { ratioText } from "./decimal-text.ts";
import { foldDays, foldMinutes } from "./fold-lines.ts";
import { codeOfPrefixed, findListing, numberOf, prefixedOf, type Inquiry } from "./inquiry.ts";
import { jsonText, type JsonValue } from "./json-text.ts";
import { spoilCells, spoilRows } from "./spoil.ts";

const ROWS_MAX = 1970;
const OLD_ROWS_MAX = 1023;
const ROWS_DEFAULT = 240;
/** Days of single minutes that are kept. */
const SINGLE_MINUTE_DAYS = 9;
const DAY_SCALE = 240;
const WEEK_SCALE = 1200;
const MINUTE_SCALES: readonly number[] = [1, 5, 15, 30, 60];
/** Orders only wait for the closing auction then, and there is no row. */
const WITHOUT_ROW: ReadonlySet<string> = new Set(["14:58", "14:59"]);

/** `…/json_v2.php/CN_MarketDataService.getKLineData` */
export function sinaBarsAnswer(inquiry: Inquiry): Answer {
  const rows = rowsOf(inquiry, ROWS_MAX, true);
  return jsonAnswer(rows ?? null, rows?.length ?? 0, "application/json; charset=utf-8");
}

/** `…/jsonp_v2.php/NAME/CN_MarketDataService.getKLineData` */
export function sinaBarsScript(inquiry: Inquiry): Answer {
  const rows = rowsOf(inquiry, ROWS_MAX, true);
  return textAnswer(
    `/*<script>location.href='//sina.com';</script>*/\n${inquiry.parts[0] ?? ""}(${jsonText(rows ?? null)});`,
    rows?.length ?? 0,
    "application/javascript; charset=utf-8",
  );
}

/** `/quotes_service/api/json_v2.php/CN_MarketData.getKLineData`: fewer rows, and days without amount. */
export function oldSinaBarsAnswer(inquiry: Inquiry): Answer {
  const rows = rowsOf(inquiry, OLD_ROWS_MAX, inquiry.query.get("scale") !== String(DAY_SCALE));
  return jsonAnswer(rows ?? null, rows?.length ?? 0, "application/json; charset=utf-8");
}

const COLUMNS = ["day", "open", "high", "low", "close", "volume", "amount"] as const;

/** The newest rows, oldest first; undefined for an unknown code. */
function rowsOf(inquiry: Inquiry, rowsMax: number, hasAmount: boolean): readonly JsonValue[] | undefined {
  const { query, fault } = inquiry;
  const code = codeOfPrefixed(query.get("symbol") ?? "");
  const listing = code === undefined ? undefined : findListing(inquiry, [code]);
  const most = Math.min(numberOf(query.get("datalen"), ROWS_DEFAULT), rowsMax);
  const lines = listing === undefined ? undefined : linesOf(inquiry, listing, most);
  if (lines === undefined || fault?.kind === "null-data") {
    return undefined;
  }
  const cells = spoilRows(most === 0 ? [] : lines.slice(-most), fault).map(({ time, line }) => [
    time,
    ...[line.openMilli, line.highMilli, line.lowMilli, line.closeMilli].map((milli) => fixedText(milli, 3)),
    String(line.volume),
    `${fixedText(line.turnoverCents, 2)}00`,
  ]);
  return spoilCells(cells, fault).map((row) =>
    Object.fromEntries(COLUMNS.slice(0, hasAmount ? 7 : 6).map((column, at) => [column, row[at] ?? ""])),
  );
}

interface TimedLine {
  readonly time: string;
  readonly line: PriceLine;
}

/** Enough for so many rows, if there are; undefined for a scale that there is not. */
function linesOf(
  { query, view, rules }: Inquiry,
  listing: AkshareListing,
  most: number,
): readonly TimedLine[] | undefined {
  const scale = numberOf(query.get("scale"), 0);
  const days = view.daysOf(listing);
  if (scale === DAY_SCALE || scale === WEEK_SCALE) {
    return (scale === DAY_SCALE ? days : foldDays(days, "week")).map((line) => ({ time: line.day, line }));
  }
  if (!MINUTE_SCALES.includes(scale)) {
    return undefined;
  }
  const kept = scale === 1 ? SINGLE_MINUTE_DAYS : rules.minuteDays;
  const wanted = Math.ceil((most * scale) / DAY_SCALE) + 1;
  return days.slice(-Math.min(kept, wanted)).flatMap(({ day }) => minutesOf(listing, day, scale));
}

function minutesOf(listing: AkshareListing, day: Day, scale: number): readonly TimedLine[] {
  return foldMinutes(listing.minutes(day), scale)
    .filter(({ endsAt }) => scale !== 1 || !WITHOUT_ROW.has(endsAt))
    .map((line) => ({ time: `${day} ${line.endsAt}:00`, line }));
}

const NO_EVENT_BEFORE = "1900-01-01";

/** `/realstock/company/CODE/hfq.js` and `qfq.js` */
export function sinaFactorAnswer(inquiry: Inquiry): Answer {
  const { parts, view, fault } = inquiry;
  const [symbol = "", method = ""] = parts;
  const code = codeOfPrefixed(symbol);
  const listing = code === undefined ? undefined : findListing(inquiry, [code]);
  if (listing === undefined || listing.kind === "index" || fault?.kind === "null-data") {
    return htmlAnswer(404, "Not Found");
  }
  const known = view.factorsOf(listing).toReversed();
  const events = fault?.kind === "factor-missing" ? known.filter((_, place) => place !== fault.place) : known;
  const newest = known[0]?.factorE4 ?? ONE_E4;
  const rows = [...events, { day: NO_EVENT_BEFORE, factorE4: ONE_E4 }].map(({ day, factorE4 }) => ({
    d: day,
    f: method === "hfq" ? factorText(factorE4, ONE_E4) : factorText(newest, factorE4),
    // Of a fund the shares and the cash that were given.
    ...(listing.kind === "etf" ? { s: factorText(1, 1), u: factorText(0, 1) } : {}),
  }));
  const data = fault?.kind === "empty" ? [] : rows;
  const name = prefixedOf(listing.code);
  return textAnswer(
    `var ${name}${method}=${jsonText({ total: data.length, data })}\n/* ${COMMENT.repeat(8)} */\n`,
    data.length,
    "application/x-javascript",
  );
}

const ONE_E4 = 10_000;
const COMMENT = "0123456789abcdef";

/** Sixteen decimals, the last three of which are always 0. */
function factorText(over: number, under: number): string {
  return `${ratioText(over, under, 13)}000`;
}
