import { DataError } from "../base/errors.ts";
import { parseDay, type Day } from "../domain/day.ts";
import { UsageError } from "./usage-error.ts";

/** The value of a flag; a DataError of its parser becomes a UsageError that names the flag. */
export function fromFlag<Value>(flag: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    throw error instanceof DataError ? new UsageError(`${flag}: ${error.message}`) : error;
  }
}

export function readDay(flag: string, text: string | undefined): Day | undefined {
  return text === undefined ? undefined : fromFlag(flag, () => parseDay(text));
}

/** `--from` and `--to`, both inclusive and either open. */
export function readFromTo(options: { readonly from?: string; readonly to?: string }): {
  readonly from: Day | undefined;
  readonly to: Day | undefined;
} {
  const from = readDay("--from", options.from);
  const to = readDay("--to", options.to);
  if (from !== undefined && to !== undefined && from > to) {
    throw new UsageError(`--from ${from} lies after --to ${to}`);
  }
  return { from, to };
}
