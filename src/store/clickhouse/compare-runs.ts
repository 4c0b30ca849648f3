import { quoteString } from "./quote.ts";
import { CONDITION_LENGTH_MAX } from "./compare-read.ts";

/** A row by the parts of its primary key. `group` is what is equal for all rows of a run besides the code. */
export interface KeyedRow {
  readonly code: string;
  readonly group: string;
  readonly seconds: number;
}

/**
 * WHERE clauses that cover the rows and little else: each code's rows are cut into runs where more than `gapSeconds` lie
 * between two, and codes with an equal run share a clause. What is read too much is thus bounded by what fits into the gaps,
 * also when one batch has the whole history of one code and one day of 5,000 others. `toSql` gets the quoted list of codes.
 */
export function coverRuns(
  rows: readonly KeyedRow[],
  gapSeconds: number,
  toSql: (codes: string, group: string, from: number, to: number) => string,
): readonly string[] {
  const codesByRun = new Map<string, { readonly run: Run; readonly codes: string[] }>();
  for (const { code, run } of findRuns(rows, gapSeconds)) {
    const key = `${run.group} ${run.from} ${run.to}`;
    const found = codesByRun.get(key);
    if (found === undefined) {
      codesByRun.set(key, { run, codes: [code] });
    } else {
      found.codes.push(code);
    }
  }
  return [...codesByRun.values()].flatMap(({ run, codes }) =>
    quoteLists(codes).map((list) => toSql(list, run.group, run.from, run.to)),
  );
}

/** Comma-separated string literals, as many lists as the bound on a clause asks for. */
export function quoteLists(texts: Iterable<string>): readonly string[] {
  const lists: string[] = [];
  let current = "";
  for (const text of new Set(texts)) {
    const quoted = quoteString(text);
    if (current !== "" && current.length + quoted.length > CONDITION_LENGTH_MAX / 2) {
      lists.push(current);
      current = "";
    }
    current += `${current === "" ? "" : ", "}${quoted}`;
  }
  return current === "" ? lists : [...lists, current];
}

interface Run {
  readonly group: string;
  from: number;
  to: number;
}

function* findRuns(
  rows: readonly KeyedRow[],
  gapSeconds: number,
): Generator<{ readonly code: string; readonly run: Run }> {
  const perCode = new Map<string, KeyedRow[]>();
  for (const row of rows) {
    // What is no time is in no table, and the encoder refuses it.
    if (!(row.seconds >= 0 && row.seconds < Infinity)) {
      continue;
    }
    const key = `${row.group} ${row.code}`;
    const found = perCode.get(key);
    if (found === undefined) {
      perCode.set(key, [row]);
    } else {
      found.push(row);
    }
  }
  for (const ofCode of perCode.values()) {
    let run: Run | undefined;
    let code = "";
    for (const row of ofCode.toSorted((left, right) => left.seconds - right.seconds)) {
      if (run !== undefined && row.seconds - run.to <= gapSeconds) {
        run.to = row.seconds;
      } else {
        if (run !== undefined) {
          yield { code, run };
        }
        run = { group: row.group, from: row.seconds, to: row.seconds };
        code = row.code;
      }
    }
    if (run !== undefined) {
      yield { code, run };
    }
  }
}
