import type { Day, ZoneName } from "../../../domain/day.ts";
import { bufferOf, type BadValue, type ColumnEncoder } from "./column.ts";
import type { WallClocks } from "./wall-clock.ts";

const DAYS_MAX = 65_535;
const SECONDS_MAX = 4_294_967_295;

/** `Date`: days since 1970, to 2149. */
export function dayColumn<Row>(name: string, clocks: WallClocks, get: (row: Row) => Day): ColumnEncoder<Row> {
  return {
    name,
    type: "Date",
    encode(rows, _context, bad) {
      const values = new Uint16Array(rows.length);
      let index = 0;
      for (const row of rows) {
        const day = get(row);
        const days = clocks.toDays(day);
        if (days >= 0 && days <= DAYS_MAX) {
          values[index] = days;
        } else {
          bad.push({ index, column: name, detail: `${name} ${JSON.stringify(day)} does not fit Date` });
        }
        index += 1;
      }
      return [bufferOf(values)];
    },
  };
}

/** `Nullable(Date)`; undefined is NULL. */
export function nullableDayColumn<Row>(
  name: string,
  clocks: WallClocks,
  get: (row: Row) => Day | undefined,
): ColumnEncoder<Row> {
  return {
    name,
    type: "Nullable(Date)",
    encode(rows, _context, bad) {
      const nulls = new Uint8Array(rows.length);
      const values = new Uint16Array(rows.length);
      let index = 0;
      for (const row of rows) {
        const day = get(row);
        const days = day === undefined ? 0 : clocks.toDays(day);
        if (day === undefined) {
          nulls[index] = 1;
        } else if (days >= 0 && days <= DAYS_MAX) {
          values[index] = days;
        } else {
          bad.push({ index, column: name, detail: `${name} ${JSON.stringify(day)} does not fit Date` });
        }
        index += 1;
      }
      return [bufferOf(nulls), bufferOf(values)];
    },
  };
}

/** `DateTime`: the instant of a wall clock in the row's own zone, to the second, from 1970 to 2106. */
export function instantColumn<Row>(
  name: string,
  clocks: WallClocks,
  getTime: (row: Row) => string,
  getZone: (row: Row) => ZoneName,
): ColumnEncoder<Row> {
  return {
    name,
    type: "DateTime",
    encode: (rows, _context, bad) => [bufferOf(secondsOf(name, clocks, rows, getTime, getZone, bad))],
  };
}

/** `DateTime64(3)` of the same instants: a wall clock has seconds, the column has room for more. */
export function milliInstantColumn<Row>(
  name: string,
  clocks: WallClocks,
  getTime: (row: Row) => string,
  getZone: (row: Row) => ZoneName,
): ColumnEncoder<Row> {
  return {
    name,
    type: "DateTime64(3)",
    encode(rows, _context, bad) {
      const seconds = secondsOf(name, clocks, rows, getTime, getZone, bad);
      return [bufferOf(BigInt64Array.from(seconds, (value) => BigInt(value) * 1000n))];
    },
  };
}

function secondsOf<Row>(
  name: string,
  clocks: WallClocks,
  rows: readonly Row[],
  getTime: (row: Row) => string,
  getZone: (row: Row) => ZoneName,
  bad: BadValue[],
): Uint32Array<ArrayBuffer> {
  const values = new Uint32Array(rows.length);
  let index = 0;
  let lastTime = "";
  let lastZone = "";
  let seconds = NaN;
  for (const row of rows) {
    const time = getTime(row);
    const zone = getZone(row);
    if (time !== lastTime || zone !== lastZone) {
      seconds = clocks.toSeconds(time, zone);
      lastTime = time;
      lastZone = zone;
    }
    if (seconds >= 0 && seconds <= SECONDS_MAX) {
      values[index] = seconds;
    } else {
      bad.push({ index, column: name, detail: `${name} ${JSON.stringify(time)} in ${zone} does not fit DateTime` });
    }
    index += 1;
  }
  return values;
}
