/**
 * What the server has to know of a statement before the engine sees it: whether data follows it, in which format,
 * and that it is one statement only. The text is never changed but to name the file that holds the data.
 */
export interface Statement {
  /** True for `INSERT … FORMAT X`, whose data are the bytes after it. */
  readonly isDataInsert: boolean;
  readonly isInsert: boolean;
  /** The format named in the text, if any. */
  readonly format: string | undefined;
  /** Where the statement ends and, in a data insert, the data begin; in characters of the scanned text. */
  readonly end: number;
  /** Where `FROM INFILE` has to stand in a data insert: before its SETTINGS and FORMAT. */
  readonly infileAt: number;
  /** Where a second statement begins, if there is one. */
  readonly secondAt: number | undefined;
}

export interface Word {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/**
 * Scans the text of a statement. To keep positions in bytes, hand over bytes read as latin1: everything looked for
 * here is ASCII.
 */
export function scanStatement(text: string): Statement {
  let first: string | undefined;
  let infileAt: number | undefined;
  let isAfterFormat = false;
  let isQueryInsert = false;
  let format: string | undefined;
  let semicolonAt: number | undefined;
  let secondAt: number | undefined;
  for (const word of topLevelWords(text)) {
    const upper = word.text.toUpperCase();
    if (semicolonAt !== undefined) {
      secondAt ??= upper === ";" ? undefined : word.from;
      continue;
    }
    first ??= upper;
    const isInsert = first === "INSERT";
    if (upper === ";") {
      semicolonAt = word.from;
    } else if (isAfterFormat) {
      format = word.text;
      isAfterFormat = false;
      if (isInsert && !isQueryInsert) {
        const end = startOfData(text, word.to);
        return { isDataInsert: true, isInsert, format, end, infileAt: infileAt ?? word.from, secondAt: undefined };
      }
    } else if (upper === "FORMAT") {
      isAfterFormat = true;
      infileAt ??= word.from;
    } else if (upper === "SETTINGS") {
      infileAt ??= word.from;
    } else if (upper === "SELECT" || upper === "VALUES" || upper === "WITH") {
      isQueryInsert = true;
    }
  }
  return {
    isDataInsert: false,
    isInsert: first === "INSERT",
    format,
    end: text.length,
    infileAt: text.length,
    secondAt,
  };
}

/** The statement with the file that holds its data named in it. */
export function withInfile(text: string, statement: Statement, file: string): string {
  return `${text.slice(0, statement.infileAt)} FROM INFILE '${file}' ${text.slice(statement.infileAt, statement.end)}`;
}

/** Data begin after the first line feed behind the format's name, or after the blanks when there is none. */
function startOfData(text: string, from: number): number {
  const blanks = /[ \t\f]*\r?\n?/y;
  blanks.lastIndex = from;
  return from + (blanks.exec(text)?.[0].length ?? 0);
}

/** The words outside brackets, quotes and comments, and the semicolons there. */
export function* topLevelWords(text: string): Generator<Word> {
  const token =
    /--[^\n]*|#[ !][^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|`(?:[^`\\]|\\[\s\S]|``)*`|[A-Za-z_]\w*|[()[\]{};]|\d\w*|\s+|[\s\S]/y;
  let depth = 0;
  let match = token.exec(text);
  while (match !== null) {
    const [text] = match;
    if (/^[([{]$/.test(text)) {
      depth += 1;
    } else if (/^[)\]}]$/.test(text)) {
      depth -= 1;
    } else if (depth === 0 && (text === ";" || /^[A-Za-z_]/.test(text))) {
      yield { text, from: match.index, to: match.index + text.length };
    }
    match = token.exec(match.input);
  }
}
