import { canonicalCode } from "../../domain/code-alias.ts";
import { parseDay } from "../../domain/day.ts";
import { CURRENCY, MARKET, SOURCE, type CurrencyNumber } from "../../domain/enums.ts";
import type { Instrument, ListStatus, RejectedRow } from "../../domain/rows.ts";
import type { MainlandExchange, SecurityCode } from "../../domain/security-code.ts";
import { rejectRow, RowError, show } from "../read-cells.ts";
import { codeOf } from "./codes.ts";

/** A row of an exchange's list, by what its columns mean. */
export interface WireInstrument {
  readonly digits: unknown;
  readonly name: unknown;
  readonly industry: unknown;
  readonly listedOn: unknown;
  readonly delistedOn?: unknown;
  /** The row as it came. */
  readonly raw: string;
}

export interface MappedInstruments {
  readonly rows: readonly Instrument[];
  readonly rejected: readonly RejectedRow[];
}

/** Instruments of one exchange and one status. A row that cannot be read is a RejectedRow and its neighbours go on. */
export function mapInstruments(
  list: readonly WireInstrument[],
  exchange: MainlandExchange,
  status: ListStatus,
): MappedInstruments {
  const instruments: Instrument[] = [];
  const rejected: RejectedRow[] = [];
  for (const wire of list) {
    try {
      const code = readCode(wire.digits, exchange);
      instruments.push({
        code,
        name: textOf(wire.name),
        industry: textOf(wire.industry),
        market: MARKET.CHINA,
        currency: currencyOf(code),
        status,
        listedOn: parseDay(wire.listedOn, "listedOn"),
        delistedOn: status === "delisted" ? parseDay(wire.delistedOn, "delistedOn") : undefined,
        source: SOURCE.AKSHARE,
      });
    } catch (error) {
      const code = typeof wire.digits === "string" ? wire.digits.slice(0, 20) : "";
      rejected.push(rejectRow(error, { dataSet: "stock-list", code, date: wire.listedOn, raw: wire.raw }));
    }
  }
  return { rows: instruments, rejected };
}

function readCode(digits: unknown, exchange: MainlandExchange): SecurityCode {
  // Tables made of numbers lose the zeros in front.
  const padded = typeof digits === "string" && /^\d{1,6}$/.test(digits.trim()) ? digits.trim().padStart(6, "0") : "";
  const code = codeOf(padded, exchange);
  if (code === undefined) {
    throw new RowError("not-parseable", `code: expected six digits, got ${show(digits)}`);
  }
  return canonicalCode(code);
}

/** B shares are traded in dollars: those of Shanghai in American ones, those of Shenzhen in Hong Kong's. */
function currencyOf(code: SecurityCode): CurrencyNumber {
  if (/^900\d{3}\.SH$/.test(code)) {
    return CURRENCY.USD;
  }
  return /^20\d{4}\.SZ$/.test(code) ? CURRENCY.OTHER : CURRENCY.CNY;
}

/** A name may stand inside a link. */
function textOf(cell: unknown): string {
  if (cell === undefined || cell === null || cell === "-") {
    return "";
  }
  if (typeof cell !== "string") {
    throw new RowError("not-parseable", `expected a text, got ${show(cell)}`);
  }
  return cell
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll("&nbsp;", " ")
    .replaceAll("&amp;", "&")
    .trim();
}
