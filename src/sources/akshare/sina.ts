import {
  fromScaled,
  parseDecimal,
  scaleOf,
  toScaled,
  ZERO,
  compareDecimal,
  type DecimalText,
} from "../../base/decimal.ts";
import { tradingDays } from "../../domain/cn-trading-days.ts";
import { daysBetween, maxDay, parseDay, type Day } from "../../domain/day.ts";
import { SOURCE } from "../../domain/enums.ts";
import type { Frequency } from "../../domain/frequency.ts";
import type { AdjustmentFactor, RejectedRow } from "../../domain/rows.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { isRecord, parseBody } from "../http/json-text.ts";
import { FACTOR, fit, rejectRow, RowError } from "../read-cells.ts";
import type { UpstreamRequest } from "./client.ts";
import { toPrefixedCode } from "./codes.ts";
import { garbled } from "./errors.ts";
import { splitStamp, type WireBar } from "./wire-bar.ts";

const SCALES: { readonly [F in Frequency]?: string } = {
  "5m": "5",
  "15m": "15",
  "30m": "30",
  "60m": "60",
  "1d": "240",
};
const REFERER = "https://finance.sina.com.cn/";
/** The most rows that an answer has. */
export const SINA_ROWS_MAX = 1_970;

export interface SinaQuestion {
  readonly code: SecurityCode;
  readonly frequency: Frequency;
  readonly from: Day;
  readonly today: Day;
  readonly rowsPerDay: number;
}

/** The newest rows, as many as reach back to the first day that is asked for. */
export function sinaBarsRequest(question: SinaQuestion): UpstreamRequest {
  const { code, frequency, from, today, rowsPerDay } = question;
  const scale = SCALES[frequency];
  if (scale === undefined) {
    throw new RangeError(`calling akshare: sina has no bars at ${frequency}`);
  }
  const rows = Math.min(Math.max((daysFrom(from, today) + 1) * rowsPerDay, rowsPerDay), SINA_ROWS_MAX);
  return {
    upstream: "sina",
    host: "quotes.sina.cn",
    path: "/cn/api/json_v2.php/CN_MarketDataService.getKLineData",
    query: [
      ["symbol", toPrefixedCode(code)],
      ["scale", scale],
      ["ma", "no"],
      ["datalen", `${rows}`],
    ],
    referer: REFERER,
    doing: `asking sina for bars of ${code}`,
  };
}

/** Trading days from `from` to `today`, rather too many: beyond the bundled calendar every day counts. */
function daysFrom(from: Day, today: Day): number {
  const days = tradingDays();
  const known = days.filter((day) => day >= from && day <= today).length;
  const end = days.at(-1) ?? from;
  return known + Math.max(daysBetween(maxDay(end, from), today), 0);
}

/** The rows of an answer, oldest first; `null`, as it says of a symbol that it does not know, is none. */
export function readSinaBars(text: string, doing: string): readonly WireBar[] {
  const body = parseBody(unwrap(text));
  if (body === null) {
    return [];
  }
  if (!Array.isArray(body)) {
    throw garbled(doing, "expected a list of bars", text);
  }
  const rows: readonly unknown[] = body;
  return rows.map((row) => {
    if (!isRecord(row)) {
      throw garbled(doing, `expected a bar, got ${JSON.stringify(row)?.slice(0, 60)}`);
    }
    const { open, high, low, close, volume, amount } = row;
    return { ...splitStamp(row["day"]), open, high, low, close, volume, amount, raw: JSON.stringify(row) };
  });
}

