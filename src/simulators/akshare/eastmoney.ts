import { digitsOf, isSecurityCode } from "../../domain/security-code.ts";
import type { AkshareListing } from "./akshare-data.ts";
import { jsonAnswer, textAnswer, type Answer } from "./answer.ts";
import { findListing, type Inquiry } from "./inquiry.ts";
import { jsonText, type JsonValue } from "./json-text.ts";

/** What stands before `data`; it differs from endpoint to endpoint. */
export interface Envelope {
  readonly rt: number;
  readonly full: 0 | 1;
  readonly dlmkts?: string;
}

const SERVER = 183_641_822;

/** The answer around `data`; with `cb` as JSONP. */
export function eastmoneyAnswer(inquiry: Inquiry, envelope: Envelope, data: JsonValue, rows: number): Answer {
  const text = eastmoneyText(inquiry, envelope, data);
  const callback = inquiry.query.get("cb");
  return callback !== null && /^[\w.$]+$/.test(callback)
    ? textAnswer(`${callback}(${text});`, rows, "application/javascript; charset=UTF-8")
    : { ...jsonAnswer(null, rows), body: text };
}

export function eastmoneyText({ fault }: Inquiry, { rt, full, dlmkts = "" }: Envelope, data: JsonValue): string {
  const isHidden = fault?.kind === "null-data";
  const rc = isHidden ? fault.rc : data === null ? 102 : 0;
  return jsonText({ rc, rt, svr: SERVER, lt: 1, full, dlmkts, dsc: "0", data: isHidden ? null : data });
}

/** The market's number stands before the code: 1 is Shanghai, 0 Shenzhen and Beijing. */
export function listingOfSecid(inquiry: Inquiry): AkshareListing | undefined {
  const [market, digits = ""] = (inquiry.query.get("secid") ?? "").split(".");
  const ends = market === "1" ? ["SH"] : market === "0" ? ["SZ", "BJ"] : [];
  return findListing(
    inquiry,
    ends.map((end) => `${digits}.${end}`),
  );
}

export function secidOf({ code }: AkshareListing): { readonly market: 0 | 1; readonly digits: string } {
  return { market: code.endsWith(".SH") ? 1 : 0, digits: isSecurityCode(code) ? digitsOf(code) : code.slice(0, 6) };
}

/** The columns that are asked for among those there are, in ascending order; all where none is named. */
export function askedColumns<Column extends string>(text: string | null, known: readonly Column[]): readonly Column[] {
  const asked = new Set<string>((text ?? "").split(","));
  return text === null || text === "" ? known : known.filter((column) => asked.has(column));
}
