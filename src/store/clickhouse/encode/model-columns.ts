import { SHANGHAI, type Day } from "../../../domain/day.ts";
import {
  CURRENCY,
  FREQUENCY,
  MARKET,
  SOURCE,
  TICK_DIRECTION,
  type FrequencyNumber,
  type SourceNumber,
} from "../../../domain/enums.ts";
import { FREQUENCY_NUMBERS, type Frequency } from "../../../domain/frequency.ts";
import type { RejectedRow } from "../../../domain/rows.ts";
import type { SecurityCode } from "../../../domain/security-code.ts";
import type { Model, Provenance } from "../../../ports/store.ts";
import type { ColumnEncoder } from "./column.ts";
import { decimalColumn, nullableDecimalColumn, wholeColumn } from "./decimal-column.ts";
import {
  boolColumn,
  enumColumn,
  ingestedAtColumn,
  nullableUint32Column,
  uint32Column,
  uint64Column,
} from "./number-columns.ts";
import { textColumn } from "./text-column.ts";
import { dayColumn, instantColumn, milliInstantColumn, nullableDayColumn } from "./time-columns.ts";
import type { WallClocks } from "./wall-clock.ts";

export type ModelName = Model["model"];
export type ModelOf<Name extends ModelName> = Extract<Model, { readonly model: Name }>;
export type BarModel = ModelOf<"bar">;
export type TickModel = ModelOf<"tick">;
export type FactorModel = ModelOf<"adjustment-factor">;
export type InstrumentModel = ModelOf<"instrument">;
export type CalendarDayModel = ModelOf<"calendar-day">;

/** A rejected row and where it comes from. */
export interface QuarantinedRow {
  readonly rejected: RejectedRow;
  readonly provenance: Provenance;
}

/** Columns of `bar_row` in the order of its table. */
export function barColumns(clocks: WallClocks): readonly ColumnEncoder<BarModel>[] {
  return [
    textColumn("code", (model) => model.row.code),
    enumColumn("frequency", FREQUENCY, (model) => frequencyNumber(model.row.frequency)),
    instantColumn(
      "timestamp",
      clocks,
      (model) => model.row.time,
      (model) => model.row.zone,
    ),
    dayColumn("trading_day", clocks, (model) => model.row.tradingDay),
    textColumn("zone", (model) => model.row.zone),
    decimalColumn("open", 18, 4, (model) => model.row.open),
    decimalColumn("high", 18, 4, (model) => model.row.high),
    decimalColumn("low", 18, 4, (model) => model.row.low),
    decimalColumn("close", 18, 4, (model) => model.row.close),
    nullableDecimalColumn("pre_close", 18, 4, (model) => model.row.preClose),
    wholeColumn("volume", (model) => model.row.volume),
    nullableDecimalColumn("amount", 20, 4, (model) => model.row.turnover),
    enumColumn("source", SOURCE, (model) => model.row.source),
    uint32Column("flags", (model) => model.row.flags),
    ...provenanceColumns<BarModel>(),
  ];
}

/** Columns of `tick_row` in the order of its table. */
export function tickColumns(clocks: WallClocks): readonly ColumnEncoder<TickModel>[] {
  return [
    textColumn("code", (model) => model.row.code),
    milliInstantColumn(
      "timestamp",
      clocks,
      (model) => model.row.time,
      (model) => model.row.zone,
    ),
    dayColumn("trading_day", clocks, (model) => model.row.tradingDay),
    textColumn("zone", (model) => model.row.zone),
    uint32Column("sequence", (model) => model.row.sequence),
    decimalColumn("price", 18, 4, (model) => model.row.price),
    wholeColumn("volume", (model) => model.row.volume),
    nullableUint32Column("trades", (model) => model.row.trades),
    enumColumn("direction", TICK_DIRECTION, (model) => model.row.direction),
    enumColumn("source", SOURCE, (model) => model.row.source),
    uint32Column("flags", (model) => model.row.flags),
    ...provenanceColumns<TickModel>(),
  ];
}

/** How many ticks of a code, day and source stand. */
export interface TickDay {
  readonly code: SecurityCode;
  readonly day: Day;
  readonly source: SourceNumber;
  readonly ticks: number;
  readonly version: bigint;
}