/** Also in the form for scripts: a comment, a name, and the list in brackets. */
function unwrap(text: string): string {
  const bare = text.replace(/^\s*\/\*[\s\S]*?\*\//, "").trim();
  const match = /^[^[{("]*=\s*\(([\s\S]*)\);?$/.exec(bare);
  return match?.[1] ?? bare;
}

export function factorsRequest(code: SecurityCode): UpstreamRequest {
  return {
    upstream: "sina",
    host: "finance.sina.com.cn",
    path: `/realstock/company/${toPrefixedCode(code)}/hfq.js`,
    referer: REFERER,
    // A code that never had an event may have no file.
    statuses: [404],
    doing: `asking sina for factors of ${code}`,
  };
}

export interface WireFactor {
  readonly day: unknown;
  readonly factor: unknown;
  readonly raw: string;
}

/**
 * The entries of `var sz000002hfq={…}`, with what follows the object left out. TransientError on the list of another code,
 * on one that has not as many entries as it says, and on any other form.
 */
export function readFactorList(text: string, code: SecurityCode, doing: string): readonly WireFactor[] {
  const head = `${toPrefixedCode(code)}hfq`;
  const match = /^\s*var\s+(\w+)\s*=\s*(\{[^[\]]*\[[^\]]*\][^}]*\}|\{[^{}[\]]*\})/.exec(text);
  if (match === null) {
    throw garbled(doing, "expected a list of factors", text);
  }
  if (match[1] !== head) {
    throw garbled(doing, `the answer is ${match[1]} and not ${head}`);
  }
  const list = parseBody(match[2] ?? "");
  const data = isRecord(list) ? (list["data"] ?? []) : undefined;
  if (!isRecord(list) || !Array.isArray(data) || list["total"] !== `${data.length}`) {
    throw garbled(doing, "expected as many factors as the list says", text);
  }
  const rows: readonly unknown[] = data;
  return rows.map((row) => {
    if (!isRecord(row)) {
      throw garbled(doing, "expected a factor", JSON.stringify(row) ?? "");
    }
    return { day: row["d"], factor: row["f"], raw: JSON.stringify(row) };
  });
}

export interface MappedFactors {
  readonly rows: readonly AdjustmentFactor[];
  readonly rejected: readonly RejectedRow[];
}

/** What stands before the first ex-day. */
const BEGINNING = "1900-01-01";

/**
 * A row for each ex-day up to `to`. Backward factors, price × factor = backward adjusted price, and 1 before the first
 * ex-day: the entry of 1900-01-01 says what the list has there, and all others are held against it.
 */
export function mapFactors(list: readonly WireFactor[], code: SecurityCode, to: Day): MappedFactors {
  const rows: AdjustmentFactor[] = [];
  const rejected: RejectedRow[] = [];
  const reject = (error: unknown, { day, raw }: WireFactor): void => {
    rejected.push(rejectRow(error, { dataSet: "adjustment-factors", code, date: day, raw }));
  };
  const first = list.find(({ day }) => day === BEGINNING);
  let base: DecimalText = parseDecimal("1");
  try {
    base = first === undefined ? base : readFactor(first.factor);
  } catch (error) {
    // Then every other is a multiple of nothing that is known.
    reject(error, { day: undefined, factor: undefined, raw: first?.raw ?? "" });
    return { rows, rejected };
  }
  for (const entry of list) {
    try {
      const tradingDay = parseDay(entry.day, "d");
      const factor = readFactor(fit(ratio(readFactor(entry.factor), base), "f", FACTOR));
      if (tradingDay !== BEGINNING && tradingDay <= to) {
        rows.push({ code, tradingDay, factor, source: SOURCE.AKSHARE });
      }
    } catch (error) {
      reject(error, entry);
    }
  }
  return { rows, rejected };
}

function readFactor(cell: unknown): DecimalText {
  const factor = parseDecimal(cell, "f");
  if (compareDecimal(factor, ZERO) <= 0) {
    throw new RowError("out-of-range", `f: expected a factor above 0, got ${factor}`);
  }
  return factor;
}

const FACTOR_SCALE = 8;

/** `factor` ÷ `base`, to eight digits, halves up. */
function ratio(factor: DecimalText, base: DecimalText): DecimalText {
  const scale = Math.max(scaleOf(factor), scaleOf(base));
  const divisor = 2n * toScaled(base, scale);
  const doubled = 2n * toScaled(factor, scale) * 10n ** BigInt(FACTOR_SCALE);
  return fromScaled((doubled + divisor / 2n) / divisor, FACTOR_SCALE);
}
