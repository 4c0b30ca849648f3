/** A record of a table: column name to text; an empty cell is absent. */
export type CsvRecord = Readonly<Record<string, string>>;

/**
 * Reads comma-separated text with a header line. Cells stay text: nothing is taken for a number. Quoted cells may hold
 * commas, doubled quotes and line ends. A line with another number of cells than the header is a RangeError.
 */
export function readCsv(text: string): readonly CsvRecord[] {
  const [header, ...lines] = splitRows(text.replace(/^\uFEFF/, ""));
  return lines.map((cells, index) => {
    if (cells.length !== header?.length) {
      throw new RangeError(
        `reading a table: row ${index + 2} has ${cells.length} cells, the header ${header?.length ?? 0}`,
      );
    }
    return Object.fromEntries(
      header.map((name, column) => [name, cells[column] ?? ""] as const).filter(([, cell]) => cell !== ""),
    );
  });
}

const CELL = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;

function splitRows(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  CELL.lastIndex = 0;
  while (CELL.lastIndex < text.length || row.length > 0) {
    const at = CELL.lastIndex;
    const match = CELL.exec(text);
    if (match === null) {
      throw new RangeError(
        `reading a table: unexpected character at ${at}: ${JSON.stringify(text.slice(at, at + 20))}`,
      );
    }
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] !== ",") {
      if (row.length > 1 || row[0] !== "") {
        rows.push(row);
      }
      row = [];
    }
  }
  return rows;
}