/** Columns of `tick_day_row`. */
export function tickDayColumns(clocks: WallClocks): readonly ColumnEncoder<TickDay>[] {
  return [
    textColumn("code", ({ code }) => code),
    dayColumn("trading_day", clocks, ({ day }) => day),
    enumColumn("source", SOURCE, ({ source }) => source),
    uint32Column("ticks", ({ ticks }) => ticks),
    uint64Column("version", ({ version }) => version),
  ];
}

/** Columns of `adjustfactor_row`. A factor holds from the midnight of its day, which is Shanghai's as all codes are. */
export function factorColumns(clocks: WallClocks): readonly ColumnEncoder<FactorModel>[] {
  return [
    textColumn("code", (model) => model.row.code),
    midnightColumn(clocks, (model) => model.row.tradingDay),
    dayColumn("trading_day", clocks, (model) => model.row.tradingDay),
    decimalColumn("factor", 18, 8, (model) => model.row.factor),
    enumColumn("source", SOURCE, (model) => model.row.source),
    ...provenanceColumns<FactorModel>(),
  ];
}

/** Columns of `stock_info_row`. */
export function instrumentColumns(clocks: WallClocks): readonly ColumnEncoder<InstrumentModel>[] {
  return [
    textColumn("code", (model) => model.row.code),
    textColumn("code_name", (model) => model.row.name),
    textColumn("industry", (model) => model.row.industry),
    enumColumn("currency", CURRENCY, (model) => model.row.currency),
    enumColumn("market", MARKET, (model) => model.row.market),
    textColumn("status", (model) => model.row.status),
    dayColumn("list_date", clocks, (model) => model.row.listedOn),
    nullableDayColumn("delist_date", clocks, (model) => model.row.delistedOn),
    enumColumn("source", SOURCE, (model) => model.row.source),
    ...provenanceColumns<InstrumentModel>(),
  ];
}

/** Columns of `trade_day_row`. */
export function calendarDayColumns(clocks: WallClocks): readonly ColumnEncoder<CalendarDayModel>[] {
  return [
    enumColumn("market", MARKET, (model) => model.row.market),
    dayColumn("trading_day", clocks, (model) => model.row.day),
    midnightColumn(clocks, (model) => model.row.day),
    boolColumn("is_open", (model) => model.row.isOpen),
    enumColumn("source", SOURCE, (model) => model.row.source),
    ...provenanceColumns<CalendarDayModel>(),
  ];
}

/** Columns of `quarantine_row`; `at` is when the insert was first tried. */
export function quarantineColumns(clocks: WallClocks): readonly ColumnEncoder<QuarantinedRow>[] {
  return [
    ingestedAtColumn("at"),
    textColumn("data_set", ({ rejected }) => rejected.dataSet),
    textColumn("code", ({ rejected }) => rejected.code),
    nullableDayColumn("day", clocks, ({ rejected }) => rejected.day),
    textColumn("reason", ({ rejected }) => rejected.reason),
    textColumn("detail", ({ rejected }) => rejected.detail),
    textColumn("raw", ({ rejected }) => rejected.raw),
    ...idColumns<QuarantinedRow>(),
  ];
}

/** Nearly all bars are daily, and a look-up by name costs as much as three prices. */
function frequencyNumber(frequency: Frequency): FrequencyNumber {
  return frequency === "1d" ? FREQUENCY.DAY : FREQUENCY_NUMBERS[frequency];
}

interface WithProvenance {
  readonly provenance: Provenance;
}

function provenanceColumns<Row extends WithProvenance>(): readonly ColumnEncoder<Row>[] {
  const [version, requestId, callId] = idColumns<Row>();
  return [version, ingestedAtColumn("ingested_at"), requestId, callId];
}

function idColumns<Row extends WithProvenance>(): readonly [
  version: ColumnEncoder<Row>,
  requestId: ColumnEncoder<Row>,
  callId: ColumnEncoder<Row>,
] {
  return [
    uint64Column("version", (row) => row.provenance.version),
    textColumn("request_id", (row) => row.provenance.requestId),
    textColumn("call_id", (row) => row.provenance.callId),
  ];
}

function midnightColumn<Row>(clocks: WallClocks, getDay: (row: Row) => string): ColumnEncoder<Row> {
  return instantColumn(
    "timestamp",
    clocks,
    (row) => `${getDay(row)} 00:00:00`,
    () => SHANGHAI,
  );
}
