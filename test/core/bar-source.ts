import { parseDecimal } from "../../src/base/decimal.ts";
import { TransientError } from "../../src/base/errors.ts";
import { parseDay, SHANGHAI, type Day } from "../../src/domain/day.ts";
import { SOURCE } from "../../src/domain/enums.ts";
import type { Bar } from "../../src/domain/rows.ts";
import type { SecurityCode } from "../../src/domain/security-code.ts";
import type { Capability, Page, Source } from "../../src/ports/source.ts";

const BARS: Capability = {
  dataSet: "bars",
  frequency: "1d",
  api: "bars",
  rowsMax: 10_000,
  rowsPerDay: 1,
  codesMax: 1,
  byDay: false,
  completeFrom: "17:30",
  zone: SHANGHAI,
  exchanges: ["SH", "SZ"],
  kinds: ["stock"],
  since: undefined,
};

/** Another provider of daily bars, complete from 17:30 on: of each code it has these days, unless it is down. */
export class BarSource implements Source {
  readonly provider = "baostock";
  readonly capabilities: readonly Capability[] = [BARS];
  readonly #days: readonly Day[];
  isDown = false;
  calls = 0;

  constructor(...days: readonly string[]) {
    this.#days = days.map((day) => parseDay(day));
  }

  async fetch({ selection }: Parameters<Source["fetch"]>[0]): Promise<never> {
    this.calls += 1;
    if (this.isDown || selection.by !== "codes") {
      throw new TransientError("asking: the connection was reset");
    }
    const days = this.#days.filter((day) => selection.from <= day && day <= selection.to);
    const rows = selection.codes.flatMap((code) => days.map((day) => barOf(code, day)));
    const page: Page = { dataSet: "bars", rows, rejected: [], received: rows.length, rest: [] };
    // The caller asked for bars.
    return page as never;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

const ONE = parseDecimal("1");

function barOf(code: SecurityCode, tradingDay: Day): Bar {
  return {
    code,
    frequency: "1d",
    tradingDay,
    time: `${tradingDay} 00:00:00`,
    zone: SHANGHAI,
    open: ONE,
    high: ONE,
    low: ONE,
    close: ONE,
    preClose: undefined,
    volume: ONE,
    turnover: undefined,
    source: SOURCE.BAOSTOCK,
    flags: 0,
  };
}
