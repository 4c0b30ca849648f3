/** A Markdown table in the form that the formatter leaves alone: columns padded to their widest cell. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((row) => row.map(escapeCell));
  const widths = head.map((_title, column) => Math.max(3, ...all.map((row) => widthOf(row[column] ?? ""))));
  const [first = [], ...others] = all;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [lineOf(first, widths), rule, ...others.map((row) => lineOf(row, widths))].join("\n");
}

/** `text` as code, or nothing when it is empty. */
export function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

function lineOf(row: readonly string[], widths: readonly number[]): string {
  return `| ${row.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - widthOf(cell))).join(" | ")} |`;
}

function escapeCell(cell: string): string {
  return cell.replaceAll("|", String.raw`\|`);
}

function widthOf(cell: string): number {
  return Array.from(cell).length;
}
