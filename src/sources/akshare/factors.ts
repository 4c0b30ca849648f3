import {
  compareDecimal,
  fromScaled,
  parseDecimal,
  scaleOf,
  toScaled,
  ZERO,
  type DecimalText,
} from "../../base/decimal.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import { SOURCE } from "../../domain/enums.ts";
import type { AdjustmentFactor, RejectedRow } from "../../domain/rows.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { isRecord, parseBody } from "../http/json-text.ts";
import { FACTOR, fit, rejectRow, RowError, show } from "../read-cells.ts";
import type { AkshareClient, UpstreamRequest } from "./client.ts";
import { toPrefixedCode } from "./codes.ts";
import { garbled, SPOILT } from "./errors.ts";

/** Backward factors and forward ones, each a file of its own. */
type FactorFile = "hfq" | "qfq";

function factorsRequest(code: SecurityCode, file: FactorFile): UpstreamRequest {
  return {
    upstream: "sina",
    host: "finance.sina.com.cn",
    path: `/realstock/company/${toPrefixedCode(code)}/${file}.js`,
    referer: "https://finance.sina.com.cn/",
    // A code that never had an event may have no file.
    statuses: [404],
    doing: `asking sina for ${file} factors of ${code}`,
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
export function readFactorList(
  text: string,
  code: SecurityCode,
  doing: string,
  file: FactorFile = "hfq",
): readonly WireFactor[] {
  const head = `${toPrefixedCode(code)}${file}`;
  const match = /^\s*var\s+(\w+)\s*=\s*(\{[^[\]]*\[[^\]]*\][^}]*\}|\{[^{}[\]]*\})/.exec(text);
  if (match === null || match[0].includes(SPOILT)) {
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

/** All backward factors of a code; none for one that never had an event. */
export async function askFactors(
  client: AkshareClient,
  code: SecurityCode,
  signal: AbortSignal,
): Promise<readonly WireFactor[]> {
  const ask = async (file: FactorFile): Promise<readonly WireFactor[]> => {
    const request = factorsRequest(code, file);
    return await client.ask(
      request,
      ({ status, text }) => (status === 404 ? [] : readFactorList(text, code, request.doing, file)),
      signal,
    );
  };
  const askBoth = async (): Promise<readonly WireFactor[]> => {
    const backward = await ask("hfq");
    expectSameEvents(backward, await ask("qfq"), `asking sina for factors of ${code}`);
    return backward;
  };
  const first = await askBoth();
  // Both may have come empty by mistake, and a code that never had an event is asked for once.
  return first.length > 0 ? first : await askBoth();
}

/**
 * A list that lacks an event, or all of them, looks like one of a code that had none, and every price behind it would be
 * wrong for good. So the forward factors have to be of the same days: the two files are made apart.
 */
export function expectSameEvents(backward: readonly WireFactor[], forward: readonly WireFactor[], doing: string): void {
  const daysOf = (list: readonly WireFactor[]): string => JSON.stringify(list.map(({ day }) => show(day)).toSorted());
  if (daysOf(backward) !== daysOf(forward)) {
    const counts = `${backward.length} backward and ${forward.length} forward factors`;
    throw garbled(doing, `the days of ${counts} are not the same`);
  }
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
