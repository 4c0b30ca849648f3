import { SHANGHAI } from "../../domain/day.ts";
import { FREQUENCY_NUMBERS, type Frequency } from "../../domain/frequency.ts";
import type { DataSet } from "../../domain/rows.ts";
import type { Model } from "../../ports/store.ts";
import { FIELD_SEPARATOR, type ComparedTable } from "./compare-read.ts";
import { coverRuns, quoteLists } from "./compare-runs.ts";
import { cleanText } from "./encode/clean-text.ts";
import {
  barColumns,
  calendarDayColumns,
  factorColumns,
  instrumentColumns,
  tickColumns,
  type BarModel,
  type CalendarDayModel,
  type FactorModel,
  type InstrumentModel,
  type ModelName,
  type ModelOf,
  type TickModel,
} from "./encode/model-columns.ts";
import type { WallClocks } from "./encode/wall-clock.ts";
import type { RowWriter } from "./insert.ts";
import { ADJUSTFACTOR_ROW, BAR_ROW, STOCK_INFO_ROW, TICK_ROW, TRADE_DAY_ROW } from "./tables.ts";

/** All that the store has to know of a table to write a model to it. */
export interface ModelTable<Row> {
  readonly dataSet: DataSet;
  readonly writer: RowWriter<Row>;
  readonly compared: ComparedTable<Row>;
  /** The code that quarantine files a refused row under; empty where the row is the market's. */
  codeOf(row: Row): string;
}

export type ModelTables = { readonly [Name in ModelName]: ModelTable<ModelOf<Name>> };

export function createModelTables(clocks: WallClocks): ModelTables {
  return {
    bar: barTable(clocks),
    tick: tickTable(clocks),
    "adjustment-factor": factorTable(clocks),
    instrument: instrumentTable(clocks),
    "calendar-day": calendarDayTable(clocks),
  };
}

const DAY_SECONDS = 86_400;
/** A hole longer than this is not read over. Long holidays are 10 days, suspensions a month. */
const DAILY_GAP_SECONDS = 31 * DAY_SECONDS;
const INTRADAY_GAP_SECONDS = 4 * DAY_SECONDS;
/** A night. A day has thousands of ticks, so none is read for nothing. */
const TICK_GAP_SECONDS = DAY_SECONDS;

function barTable(clocks: WallClocks): ModelTable<BarModel> {
  const fields = ["open", "high", "low", "close", "pre_close", "volume", "amount", "flags", "trading_day", "zone"];
  const secondsOf = (model: BarModel) => clocks.toSeconds(model.row.time, model.row.zone);
  return {
    dataSet: "bars",
    codeOf: (model) => model.row.code,
    writer: {
      table: BAR_ROW.name,
      columns: barColumns(clocks),
      partitionOf: ({ row }) => (isDaily(row.frequency) ? yearOf(row.time) : monthOf(row.time)),
    },
    compared: {
      table: BAR_ROW.name,
      fields,
      keyOf: (model) =>
        `${model.row.code} ${FREQUENCY_NUMBERS[model.row.frequency]} ${secondsOf(model)} ${model.row.source}`,
      valueOf: ({ row }) =>
        join(
          row.open,
          row.high,
          row.low,
          row.close,
          row.preClose ?? "",
          row.volume,
          row.turnover ?? "",
          row.flags,
          row.tradingDay,
          row.zone,
        ),
      keySql:
        "concat(code, ' ', toString(frequency), ' ', toString(toUnixTimestamp(timestamp)), ' ', toString(source))",
      valueSql: fields.map((name) =>
        name === "pre_close" || name === "amount" ? `ifNull(toString(${name}), '')` : `toString(${name})`,
      ),
      conditionsOf: (models) => {
        const byLength = Map.groupBy(models, ({ row }) =>
          isDaily(row.frequency) ? DAILY_GAP_SECONDS : INTRADAY_GAP_SECONDS,
        );
        return Array.from(byLength, ([gapSeconds, part]) => {
          const keyed = part.map((model) => ({
            code: model.row.code,
            group: `frequency = ${FREQUENCY_NUMBERS[model.row.frequency]} AND source = ${model.row.source}`,
            seconds: secondsOf(model),
          }));
          return coverRuns(keyed, gapSeconds, timeSpan);
        }).flat();
      },
    },
  };
}

function tickTable(clocks: WallClocks): ModelTable<TickModel> {
  const fields = ["price", "volume", "trades", "direction", "flags", "trading_day", "zone"];
  const secondsOf = (model: TickModel) => clocks.toSeconds(model.row.time, model.row.zone);
  return {
    dataSet: "ticks",
    codeOf: (model) => model.row.code,
    writer: { table: TICK_ROW.name, columns: tickColumns(clocks), partitionOf: ({ row }) => monthOf(row.time) },
    compared: {
      table: TICK_ROW.name,
      fields,
      keyOf: (model) => `${model.row.code} ${secondsOf(model) * 1000} ${model.row.sequence} ${model.row.source}`,
      valueOf: ({ row }) =>
        join(row.price, row.volume, row.trades ?? "", row.direction, row.flags, row.tradingDay, row.zone),
      keySql:
        "concat(code, ' ', toString(toUnixTimestamp64Milli(timestamp)), ' ', toString(sequence), ' ', toString(source))",
      valueSql: fields.map((name) => (name === "trades" ? `ifNull(toString(${name}), '')` : `toString(${name})`)),
      conditionsOf: (models) =>
        coverRuns(
          models.map((model) => ({
            code: model.row.code,
            group: `source = ${model.row.source}`,
            seconds: secondsOf(model),
          })),
          TICK_GAP_SECONDS,
          timeSpan,
        ),
    },
  };
}

