import { parseDecimal } from "../../base/decimal.ts";
import type { Api, Column } from "./apis.ts";
import type { SimulatedRow } from "./simulated-data.ts";

/**
 * How numbers without a fraction are written; all forms hold the same digits. `shortest` is `9`, `float` is `9.0`, `mixed`
 * takes turns as real answers do, `exponent` is `9e0` (seen from other JSON writers; a reader must take it).
 */
export type NumberStyle = "shortest" | "float" | "mixed" | "exponent";

export interface EncodeOptions {
  readonly requestId: string;
  readonly numbers: NumberStyle;
  /** Undefined leaves the member out, as old servers do. */
  readonly hasMore: boolean | undefined;
  /** Writes `\uXXXX` for what is not ASCII, as old servers do. */
  readonly escapesNonAscii: boolean;
}

/** The body of a successful answer. Built as text from text: no digit passes through a float. */
export function encodeAnswer(
  api: Api,
  columns: readonly Column[],
  rows: readonly SimulatedRow[],
  { requestId, numbers, hasMore, escapesNonAscii }: EncodeOptions,
): string {
  const picked = columns.map((column) => ({ kind: column.kind, at: api.columns.indexOf(column) }));
  const items = rows.map((row, index) => {
    const cells = picked.map(({ kind, at }, column) => {
      const cell = row[at];
      if (cell === undefined) {
        return "null";
      }
      return kind === "text"
        ? JSON.stringify(cell)
        : encodeNumber(cell, kind === "integer" ? "shortest" : numbers, index + column);
    });
    return `[${cells.join(",")}]`;
  });
  const more = hasMore === undefined ? "" : `"has_more":${hasMore},`;
  const fields = JSON.stringify(columns.map(({ name }) => name));
  const body = `{"request_id":"${requestId}","code":0,"msg":"","data":{"fields":${fields},"items":[${items.join(",")}],${more}"count":-1}}`;
  return escapesNonAscii ? escapeNonAscii(body) : body;
}

/** The body of an answer without rows: an error, or (code 0) a success whose `data` is null. */
export function encodeRefusal(code: number, msg: string, options: EncodeOptions): string {
  const body = JSON.stringify({ request_id: options.requestId, code, msg, data: null });
  return options.escapesNonAscii ? escapeNonAscii(body) : body;
}

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * The JSON form of a number given as text: trailing zeros dropped as JSON writers do, an exponent kept as it stands. Text
 * that is no number goes out as a string, so that a recording can hold broken cells. `turn` decides in mixed style.
 */
export function encodeNumber(text: string, style: NumberStyle, turn: number): string {
  if (/e/i.test(text) && JSON_NUMBER.test(text)) {
    return text;
  }
  let digits: string;
  try {
    digits = parseDecimal(text);
  } catch {
    return JSON.stringify(text);
  }
  if (style === "exponent") {
    return toExponent(digits);
  }
  const isWhole = !digits.includes(".");
  const isFloat = style === "float" || (style === "mixed" && turn % 3 === 0);
  return isWhole && isFloat ? `${digits}.0` : digits;
}

/** `1234.5` as `1.2345e3`. */
function toExponent(digits: string): string {
  const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(digits) ?? [];
  const all = (whole + fraction).replace(/^0+(?=\d)/, "");
  const exponent = all.length - 1 - fraction.length;
  const rest = all.slice(1).replace(/0+$/, "");
  return `${sign}${all.slice(0, 1)}${rest === "" ? "" : `.${rest}`}e${exponent}`;
}

function escapeNonAscii(text: string): string {
  return text.replaceAll(/[\u0080-\uFFFF]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
