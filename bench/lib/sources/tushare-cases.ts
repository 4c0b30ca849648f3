import { readFile } from "node:fs/promises";
import path from "node:path";

import type { Frequency } from "../../../src/domain/frequency.ts";
import { parseSecurityCode, type SecurityCode } from "../../../src/domain/security-code.ts";
import { parseBody } from "../../../src/sources/http/json-text.ts";
import { readEnvelope, readTable } from "../../../src/sources/tushare/envelope.ts";
import { mapTable } from "../../../src/sources/tushare/mapping.ts";
import { checkedBars, toThousandths, type DecodeCase } from "./decode-case.ts";
import { readFiveMinutes, recordedSums } from "./recorded-bars.ts";

/** What one answer of `daily` holds at most, and of `stk_mins` and `index_daily`. */
const ROWS = 6_000;
const ROWS_MORE = 8_000;
const SHARE = parseSecurityCode("000001.SZ");
const INDEX = parseSecurityCode("399001.SZ");
const MINUTES = parseSecurityCode("600000.SH");

/**
 * Daily bars as they were recorded, as the answer of the API that they came from, and said to be those of an index; five
 * minutes that another provider recorded.
 */
export async function tushareCases(data: string): Promise<readonly DecodeCase[]> {
  const text = await readFile(path.join(data, "tushare/daily/000001.SZ.csv"), "utf8");
  const [head = "", ...lines] = text.trim().split(/\r?\n/);
  const fields = head.split(",");
  const days = lines.map((line) => line.split(","));
  return [
    dailyCase(fields, days.slice(-ROWS), SHARE, "JSON of daily"),
    dailyCase(fields, days.slice(-ROWS_MORE), INDEX, "JSON of index_daily"),
    await minutesCase(data),
  ];
}

function dailyCase(
  fields: readonly string[],
  rows: readonly (readonly string[])[],
  code: SecurityCode,
  form: string,
): DecodeCase {
  const [close, volume] = [fields.indexOf("close"), fields.indexOf("vol")];
  // Numbers stay as they were written, with their zeros.
  const items = rows.map(([, day, ...numbers]) => `["${code}","${day}",${numbers.join(",")}]`);
  return toCase(
    { code, frequency: "1d", form, fields, items },
    {
      rows: rows.length,
      values: rows.reduce((sum, row) => sum + toThousandths(row[close] ?? ""), 0n),
      // Lots with two decimals; what is smaller than a share is no recorded volume.
      counts: rows.reduce((sum, row) => sum + toThousandths(row[volume] ?? "") / 10n, 0n),
    },
  );
}

async function minutesCase(data: string): Promise<DecodeCase> {
  const bars = await readFiveMinutes(data, ROWS_MORE);
  const fields = ["ts_code", "trade_time", "open", "close", "high", "low", "vol", "amount"];
  const items = bars.map(
    ({ day, endsAt, open, close, high, low, shares, yuan }) =>
      `["${MINUTES}","${day} ${endsAt}:00",${open},${close},${high},${low},${shares}.0,${yuan}.0]`,
  );
  return toCase({ code: MINUTES, frequency: "5m", form: "JSON of stk_mins", fields, items }, recordedSums(bars));
}

interface Answer {
  readonly code: SecurityCode;
  readonly frequency: Frequency;
  readonly form: string;
  readonly fields: readonly string[];
  readonly items: readonly string[];
}

function toCase({ code, frequency, form, fields, items }: Answer, expected: DecodeCase["expected"]): DecodeCase {
  const body = Buffer.from(
    `{"request_id":"0","code":0,"msg":"","data":{"fields":${JSON.stringify(fields)},"items":[${items.join(",")}],"has_more":false}}`,
  );
  const decode: DecodeCase["decode"] = () => {
    const envelope = readEnvelope(parseBody(body.toString("utf8")));
    const { rows: bars, rejected } = mapTable("bars", frequency, readTable(envelope?.data, "reading"));
    return checkedBars(bars, rejected, code, frequency);
  };
  return { provider: "tushare", dataSet: "bars", frequency, form, bytes: body.length, expected, decode };
}
