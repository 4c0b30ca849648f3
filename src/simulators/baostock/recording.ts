import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { inflateSync } from "node:zlib";

import { parseDay, type Day } from "../../domain/day.ts";
import { kindOf } from "../../domain/instrument-kind.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { BaostockData, BaostockKind, BaostockRow } from "./baostock-data.ts";
import { HEADER_BYTES, MARKER, readRequest, SEPARATOR } from "./frame.ts";
import { methodOf } from "./methods.ts";
import { dayColumnOf } from "./publication.ts";

/** A request and its answer as they were on the wire. */
export interface RecordedExchange {
  readonly request: Buffer;
  readonly response: Buffer;
}

/**
 * Serves the rows of recorded answers, cell by cell, to requests with the same method and parameters; any page and any
 * rows a page may be asked. Whatever was not recorded has no rows. Frames are made anew, so that they can be compared.
 */
export function recordingFromExchanges(exchanges: readonly RecordedExchange[]): BaostockData {
  const recorded = exchanges.flatMap((exchange) => readExchange(exchange) ?? []);
  const byQuery = new Map(recorded.map(({ method, raw, rows }) => [keyOf(method, raw), rows]));
  const rows = recorded.flatMap((one) => one.rows);
  const codes = [...new Set(rows.flatMap(({ code }) => code ?? []))].toSorted();
  const days = recorded.flatMap(({ days: own }) => own).toSorted();
  return {
    codes,
    firstDay: days[0],
    lastDay: days.at(-1),
    kindOf: (code) => (codes.includes(code) ? kindByNumber(code) : undefined),
    rowsOf: ({ method, raw }) => byQuery.get(keyOf(method, raw)) ?? [],
    packed: new Map(recorded.flatMap(({ packed, text }) => (packed === undefined ? [] : [[text, packed] as const]))),
  };
}

/** Reads a folder with one folder an exchange, `request.bin` and `response.bin` in each. */
export async function readRecording(folder: string): Promise<BaostockData> {
  const names = existsSync(folder) ? await readdir(folder) : [];
  const whole = names.filter((name) => existsSync(join(folder, name, "request.bin")));
  if (whole.length === 0) {
    throw new RangeError(`reading a recording: ${folder} has no folder with request.bin and response.bin`);
  }
  const exchanges = await Promise.all(whole.map((name) => readExchangeFiles(join(folder, name))));
  return recordingFromExchanges(exchanges);
}

export async function readExchangeFiles(folder: string): Promise<RecordedExchange> {
  const [request, response] = await Promise.all([
    readFile(join(folder, "request.bin")),
    readFile(join(folder, "response.bin")),
  ]);
  return { request, response };
}

interface RecordedBody {
  readonly text: string;
  /** As it was on the wire, of a compressed answer. */
  readonly packed: Buffer | undefined;
}

/** The body of an answer, without its checksum. */
function bodyOfAnswer(response: Buffer, isCompressed: boolean): RecordedBody {
  if (isCompressed) {
    const length = Number.parseInt(response.subarray(HEADER_BYTES - 10, HEADER_BYTES).toString("latin1"), 10);
    const packed = response.subarray(HEADER_BYTES, HEADER_BYTES + length);
    return { text: inflateSync(packed).toString("utf8"), packed };
  }
  const signed = response.subarray(0, response.length - MARKER.length);
  return { text: signed.subarray(HEADER_BYTES, signed.lastIndexOf(SEPARATOR)).toString("utf8"), packed: undefined };
}

interface RecordedRows extends RecordedBody {
  readonly method: string;
  readonly raw: readonly string[];
  readonly rows: readonly BaostockRow[];
  readonly days: readonly Day[];
}

/** Undefined for logins, logouts and refusals, which the simulator answers by itself. */
function readExchange({ request, response }: RecordedExchange): RecordedRows | undefined {
  const { type, fields } = readRequest(request.at(-1) === 10 ? request.subarray(0, -1) : request);
  const method = methodOf(type);
  if (method === undefined) {
    return undefined;
  }
  // An answer to a compressed method is a plain refusal when it is not of the method's type.
  const isCompressed = method.isCompressed && response.subarray(8, 10).toString("latin1") === method.answerType;
  const body = bodyOfAnswer(response, isCompressed);
  const answered = body.text.split(SEPARATOR);
  if (answered[0] !== "0") {
    return undefined;
  }
  const raw = fields.slice(method.isPaged ? 4 : 2);
  const listed = method.fields ?? raw[method.parameters.indexOf("fields")] ?? "";
  const columns = listed.split(",").map((name) => name.trim());
  const rows = readRecord(answered[method.isPaged ? 6 : 4] ?? "").map((cells) =>
    Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? ""])),
  );
  const column = dayColumnOf({ method: method.name });
  return {
    ...body,
    method: method.name,
    raw,
    rows,
    days: column === "date" ? rows.map((row) => parseDay(row["date"])) : [],
  };
}

function readRecord(text: string): readonly (readonly string[])[] {
  const parsed: unknown = text === "" ? { record: [] } : JSON.parse(text);
  const record: unknown =
    typeof parsed === "object" && parsed !== null && "record" in parsed ? parsed.record : undefined;
  if (!Array.isArray(record)) {
    throw new RangeError("reading a recording: an answer has no record");
  }
  return record.map((cells: unknown) => (Array.isArray(cells) ? cells.map(String) : []));
}

function keyOf(method: string, raw: readonly string[]): string {
  return [method, ...raw].join(SEPARATOR);
}

function kindByNumber(code: string): BaostockKind | undefined {
  const kind = kindOf(parseSecurityCode(`${code.slice(3)}.${code.slice(0, 2).toUpperCase()}`));
  return kind === "stock" || kind === "index" || kind === "etf" ? kind : undefined;
}
