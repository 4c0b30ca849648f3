import { TransientError } from "../../base/errors.ts";
import { isRecord } from "../http/json-text.ts";

/** A cell as it came: text, the source text of a number, a boolean or null; whatever else is for mapping to refuse. */
export type Cell = unknown;

/** A success: column names and rows in the provider's order, which means nothing. */
export interface TushareTable {
  readonly fields: readonly string[];
  readonly items: readonly (readonly Cell[])[];
  /** True when the row cap cut the answer; undefined when the server does not say. */
  readonly hasMore: boolean | undefined;
}

/** What every answer of the server is, whatever the HTTP status. */
export interface Envelope {
  readonly code: number;
  /** `msg`, or `message` where a gateway sends only that; empty on success. */
  readonly text: string;
  readonly data: unknown;
}

/** Undefined when `input` is no envelope. `input` comes from `parseLossless`, so `code` is text. */
export function readEnvelope(input: unknown): Envelope | undefined {
  if (!isRecord(input) || typeof input["code"] !== "string" || !/^-?\d{1,9}$/.test(input["code"])) {
    return undefined;
  }
  const text = [input["msg"], input["message"]].find((value) => typeof value === "string" && value !== "");
  return {
    code: Number.parseInt(input["code"], 10),
    text: typeof text === "string" ? text : "",
    data: input["data"],
  };
}

/**
 * The table of a success. Throws TransientError on `data: null`, on an answer without columns and on any other broken
 * form: such an answer says nothing about what exists and must never be taken for an empty one.
 */
export function readTable(data: unknown, doing: string): TushareTable {
  if (!isRecord(data)) {
    throw new TransientError(`${doing}: the answer says success and has no data (${describe(data)})`);
  }
  const { fields, items, has_more: hasMore } = data;
  if (!Array.isArray(fields) || fields.length === 0 || !fields.every((field) => typeof field === "string")) {
    throw new TransientError(`${doing}: the answer says success and has no columns (${describe(fields)})`);
  }
  if (!Array.isArray(items) || !items.every((item) => Array.isArray(item))) {
    throw new TransientError(`${doing}: the answer says success and has no rows (${describe(items)})`);
  }
  return { fields, items, hasMore: typeof hasMore === "boolean" ? hasMore : undefined };
}

function describe(value: unknown): string {
  return value === undefined ? "absent" : (JSON.stringify(value) ?? typeof value).slice(0, 60);
}