function factorTable(clocks: WallClocks): ModelTable<FactorModel> {
  const secondsOf = (model: FactorModel) => clocks.toSeconds(`${model.row.tradingDay} 00:00:00`, SHANGHAI);
  return {
    dataSet: "adjustment-factors",
    codeOf: (model) => model.row.code,
    writer: {
      table: ADJUSTFACTOR_ROW.name,
      columns: factorColumns(clocks),
      partitionOf: ({ row }) => yearOf(row.tradingDay),
    },
    compared: {
      table: ADJUSTFACTOR_ROW.name,
      fields: ["factor"],
      keyOf: (model) => `${model.row.code} ${secondsOf(model)} ${model.row.source}`,
      valueOf: ({ row }) => row.factor,
      keySql: "concat(code, ' ', toString(toUnixTimestamp(timestamp)), ' ', toString(source))",
      valueSql: ["toString(factor)"],
      conditionsOf: (models) =>
        coverRuns(
          models.map((model) => ({
            code: model.row.code,
            group: `source = ${model.row.source}`,
            seconds: secondsOf(model),
          })),
          DAILY_GAP_SECONDS,
          timeSpan,
        ),
    },
  };
}

function instrumentTable(clocks: WallClocks): ModelTable<InstrumentModel> {
  const fields = ["code_name", "industry", "currency", "market", "status", "list_date", "delist_date"];
  return {
    dataSet: "stock-list",
    codeOf: (model) => model.row.code,
    writer: { table: STOCK_INFO_ROW.name, columns: instrumentColumns(clocks), partitionOf: () => 0 },
    compared: {
      table: STOCK_INFO_ROW.name,
      fields,
      keyOf: ({ row }) => `${row.code} ${row.source}`,
      valueOf: ({ row }) =>
        join(
          cleanText(row.name),
          cleanText(row.industry),
          row.currency,
          row.market,
          row.status,
          row.listedOn,
          row.delistedOn ?? "",
        ),
      keySql: "concat(code, ' ', toString(source))",
      valueSql: fields.map((name) => (name === "delist_date" ? `ifNull(toString(${name}), '')` : `toString(${name})`)),
      conditionsOf: (models) => quoteLists(models.map((model) => model.row.code)).map((list) => `code IN (${list})`),
    },
  };
}

function calendarDayTable(clocks: WallClocks): ModelTable<CalendarDayModel> {
  return {
    dataSet: "trading-calendar",
    codeOf: () => "",
    writer: { table: TRADE_DAY_ROW.name, columns: calendarDayColumns(clocks), partitionOf: () => 0 },
    compared: {
      table: TRADE_DAY_ROW.name,
      fields: ["is_open"],
      keyOf: ({ row }) => `${row.market} ${row.day} ${row.source}`,
      valueOf: ({ row }) => (row.isOpen ? "1" : "0"),
      keySql: "concat(toString(market), ' ', toString(trading_day), ' ', toString(source))",
      valueSql: ["toString(toUInt8(is_open))"],
      conditionsOf: (models) => {
        const known = models.map((model) => model.row.day).filter((day) => clocks.toDays(day) >= 0);
        const days = known.toSorted();
        const [from, to] = [days.at(0), days.at(-1)];
        return from === undefined || to === undefined
          ? []
          : [`trading_day BETWEEN toDate(${clocks.toDays(from)}) AND toDate(${clocks.toDays(to)})`];
      },
    },
  };
}

/** The table of the model's name. It may be given models of that name only, which the compiler cannot see. */
export function modelTableOf(tables: ModelTables, model: Model): ModelTable<Model> {
  return tables[model.model];
}

function timeSpan(codes: string, group: string, from: number, to: number): string {
  return `code IN (${codes}) AND ${group} AND timestamp BETWEEN toDateTime(${from}) AND toDateTime(${to})`;
}

function isDaily(frequency: Frequency): boolean {
  return frequency === "1d" || frequency === "1w" || frequency === "1M";
}

/** Year of a text that begins `YYYY-MM`. */
function yearOf(text: string): number {
  return parseInt(text.slice(0, 4), 10);
}

function monthOf(text: string): number {
  return yearOf(text) * 100 + parseInt(text.slice(5, 7), 10);
}

function join(...values: readonly (string | number)[]): string {
  return values.join(FIELD_SEPARATOR);
}
