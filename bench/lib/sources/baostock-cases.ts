import { readFile } from "node:fs/promises";
import path from "node:path";
import { deflateSync, inflateSync } from "node:zlib";

import { tradingDays } from "../../../src/domain/cn-trading-days.ts";
import type { Day } from "../../../src/domain/day.ts";
import { parseSecurityCode } from "../../../src/domain/security-code.ts";
import { FrameReader, readElements, type FrameLimits } from "../../../src/sources/baostock/frame.ts";
import { mapTable } from "../../../src/sources/baostock/mapping.ts";
import { readTable, type BaostockRequest } from "../../../src/sources/baostock/table.ts";
import { checkedBars, toThousandths, type DecodeCase } from "./decode-case.ts";

const CODE = parseSecurityCode("600000.SH");
const SEPARATOR = "\u0001";
const HEADER_BYTES = 21;
const DATA_AT = 6;
const FIELDS_AT = 8;
const LIMITS: FrameLimits = { frameBytesMax: 16_000_000, bodyBytesMax: 16_000_000 };
const MARKER = "<![CDATA[]]>\n";

interface CaptureCase {
  readonly capture: string;
  readonly frequency: "1d" | "5m";
  /** Rows of the answer that is built; a real one has up to 10,000. */
  readonly rows: number;
}

/** K lines as captured. Their rows are repeated over as many days as an answer holds, and said to be unadjusted. */
export async function baostockCases(data: string): Promise<readonly DecodeCase[]> {
  const captures: readonly CaptureCase[] = [
    { capture: "query_history_k_data_plus", frequency: "1d", rows: 6_000 },
    { capture: "query_history_k_data_plus_5min", frequency: "5m", rows: 9_600 },
  ];
  return await Promise.all(captures.map((one) => toCase(path.join(data, "baostock"), one)));
}

async function toCase(folder: string, { capture, frequency, rows }: CaptureCase): Promise<DecodeCase> {
  const captured = await readFile(path.join(folder, capture, "response.bin"));
  const declared = Number.parseInt(captured.toString("latin1", HEADER_BYTES - 10, HEADER_BYTES), 10);
  const payload = captured.subarray(HEADER_BYTES, HEADER_BYTES + declared);
  const elements = inflateSync(payload).toString("utf8").split(SEPARATOR);
  const fields = (elements[FIELDS_AT] ?? "").split(",").map((name) => name.trim());
  const repeated = repeatRows(readRecord(elements[DATA_AT] ?? ""), fields, rows);
  elements[DATA_AT] = JSON.stringify({ record: repeated });
  const packed = deflateSync(elements.join(SEPARATOR));
  const header = captured.toString("latin1", 0, HEADER_BYTES - 10) + packed.length.toString().padStart(10, "0");
  const bytes = Buffer.concat([Buffer.from(header, "latin1"), packed, Buffer.from(`${SEPARATOR}0${MARKER}`, "latin1")]);
  const [close, volume] = [fields.indexOf("close"), fields.indexOf("volume")];
  const request: BaostockRequest = {
    type: "95",
    method: "query_history_k_data_plus",
    page: { number: 1, rows: 10_000 },
    params: [],
    fieldsAt: FIELDS_AT,
  };
  const decode = async (): Promise<ReturnType<typeof checkedBars>> => {
    const frame = new FrameReader(LIMITS, "reading").push(bytes);
    if (frame === undefined) {
      throw new RangeError("the captured answer is not whole");
    }
    const table = readTable(await readElements(frame, LIMITS, "reading"), request, "reading");
    const mapped = mapTable("bars", frequency, table);
    return checkedBars(mapped.rows, mapped.rejected, CODE, frequency);
  };
  return {
    provider: "baostock",
    dataSet: "bars",
    frequency,
    form: "packed K lines",
    bytes: bytes.length,
    expected: {
      rows,
      prices: repeated.reduce((sum, row) => sum + toThousandths(row[close] ?? ""), 0n),
      volume: repeated.reduce((sum, row) => sum + BigInt(row[volume] ?? ""), 0n),
    },
    decode,
  };
}

/** The days of the recording in turn, on a trading day each; prices of four digits, as unadjusted ones have. */
function repeatRows(
  recorded: readonly (readonly string[])[],
  fields: readonly string[],
  rows: number,
): readonly (readonly string[])[] {
  const [date, time, flag] = ["date", "time", "adjustflag"].map((name) => fields.indexOf(name));
  const prices = ["open", "high", "low", "close", "preclose"].map((name) => fields.indexOf(name));
  const recordedDays = [...Map.groupBy(recorded, (row) => row[date ?? 0]).values()];
  const days: readonly Day[] = tradingDays().filter((day) => day < "2025-01-01");
  const all: string[][] = [];
  for (let at = 0; all.length < rows; at += 1) {
    const day = days.at(-1 - at);
    for (const row of recordedDays[at % recordedDays.length] ?? []) {
      all.push(
        row.map((cell, column) => {
          if (column === date) {
            return day ?? "";
          }
          if (column === time) {
            return `${(day ?? "").replaceAll("-", "")}${cell.slice(8)}`;
          }
          return column === flag ? "3" : prices.includes(column) ? cell.slice(0, cell.indexOf(".") + 5) : cell;
        }),
      );
    }
  }
  return all.slice(0, rows);
}

function readRecord(text: string): readonly (readonly string[])[] {
  const parsed: unknown = JSON.parse(text);
  const record = typeof parsed === "object" && parsed !== null && "record" in parsed ? parsed.record : undefined;
  if (!Array.isArray(record)) {
    throw new TypeError("the captured answer has no records");
  }
  return record.map((row: unknown) => (Array.isArray(row) ? row.map(String) : []));
}
