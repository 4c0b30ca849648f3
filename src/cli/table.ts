import type { Cli } from "./cli.ts";

/** Rows as aligned columns, a head line first; the last column is not padded. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)));
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

/** Prints records as a table of the named fields, or whole as one JSON value. */
export function printRecords<Fields extends Readonly<Record<string, unknown>>>(
  cli: Cli,
  records: readonly Fields[],
  columns: readonly (keyof Fields & string)[],
  isJson: boolean,
): void {
  if (isJson) {
    cli.stdout.write(`${JSON.stringify(records, undefined, 2)}\n`);
    return;
  }
  const rows = records.map((record) => columns.map((column) => String(record[column] ?? "")));
  cli.stdout.write(
    renderTable(
      columns.map((column) => column.toUpperCase()),
      rows,
    ),
  );
}
