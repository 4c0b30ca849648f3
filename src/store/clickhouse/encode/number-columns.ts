import { isEnumNumber } from "../../../domain/enums.ts";
import { bufferOf, type ColumnEncoder } from "./column.ts";

/** `Int8` of one of Ginkgo's numbers; a number that its table does not name is a bad value. */
export function enumColumn<Row>(
  name: string,
  table: Readonly<Record<string, number>>,
  get: (row: Row) => number,
): ColumnEncoder<Row> {
  const known = new Uint8Array(256);
  for (const value of Object.values(table)) {
    known[value + 128] = 1;
  }
  return {
    name,
    type: "Int8",
    encode(rows, _context, bad) {
      const values = new Int8Array(rows.length);
      let index = 0;
      for (const row of rows) {
        const value = get(row);
        if (known[value + 128] === 1) {
          values[index] = value;
        } else if (!isEnumNumber(table, value)) {
          bad.push({ index, column: name, detail: `${name} ${String(value)} is not one of Ginkgo's numbers` });
        }
        index += 1;
      }
      return [bufferOf(values)];
    },
  };
}

/** `UInt32`, for bit sets. */
export function uint32Column<Row>(name: string, get: (row: Row) => number): ColumnEncoder<Row> {
  return {
    name,
    type: "UInt32",
    encode(rows, _context, bad) {
      const values = new Uint32Array(rows.length);
      let index = 0;
      for (const row of rows) {
        const value = get(row);
        if (value >>> 0 === value) {
          values[index] = value;
        } else {
          bad.push({ index, column: name, detail: `${name} ${String(value)} does not fit UInt32` });
        }
        index += 1;
      }
      return [bufferOf(values)];
    },
  };
}

/** `Nullable(UInt32)`, for counts that not every provider gives; undefined is NULL. */
export function nullableUint32Column<Row>(name: string, get: (row: Row) => number | undefined): ColumnEncoder<Row> {
  return {
    name,
    type: "Nullable(UInt32)",
    encode(rows, _context, bad) {
      const nulls = new Uint8Array(rows.length);
      const values = new Uint32Array(rows.length);
      let index = 0;
      for (const row of rows) {
        const value = get(row);
        if (value === undefined) {
          nulls[index] = 1;
        } else if (value >>> 0 === value) {
          values[index] = value;
        } else {
          bad.push({ index, column: name, detail: `${name} ${String(value)} does not fit UInt32` });
        }
        index += 1;
      }
      return [bufferOf(nulls), bufferOf(values)];
    },
  };
}

const UINT64_MAX = 2n ** 64n - 1n;

/** `UInt64`, for versions. */
export function uint64Column<Row>(name: string, get: (row: Row) => bigint): ColumnEncoder<Row> {
  return {
    name,
    type: "UInt64",
    encode(rows, _context, bad) {
      const values = new BigUint64Array(rows.length);
      let index = 0;
      for (const row of rows) {
        const value = get(row);
        if (value >= 0n && value <= UINT64_MAX) {
          values[index] = value;
        } else {
          bad.push({ index, column: name, detail: `${name} ${value} does not fit UInt64` });
        }
        index += 1;
      }
      return [bufferOf(values)];
    },
  };
}

export function boolColumn<Row>(name: string, get: (row: Row) => boolean): ColumnEncoder<Row> {
  return {
    name,
    type: "Bool",
    encode(rows) {
      return [bufferOf(Uint8Array.from(rows, (row) => (get(row) ? 1 : 0)))];
    },
  };
}

/** `DateTime64(3, 'UTC')` of the insert itself: the same for all its rows and for every repetition. */
export function ingestedAtColumn<Row>(name: string): ColumnEncoder<Row> {
  return {
    name,
    type: "DateTime64(3, 'UTC')",
    encode(rows, context) {
      return [bufferOf(new BigInt64Array(rows.length).fill(BigInt(context.ingestedAtMs)))];
    },
  };
}
