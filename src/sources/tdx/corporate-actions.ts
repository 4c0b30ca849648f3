import type { DecimalText } from "../../base/decimal.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { codeBytes, marketOf, readCount, u16, type Command } from "./command.ts";
import { ByteReader, float32ToDecimal, float32ToShortest, roundDecimal, unpackDate } from "./primitives.ts";

const RECORD_SIZE = 29;
/** Below this an answer says that there are none. */
const HEADER_SIZE = 11;
const ROWS_MAX = 65_535;

/** Ex-days, ratios and warrants; the others are numbers of shares. */
const SHORT_CATEGORIES: ReadonlySet<number> = new Set([1, 11, 12, 13, 14]);
const SHARE_UNIT_PLACES = 4;

export interface CorporateAction {
  readonly digits: string;
  /** ISO text. */
  readonly date: string;
  /** 1 is an ex-day; others are changes of the share capital and the like. */
  readonly category: number;
  /**
   * What the category means by them. Of an ex-day cash per ten shares, price of a right, new shares per ten, rights per
   * ten: short decimal numbers before they became floats, and given as those. Numbers of shares come in units of 10,000
   * and are rounded to whole shares.
   */
  readonly values: readonly DecimalText[];
}

/** Everything since the listing, and what is announced. */
export function corporateActions(code: SecurityCode): Command<readonly CorporateAction[]> {
  return {
    name: `corporate actions of ${code}`,
    type: 0x000f,
    body: Buffer.concat([u16(1), Buffer.from([marketOf(code)]), codeBytes(code)]),
    read: readCorporateActions,
  };
}

export function readCorporateActions(answer: Uint8Array): readonly CorporateAction[] {
  if (answer.length < HEADER_SIZE) {
    return [];
  }
  const reader = new ByteReader(answer, "corporate actions");
  reader.skip(9);
  const count = readCount(reader, "corporate actions", RECORD_SIZE, ROWS_MAX);
  const rows: CorporateAction[] = [];
  for (let index = 0; index < count; index += 1) {
    reader.skip(1);
    const digits = reader.ascii(6);
    reader.skip(1);
    const date = unpackDate(reader.u32());
    const category = reader.u8();
    const values = [reader.u32(), reader.u32(), reader.u32(), reader.u32()].map((bits) => {
      const text = SHORT_CATEGORIES.has(category) ? float32ToShortest(bits) : toWholeShares(bits);
      if (text === undefined) {
        throw reader.garbled("a number that is none");
      }
      return text;
    });
    rows.push({ digits, date, category, values });
  }
  reader.expectEnd();
  return rows;
}

function toWholeShares(bits: number): DecimalText | undefined {
  const text = float32ToDecimal(bits);
  return text === undefined ? undefined : roundDecimal(text, SHARE_UNIT_PLACES);
}
