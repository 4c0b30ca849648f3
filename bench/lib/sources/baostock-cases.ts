import path from "node:path";
import { deflateSync } from "node:zlib";

import { parseSecurityCode } from "../../../src/domain/security-code.ts";
import { FrameReader, readElements, type FrameLimits } from "../../../src/sources/baostock/frame.ts";
import { mapTable } from "../../../src/sources/baostock/mapping.ts";
import { readTable, type BaostockRequest } from "../../../src/sources/baostock/table.ts";
import { readCapture, repeatRows, SEPARATOR } from "./captured-k-lines.ts";
import { checkedBars, toThousandths, type DecodeCase } from "./decode-case.ts";

const CODE = parseSecurityCode("600000.SH");
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
  const captured = await readCapture(path.join(folder, capture));
  const { fields } = captured;
  const repeated = repeatRows(captured, rows);
  const packed = deflateSync(captured.elements.with(DATA_AT, JSON.stringify({ record: repeated })).join(SEPARATOR));
  const header = captured.header + packed.length.toString().padStart(10, "0");
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
      values: repeated.reduce((sum, row) => sum + toThousandths(row[close] ?? ""), 0n),
      counts: repeated.reduce((sum, row) => sum + BigInt(row[volume] ?? ""), 0n),
    },
    decode,
  };
}
