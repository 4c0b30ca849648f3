/** The text as a ClickHouse string literal. */
export function quoteString(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The name as it may stand in a statement; back quotes only where it needs them. */
export function quoteIdentifier(name: string): string {
  return PLAIN.test(name) ? name : `\`${name.replaceAll("\\", "\\\\").replaceAll("`", "\\`")}\``;
}
