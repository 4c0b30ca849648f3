import { TransientError } from "../../base/errors.ts";
import { Refusal } from "./errors.ts";

/** A cell as it came: text, and empty where there is no value; whatever else is for mapping to refuse. */
export type Cell = unknown;

/** The rows of one answer, and the names of its columns in its own order. */
export interface BaostockTable {
  readonly fields: readonly string[];
  readonly items: readonly (readonly Cell[])[];
}

export interface BaostockRequest {
  readonly type: string;
  readonly method: string;
  /** Absent where the protocol has no pages: the date batches. */
  readonly page?: { readonly number: number; readonly rows: number };
  readonly params: readonly string[];
  /** Where in the answer the list of its columns stands; it differs by method (protocol section 6). */
  readonly fieldsAt: number;
}

const SUCCESS = "0";
const METHOD_AT = 2;
/** With pages the number of the page and its length stand before the data. */
const PAGE_AT = 4;
const DATA_AT = { paged: 6, whole: 4 } as const;
/**
 * What a text may have of each, so that no hostile one fills the memory: no answer has more than 20,000 rows of some 18
 * cells, and names that have a bracket are few.
 */
const SIGNS_MAX: Readonly<Record<string, number>> = { "[": 50_000, "{": 50_000, ",": 1_000_000 };

/** Throws Refusal when the server refused, whatever the type of the answer. */
export function requireSuccess(elements: readonly string[], method: string, doing: string): void {
  const [code = "", text = ""] = elements;
  if (!/^\d{1,10}$/.test(code)) {
    throw broken(doing, `expected a code, got ${excerpt(code)}`);
  }
  if (code !== SUCCESS) {
    throw new Refusal(code, text);
  }
  const echoed = elements[METHOD_AT];
  if (echoed !== method) {
    throw broken(doing, `it answers ${excerpt(echoed)}`);
  }
}

/**
 * The table of a success. Throws TransientError when the answer is of another request or of another form: such an
 * answer says nothing about what exists and must never be taken for an empty one.
 */
export function readTable(elements: readonly string[], request: BaostockRequest, doing: string): BaostockTable {
  requireSuccess(elements, request.method, doing);
  const { page } = request;
  if (page !== undefined && (elements[PAGE_AT] !== `${page.number}` || elements[PAGE_AT + 1] !== `${page.rows}`)) {
    const got = `page ${excerpt(elements[PAGE_AT])} of ${excerpt(elements[PAGE_AT + 1])} rows`;
    throw broken(doing, `expected page ${page.number} of ${page.rows} rows, got ${got}`);
  }
  if (page !== undefined) {
    requireEcho(elements, request, doing);
  }
  const data = elements[page === undefined ? DATA_AT.whole : DATA_AT.paged];
  const list = elements[request.fieldsAt];
  if (data === undefined || list === undefined) {
    throw broken(doing, `it has ${elements.length} elements`);
  }
  const fields = list.split(",", FIELDS_MAX).map((name) => name.trim());
  if (fields.includes("")) {
    throw broken(doing, `expected the names of columns, got ${excerpt(list)}`);
  }
  return { fields, items: data === "" ? [] : readRecords(data, doing) };
}

const FIELDS_MAX = 100;
const PARAMS_AT = 7;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/**
 * An answer to an earlier request of the same method is known by its parameters, which stand in it as they were sent. Days
 * are left out: a server that shortens a range may say which one it took.
 */
function requireEcho(elements: readonly string[], { params, fieldsAt }: BaostockRequest, doing: string): void {
  params.forEach((param, index) => {
    const at = PARAMS_AT + index;
    const echoed = elements[at];
    if (param !== "" && !DAY.test(param) && at < fieldsAt && echoed !== undefined && echoed !== param) {
      throw broken(doing, `it answers for ${excerpt(echoed)} instead of ${excerpt(param)}`);
    }
  });
}

function readRecords(data: string, doing: string): readonly (readonly Cell[])[] {
  for (const [sign, most] of Object.entries(SIGNS_MAX)) {
    if (countsBeyond(data, sign, most)) {
      throw broken(doing, `it has more than ${most} of ${sign}`);
    }
  }
  const parsed = parseText(data, doing);
  const record = isRecord(parsed) ? parsed["record"] : undefined;
  if (!Array.isArray(record) || !record.every(isRow)) {
    throw broken(doing, `expected records, got ${excerpt(data)}`);
  }
  return record;
}

/** No cell has anything within: one that has would be as deep as its sender likes. */
function isRow(row: unknown): row is readonly Cell[] {
  return Array.isArray(row) && row.every((cell) => typeof cell !== "object" || cell === null);
}

/** A text of the provider may hold a raw line break or tab, which JSON does not allow. */
function parseText(data: string, doing: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    try {
      return JSON.parse(data.replaceAll(/[\u0000-\u001f]/g, " ")); // oxlint-disable-line no-control-regex
    } catch (error) {
      throw new TransientError(`${doing}: the answer is broken: its data are no JSON (${excerpt(data)})`, {
        cause: error,
      });
    }
  }
}

function countsBeyond(text: string, character: string, most: number): boolean {
  let count = 0;
  for (let at = text.indexOf(character); at !== -1; at = text.indexOf(character, at + 1)) {
    count += 1;
    if (count > most) {
      return true;
    }
  }
  return false;
}

function broken(doing: string, what: string): TransientError {
  return new TransientError(`${doing}: the answer is broken: ${what}`);
}

function excerpt(text: string | undefined): string {
  return text === undefined ? "nothing" : JSON.stringify(text.slice(0, 80));
}

function isRecord(input: unknown): input is Readonly<Record<string, unknown>> {
  return typeof input === "object" && input !== null && !Array.isArray(input);
}
