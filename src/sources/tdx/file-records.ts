import { fromScaled, shiftDecimal, toScaled, ZERO, type DecimalText } from "../../base/decimal.ts";
import { parseDay, SHANGHAI } from "../../domain/day.ts";
import { SOURCE } from "../../domain/enums.ts";
import { kindOf, type InstrumentKind } from "../../domain/instrument-kind.ts";
import type { Bar, RejectedRow, Suspension } from "../../domain/rows.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { RowError } from "../read-cells.ts";
import { bondPlaces, tickPriceScale, toRejectedRow } from "./mapping.ts";
import { ByteReader, clockText, roundDecimal, unpackDate, unpackMinuteTime } from "./primitives.ts";

export interface FileBars {
  readonly bars: readonly Bar[];
  readonly rejected: readonly RejectedRow[];
  /** Days with a record and no trade. */
  readonly suspensions: readonly Suspension[];
  /** Records in the file. */
  readonly received: number;
}

export const RECORD_SIZE = 32;
/** Comparisons of prices of any kind are made in thousandths. */
const THOUSANDTHS = 3;
const TURNOVER_SCALE = 2;
const MIDNIGHT = 1_440;

/**
 * The bars of one of the client's own record files, all records of 32 bytes and nothing else: `.day` for days, `.lc1` and
 * `.lc5` for one and five minutes. What a record has behind its volume is junk and not looked at. A record that cannot
 * be read, and a file that ends within one, is a rejected row.
 *
 * Prices of days are whole hundredths, of ETFs, funds and bonds thousandths. Prices of minutes are floats of 32 bits:
 * 12.34 is stored as 12.340000152587890625, so they are rounded half up to the kind's digits.
 *
 * `bytes` may be a piece of the file; `firstRecord` is where it begins, for what is said of rejected rows.
 */
export function parseRecordFile(
  bytes: Uint8Array,
  code: SecurityCode,
  frequency: RecordFrequency,
  firstRecord = 0,
): FileBars {
  const bars: Bar[] = [];
  const rejected: RejectedRow[] = [];
  const suspensions: Suspension[] = [];
  const received = Math.floor(bytes.length / RECORD_SIZE);
  for (let index = 0; index < received; index += 1) {
    const record = readRecord(bytes.subarray(index * RECORD_SIZE, (index + 1) * RECORD_SIZE), code, frequency);
    try {
      const bar = toBar(record, code, frequency);
      if (frequency === "1d" && kindOf(code) !== "index" && bar.volume === ZERO && bar.turnover === ZERO) {
        suspensions.push({ code, day: bar.tradingDay });
      } else {
        bars.push(bar);
      }
    } catch (error) {
      rejected.push(toRejectedRow("bars", code, record.date, error, { ...record, record: firstRecord + index }));
    }
  }
  const over = bytes.length % RECORD_SIZE;
  if (over !== 0) {
    const error = new RowError(
      "not-parseable",
      `the file ends ${RECORD_SIZE - over} bytes before its last record does`,
    );
    rejected.push(toRejectedRow("bars", code, "", error, { record: firstRecord + received, bytes: over }));
  }
  return { bars, rejected, suspensions, received };
}

export type RecordFrequency = "1d" | "1m" | "5m";

/** Prices are exact; undefined is no number. */
interface FileRecord {
  readonly date: string;
  /** Minutes since midnight. */
  readonly minutes: number;
  readonly open: DecimalText | undefined;
  readonly high: DecimalText | undefined;
  readonly low: DecimalText | undefined;
  readonly close: DecimalText | undefined;
  readonly amount: DecimalText | undefined;
  readonly volume: number;
}

function readRecord(bytes: Uint8Array, code: SecurityCode, frequency: RecordFrequency): FileRecord {
  const reader = new ByteReader(bytes, "a record file");
  const scale = tickPriceScale(code);
  const time =
    frequency === "1d" ? { date: unpackDate(reader.u32()), minutes: 0 } : unpackMinuteTime(reader.u16(), reader.u16());
  const price = (): DecimalText | undefined => {
    if (frequency === "1d") {
      return fromScaled(BigInt(reader.u32()), scale);
    }
    const exact = reader.float32OrNone();
    return exact === undefined ? undefined : roundDecimal(exact, scale);
  };
  const [open, high, low, close] = [price(), price(), price(), price()];
  return { ...time, open, high, low, close, amount: reader.float32OrNone(), volume: reader.u32() };
}

function toBar(record: FileRecord, code: SecurityCode, frequency: RecordFrequency): Bar {
  const tradingDay = parseDay(record.date);
  if (record.minutes >= MIDNIGHT) {
    throw new RowError("not-parseable", `no bar ends at minute ${record.minutes} of the day`);
  }
  const prices = {
    open: readPrice(record, "open"),
    high: readPrice(record, "high"),
    low: readPrice(record, "low"),
    close: readPrice(record, "close"),
  };
  const { amount } = record;
  if (amount === undefined || amount.startsWith("-")) {
    throw new RowError("out-of-range", `amount: expected money, got ${amount ?? "no number"}`);
  }
  return {
    code,
    frequency,
    tradingDay,
    time: `${tradingDay} ${clockText(record.minutes)}:00`,
    zone: SHANGHAI,
    ...prices,
    preClose: undefined,
    volume: toShares(record.volume, amount, prices, kindOf(code)),
    turnover: roundDecimal(amount, TURNOVER_SCALE),
    source: SOURCE.TDX,
    flags: 0,
  };
}

function readPrice(record: FileRecord, name: "open" | "high" | "low" | "close"): DecimalText {
  const price = record[name];
  if (price === undefined) {
    throw new RowError("not-parseable", `${name}: the float is no number`);
  }
  if (price === ZERO || price.startsWith("-")) {
    throw new RowError("price-not-positive", `${name} is ${price}`);
  }
  return price;
}

/** Shares, of indices lots of 100; of bonds what fits the turnover. */
function toShares(
  volume: number,
  amount: DecimalText,
  { high, low }: Pick<Bar, "high" | "low">,
  kind: InstrumentKind,
): DecimalText {
  const text = fromScaled(BigInt(volume), 0);
  if (kind === "bond") {
    const range = { low: toScaled(low, THOUSANDTHS), high: toScaled(high, THOUSANDTHS) };
    return shiftDecimal(text, bondPlaces(text, amount, range));
  }
  return kind === "index" ? shiftDecimal(text, 2) : text;
}
