import { parseDecimal } from "../../src/base/decimal.ts";
import { PermanentError, TransientError } from "../../src/base/errors.ts";
import { parseDay, SHANGHAI } from "../../src/domain/day.ts";
import { CURRENCY, MARKET, SOURCE } from "../../src/domain/enums.ts";
import type { Bar, CalendarDay, DataSet, Instrument, RowOf } from "../../src/domain/rows.ts";
import { parseSecurityCode, type SecurityCode } from "../../src/domain/security-code.ts";
import type { Capability, Page, Source } from "../../src/ports/source.ts";
import { codesOf } from "./core-rig.ts";

const LIST: Omit<Capability, "dataSet" | "api"> = {
  frequency: "1d",
  rowsMax: 10_000,
  rowsPerDay: 1,
  codesMax: 0,
  byDay: false,
  completeFrom: "00:00",
  zone: SHANGHAI,
  exchanges: ["SH", "SZ"],
  kinds: ["stock"],
  since: undefined,
};
export const BARS: Capability = { ...LIST, dataSet: "bars", api: "bars", completeFrom: "17:00", codesMax: 1 };

/** Another provider with lists of its own, and a bar for whoever asks. */
export class Lister implements Source {
  readonly provider = "baostock";
  capabilities: readonly Capability[] = [
    { ...LIST, dataSet: "stock-list", api: "query_stock_basic" },
    { ...LIST, dataSet: "trading-calendar", api: "query_trade_dates" },
  ];
  codes: readonly string[] = codesOf(3);
  delisted: readonly string[] = ["600899.SH"];
  isDown = false;
  /** What every call is answered with. */
  failure: Error | undefined;
  /** Our credentials are refused once it was asked for these. */
  refusesAfter: string | undefined;
  readonly asked: string[] = [];

  async fetch(call: Parameters<Source["fetch"]>[0]): Promise<never> {
    this.asked.push(call.selection.by === "status" ? call.selection.status : call.dataSet);
    if (this.refusesAfter !== undefined && this.asked.at(-2) === this.refusesAfter) {
      throw new PermanentError("asking: the login is refused", "provider");
    }
    if (this.failure !== undefined) {
      throw this.failure;
    }
    if (this.isDown) {
      throw new TransientError("asking: the connection was reset");
    }
    const page: Page = { dataSet: call.dataSet, rows: this.#rows(call), rejected: [], received: 1, rest: [] };
    // The caller asked for this data set.
    return page as never;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #rows({ dataSet, selection }: Parameters<Source["fetch"]>[0]): RowOf[DataSet][] {
    if (dataSet === "trading-calendar") {
      const open: CalendarDay = {
        market: MARKET.CHINA,
        day: parseDay("2026-02-27"),
        isOpen: true,
        source: SOURCE.BAOSTOCK,
      };
      return [open];
    }
    if (selection.by === "status") {
      const of = { listed: this.codes, delisted: this.delisted, paused: [] }[selection.status];
      return of.map((code) => instrumentOf(code, selection.status));
    }
    return selection.by === "codes" ? selection.codes.map(barOf) : [];
  }
}

const ONE = parseDecimal("1");

function barOf(code: SecurityCode): Bar {
  return {
    code,
    frequency: "1d",
    tradingDay: parseDay("2026-02-27"),
    time: "2026-02-27 00:00:00",
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

function instrumentOf(code: string, status: Instrument["status"]): Instrument {
  return {
    code: parseSecurityCode(code),
    name: code,
    industry: "",
    market: MARKET.CHINA,
    currency: CURRENCY.CNY,
    status,
    listedOn: parseDay("2000-01-04"),
    delistedOn: status === "delisted" ? parseDay("2009-12-29") : undefined,
    source: SOURCE.BAOSTOCK,
  };
}
