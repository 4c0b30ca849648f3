import { cpus, loadavg } from "node:os";

/** The value that `share` of all lie at or below; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export function round(value: number, digits = 0): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

/** A JSON line on standard output, with what it was measured on. */
export function printLine(line: object): void {
  const about = {
    ...line,
    load: round(loadavg()[0] ?? 0, 1),
    node: process.version,
    cpu: `${cpus()[0]?.model ?? "unknown"} × ${cpus().length}`,
  };
  process.stdout.write(`${JSON.stringify(about)}\n`);
}

/** A whole number in digits, from `min` on; RangeError on anything else. */
export function parseCount(text: string, flag: string, min = 1): number {
  const value = Number.parseInt(text, 10);
  if (!/^\d{1,9}$/.test(text) || value < min) {
    throw new RangeError(`${flag} takes whole numbers from ${min} on, got ${JSON.stringify(text)}`);
  }
  return value;
}
