import type { Cli } from "./cli.ts";

/** Rows as aligned columns, a head line first. Columns named in `right` are aligned to the right, as numbers are. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: ReadonlySet<string> = new Set(),
): string {
  const widths = head.map((title, column) =>
    rows.reduce((widest, row) => Math.max(widest, widthOf(row[column] ?? "")), widthOf(title)),
  );
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, column) => {
        const blanks = " ".repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell)));
        return right.has(head[column] ?? "") ? `${blanks}${cell}` : `${cell}${blanks}`;
      })
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

/** Chinese characters and full-width forms take two columns of a terminal. */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/gu;

function widthOf(text: string): number {
  return text.length + (text.match(WIDE)?.length ?? 0);
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
