import { readFile } from "node:fs/promises";
import path from "node:path";

import { parseSecurityCode } from "../../../src/domain/security-code.ts";
import { parseBody } from "../../../src/sources/http/json-text.ts";
import { readEnvelope, readTable } from "../../../src/sources/tushare/envelope.ts";
import { mapTable } from "../../../src/sources/tushare/mapping.ts";
import { checkedBars, toThousandths, type DecodeCase } from "./decode-case.ts";

/** What one answer of `daily` holds at most. */
const ROWS = 6_000;
const CODE = parseSecurityCode("000001.SZ");

/** Daily bars as they were recorded, as the answer of the API that they came from. */
export async function tushareCases(data: string): Promise<readonly DecodeCase[]> {
  const text = await readFile(path.join(data, "tushare/daily/000001.SZ.csv"), "utf8");
  const [head = "", ...lines] = text.trim().split(/\r?\n/);
  const fields = head.split(",");
  const rows = lines.slice(-ROWS).map((line) => line.split(","));
  // Numbers stay as they were written, with their zeros.
  const items = rows.map(([code, day, ...numbers]) => `["${code}","${day}",${numbers.join(",")}]`);
  const body = Buffer.from(
    `{"request_id":"0","code":0,"msg":"","data":{"fields":${JSON.stringify(fields)},"items":[${items.join(",")}],"has_more":false}}`,
  );
  const [close, volume] = [fields.indexOf("close"), fields.indexOf("vol")];
  const expected = {
    rows: rows.length,
    prices: rows.reduce((sum, row) => sum + toThousandths(row[close] ?? ""), 0n),
    // Lots with two decimals; what is smaller than a share is no recorded volume.
    volume: rows.reduce((sum, row) => sum + toThousandths(row[volume] ?? "") / 10n, 0n),
  };
  const decode: DecodeCase["decode"] = () => {
    const envelope = readEnvelope(parseBody(body.toString("utf8")));
    const { rows: bars, rejected } = mapTable("bars", "1d", readTable(envelope?.data, "reading"));
    return checkedBars(bars, rejected, CODE, "1d");
  };
  return [
    { provider: "tushare", dataSet: "bars", frequency: "1d", form: "JSON", bytes: body.length, expected, decode },
  ];
}
