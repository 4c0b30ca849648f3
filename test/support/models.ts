import { parseDecimal } from "../../src/base/decimal.ts";
import { parseDay, SHANGHAI, type Day } from "../../src/domain/day.ts";
import { CURRENCY, MARKET, SOURCE, TICK_DIRECTION } from "../../src/domain/enums.ts";
import type { AdjustmentFactor, Bar, CalendarDay, Instrument, Tick } from "../../src/domain/rows.ts";
import { parseSecurityCode } from "../../src/domain/security-code.ts";
import type {
  BarModel,
  CalendarDayModel,
  FactorModel,
  InstrumentModel,
  TickModel,
} from "../../src/store/clickhouse/encode/model-columns.ts";
import type { Provenance } from "../../src/ports/store.ts";

export const DAY = parseDay("2024-01-02");
export const CODE = parseSecurityCode("000001.SZ");

export function provenance(version: bigint): Provenance {
  return { version, callId: `call-${version}`, requestId: "request-1" };
}

/** A daily bar of 000001.SZ on 2024-01-02, with what differs. */
export function barModel(changes: Partial<Bar> = {}, version = 10n): BarModel {
  const day = changes.tradingDay ?? DAY;
  const row: Bar = {
    code: CODE,
    frequency: "1d",
    tradingDay: day,
    time: `${day} 00:00:00`,
    zone: SHANGHAI,
    open: parseDecimal("10.5"),
    high: parseDecimal("11"),
    low: parseDecimal("10.01"),
    close: parseDecimal("10.9999"),
    preClose: parseDecimal("10.4"),
    volume: parseDecimal("123400"),
    turnover: parseDecimal("1345000.5"),
    source: SOURCE.TUSHARE,
    flags: 0,
    ...changes,
  };
  return { model: "bar", row, provenance: provenance(version) };
}

/** The first print of 000001.SZ in the minute 09:31 of 2024-01-02, with what differs. */
export function tickModel(changes: Partial<Tick> = {}, version = 10n): TickModel {
  const day = changes.tradingDay ?? DAY;
  const row: Tick = {
    code: CODE,
    tradingDay: day,
    time: `${day} 09:31:00`,
    zone: SHANGHAI,
    sequence: 0,
    price: parseDecimal("10.51"),
    volume: parseDecimal("1200"),
    trades: 3,
    direction: TICK_DIRECTION.ACTIVEBUY,
    source: SOURCE.TDX,
    flags: 0,
    ...changes,
  };
  return { model: "tick", row, provenance: provenance(version) };
}

export function factorModel(changes: Partial<AdjustmentFactor> = {}, version = 10n): FactorModel {
  const row: AdjustmentFactor = {
    code: CODE,
    tradingDay: DAY,
    factor: parseDecimal("108.031"),
    source: SOURCE.TUSHARE,
    ...changes,
  };
  return { model: "adjustment-factor", row, provenance: provenance(version) };
}

export function instrumentModel(changes: Partial<Instrument> = {}, version = 10n): InstrumentModel {
  const row: Instrument = {
    code: CODE,
    name: "平安银行",
    industry: "银行",
    market: MARKET.CHINA,
    currency: CURRENCY.CNY,
    status: "listed",
    listedOn: parseDay("1991-04-03"),
    delistedOn: undefined,
    source: SOURCE.TUSHARE,
    ...changes,
  };
  return { model: "instrument", row, provenance: provenance(version) };
}

export function calendarDayModel(changes: Partial<CalendarDay> = {}, version = 10n): CalendarDayModel {
  const row: CalendarDay = { market: MARKET.CHINA, day: DAY, isOpen: true, source: SOURCE.TUSHARE, ...changes };
  return { model: "calendar-day", row, provenance: provenance(version) };
}

/** `count` weekdays from `first` on, counted by calendar. */
export function weekdays(first: string, count: number): readonly Day[] {
  const days: Day[] = [];
  for (let at = Date.parse(first); days.length < count; at += 86_400_000) {
    const date = new Date(at);
    if (date.getUTCDay() % 6 !== 0) {
      days.push(parseDay(date.toISOString().slice(0, 10)));
    }
  }
  return days;
}
