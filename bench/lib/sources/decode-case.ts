import type { Frequency } from "../../../src/domain/frequency.ts";
import type { ProviderName } from "../../../src/domain/provider.ts";
import { parseDay } from "../../../src/domain/day.ts";
import type { Bar, RejectedRow, Tick } from "../../../src/domain/rows.ts";
import type { SecurityCode } from "../../../src/domain/security-code.ts";
import { checkBars } from "../../../src/planning/check-bars.ts";
import { checkTicks } from "../../../src/planning/check-ticks.ts";
import { bundledCalendar } from "../../../src/planning/trading-calendar.ts";

/** One answer, or one file, and how it becomes rows. */
export interface DecodeCase {
  readonly provider: ProviderName;
  readonly dataSet: "bars" | "ticks";
  readonly frequency: Frequency;
  /** What the bytes are, in a few words. */
  readonly form: string;
  /** As it comes over the wire. */
  readonly bytes: number;
  /** What must come of it, told from the recording and not by the code that is measured. */
  readonly expected: Checksum;
  /** From bytes to canonical rows that are checked; throws where a row is rejected. */
  readonly decode: () => Decoded | Promise<Decoded>;
}

export type Decoded = readonly (Bar | Tick)[];

/** Exact sums. */
export interface Checksum {
  readonly rows: number;
  /** Of closes, or of prices of ticks, in thousandths. */
  readonly prices: bigint;
  /** Shares. */
  readonly volume: bigint;
}

export function checksumOf(rows: Decoded): Checksum {
  let prices = 0n;
  let volume = 0n;
  for (const row of rows) {
    prices += toThousandths("close" in row ? row.close : row.price);
    volume += BigInt(row.volume);
  }
  return { rows: rows.length, prices, volume };
}

/** Of plain decimal text with at most three digits that are not 0 behind the point; cut there. */
export function toThousandths(text: string): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  return BigInt(`${whole}${fraction.slice(0, 3).padEnd(3, "0")}`);
}

const CALENDAR = bundledCalendar();
const REFERENCE = { calendar: CALENDAR, instrument: () => undefined };
const FROM = parseDay("1990-01-01");

/** The stage that every row of a provider goes through. */
export function checkedBars(
  bars: readonly Bar[],
  rejected: readonly RejectedRow[],
  code: SecurityCode,
  frequency: Frequency,
): readonly Bar[] {
  const selection = { by: "codes", codes: [code], from: FROM, to: CALENDAR.knownTo } as const;
  const checked = checkBars(bars, {
    call: { dataSet: "bars", frequency, selection },
    reference: REFERENCE,
    nowMs: Date.now(),
  });
  refuseRejected([...rejected, ...checked.rejected]);
  return checked.rows;
}

export function checkedTicks(
  ticks: readonly Tick[],
  rejected: readonly RejectedRow[],
  code: SecurityCode,
): readonly Tick[] {
  const selection = { by: "codes", codes: [code], from: FROM, to: CALENDAR.knownTo } as const;
  const checked = checkTicks(ticks, {
    call: { dataSet: "ticks", frequency: "1d", selection },
    reference: REFERENCE,
    nowMs: Date.now(),
  });
  refuseRejected([...rejected, ...checked.rejected]);
  return checked.rows;
}

function refuseRejected([first]: readonly RejectedRow[]): void {
  if (first !== undefined) {
    throw new RangeError(`a row of ${first.code} was rejected: ${first.reason}: ${first.detail}`);
  }
}
