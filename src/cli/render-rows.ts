import { renderTable } from "./table.ts";

/** A value as it stands in a record of a store: decimals and 64-bit numbers are text, so that no digit is lost. */
export type Cell = string | number | boolean | null | undefined;
type Row = Readonly<Record<string, Cell>>;

/** Rows for people: empty where there is no value, numbers to the right. */
export function rowsToTable(columns: readonly string[], rows: readonly Row[]): string {
  const isNumeric = (column: string): boolean => rows.every((row) => isNumber(row[column]));
  return renderTable(
    columns,
    rows.map((row) => columns.map((column) => cellText(row[column]))),
    new Set(columns.filter(isNumeric)),
  );
}

/** A head line and a line each, numbers as they are stored, empty where there is no value. */
export function rowsToCsv(columns: readonly string[], rows: readonly Row[]): string {
  return [columns, ...rows.map((row) => columns.map((column) => cellText(row[column])))]
    .map((cells) => `${cells.map(quoteCsv).join(",")}\n`)
    .join("");
}

/** One JSON array, an object a line; decimals are strings, `null` where there is no value. */
export function rowsToJson(columns: readonly string[], rows: readonly Row[]): string {
  const lines = rows.map((row) =>
    JSON.stringify(Object.fromEntries(columns.map((column) => [column, row[column] ?? null]))),
  );
  return lines.length === 0 ? "[]\n" : `[\n${lines.join(",\n")}\n]\n`;
}

function isNumber(cell: Cell): boolean {
  return cell === null || cell === undefined || /^-?\d+(?:\.\d+)?$/.test(String(cell));
}

function cellText(cell: Cell): string {
  return cell === null || cell === undefined ? "" : String(cell);
}

function quoteCsv(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
