import { tradingDays } from "../../domain/cn-trading-days.ts";
import { daysBetween, maxDay, type Day } from "../../domain/day.ts";
import type { Frequency } from "../../domain/frequency.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { isRecord, parseBody } from "../http/json-text.ts";
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
