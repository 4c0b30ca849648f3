import { parseDay } from "../../domain/day.ts";
import type { Api, Column } from "./apis.ts";
import { badParameter, missingParameter, RefusedCall, REFUSALS, unknownField } from "./refused-call.ts";

/** The parameters that were given and that the API has; null, empty and unknown ones count as not given. */
export type Query = ReadonlyMap<string, string>;

/** Which rows of the answer a page holds. `rowsMax` is at most the API's cap. */
export interface PageBounds {
  readonly offset: number;
  readonly rowsMax: number;
}

/** Reads `params` as the server does (protocol page, section 2); throws RefusedCall. */
export function readQuery(api: Api, params: unknown): Query {
  const query = new Map<string, string>();
  for (const [name, value] of Object.entries(readParams(params))) {
    if (!api.parameters.includes(name) || value === null || value === "") {
      continue;
    }
    if (typeof value !== "string" && typeof value !== "number") {
      throw new RefusedCall(badParameter(name));
    }
    const text = String(value);
    const isReadable = api.name === "stk_mins" ? isTime : isCompactDay;
    if (name.endsWith("_date") && !isReadable(text)) {
      throw new RefusedCall(badParameter(name));
    }
    query.set(name, text);
  }
  if (api.oneRequired.length > 0 && !api.oneRequired.some((name) => query.has(name))) {
    throw new RefusedCall(missingParameter(api.oneRequired));
  }
  const missing = api.allRequired.filter((name) => !query.has(name));
  if (missing.length > 0) {
    throw new RefusedCall(missingParameter(missing));
  }
  return query;
}

/** Reads `limit` and `offset`, as text or as whole numbers; a limit above the cap is silently the cap. */
export function readPageBounds(params: unknown, rowsMax: number): PageBounds {
  const given = readParams(params);
  const limit = readCount("limit", given["limit"]);
  return {
    offset: readCount("offset", given["offset"]) ?? 0,
    rowsMax: limit === undefined || limit === 0 ? rowsMax : Math.min(limit, rowsMax),
  };
}

/** The columns asked for, in the order asked for; the default ones when `fields` is empty or missing. */
export function readFields(api: Api, fields: unknown, onUnknown: "refuse" | "ignore"): readonly Column[] {
  if (fields === undefined || fields === null || fields === "") {
    return api.columns.filter((column) => !column.isHidden);
  }
  if (typeof fields !== "string") {
    throw new RefusedCall(badParameter("fields"));
  }
  return fields.split(",").flatMap((text) => {
    const name = text.trim();
    const column = api.columns.find((candidate) => candidate.name === name);
    if (column === undefined && onUnknown === "refuse") {
      throw new RefusedCall(unknownField(api.name, name));
    }
    return column ?? [];
  });
}

function readParams(params: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(params)) {
    throw new RefusedCall(REFUSALS.paramsNotAnObject);
  }
  return params;
}

export function isRecord(input: unknown): input is Readonly<Record<string, unknown>> {
  return typeof input === "object" && input !== null && !Array.isArray(input);
}

function readCount(name: string, value: unknown): number | undefined {
  if (value === undefined || value === null || value === "") {
    return undefined;
  }
  const text = typeof value === "string" || typeof value === "number" ? String(value) : "";
  if (!/^\d{1,9}$/.test(text)) {
    throw new RefusedCall(badParameter(name));
  }
  return Number.parseInt(text, 10);
}

/** A day, with a time of day or without. */
function isTime(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}:\d{2})?$/.test(text) && isDay(text.slice(0, 10));
}

function isCompactDay(text: string): boolean {
  return text.length === 8 && isDay(text);
}

function isDay(text: string): boolean {
  try {
    return parseDay(text).length === 10;
  } catch {
    return false;
  }
}
