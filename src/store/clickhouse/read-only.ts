import { DataError } from "../../base/errors.ts";
import { topLevelWords, type Word } from "./serve/statement.ts";

/** Statements that read and do nothing else. */
const READS: ReadonlySet<string> = new Set(["SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS"]);

/**
 * One statement that only reads, ready for a format to follow. The engine is told as well where the statement can carry
 * it: with `readonly = 1` it refuses to write, and to read files and addresses. DataError for anything else.
 */
export function toReadOnly(statement: string): string {
  const words = [...topLevelWords(statement)];
  const end = words.findIndex(({ text }) => text === ";");
  if (end !== -1 && words.slice(end).some(({ text }) => text !== ";")) {
    throw new DataError("expected one statement, got several: a semicolon may only stand at the end");
  }
  const own = end === -1 ? words : words.slice(0, end);
  const text = (end === -1 ? statement : statement.slice(0, words[end]?.from)).trimEnd();
  const upper = own.map((word) => word.text.toUpperCase());
  const [first] = upper;
  if (first === undefined) {
    throw new DataError(`expected a statement that begins with ${[...READS].join(", ")}, got ${excerpt(statement)}`);
  }
  if (!READS.has(first) || upper.includes("INSERT")) {
    throw new DataError(
      `the statement ${excerpt(statement)} is not one that only reads (${[...READS].join(", ")}); nothing was done`,
    );
  }
  refuseOutput(upper);
  return first === "SELECT" || first === "WITH" ? withReadonly(text, own) : text;
}

function refuseOutput(upper: readonly string[]): void {
  if (upper.some((word, at) => word === "INTO" && upper[at + 1] === "OUTFILE")) {
    throw new DataError("INTO OUTFILE would write where the engine runs: leave it out and take --output");
  }
  const at = upper.lastIndexOf("FORMAT");
  if (at !== -1 && (at === upper.length - 2 || upper[at + 2] === "SETTINGS") && upper[at - 1] !== "AS") {
    throw new DataError("FORMAT in the statement: leave it out and take --format");
  }
}

function withReadonly(text: string, words: readonly Word[]): string {
  const clause = words.findLast(
    (word) => word.text.toUpperCase() === "SETTINGS" && /^\s*\w+\s*=/.test(text.slice(word.to)),
  );
  if (clause === undefined) {
    return `${text}\nSETTINGS readonly = 1`;
  }
  if (/\breadonly\b/i.test(text.slice(clause.to))) {
    throw new DataError("SETTINGS readonly is set for every statement here: leave it out");
  }
  return `${text}\n, readonly = 1`;
}

function excerpt(statement: string): string {
  return JSON.stringify(statement.replaceAll(/\s+/g, " ").trim().slice(0, 60));
}
