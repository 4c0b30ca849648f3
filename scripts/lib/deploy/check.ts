/** One thing that was looked at, and what is wrong with it: nothing when all is well. */
export interface Check {
  readonly what: string;
  readonly problems: readonly string[];
}

export function check(what: string, problems: readonly (string | undefined)[]): Check {
  return { what, problems: problems.filter((problem) => problem !== undefined) };
}

/** The sentence when it is not so. */
export function unless(isSo: boolean, problem: string): string | undefined {
  return isSo ? undefined : problem;
}

/** Says what differs; both sides as they stand in JSON. */
export function differs(name: string, is: unknown, wanted: unknown): string | undefined {
  const [left, right] = [JSON.stringify(is), JSON.stringify(wanted)];
  return unless(left === right, `${name} is ${left ?? "missing"}, expected ${right}`);
}

/** `30s`, `1m`, `500ms` in milliseconds; NaN for anything else. */
export function durationMs(text: string | undefined): number {
  const [, digits = "", unit = ""] = /^(\d+)(ms|s|m|h)$/.exec(text ?? "") ?? [];
  const factors: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  return Number.parseInt(digits, 10) * (factors[unit] ?? Number.NaN);
}

/** `512M`, `512Mi`, `1g` in mebibytes; NaN for anything else. Compose counts in 1,024s whatever the letter. */
export function mebibytes(text: string | undefined): number {
  const [, digits = "", unit = ""] = /^(\d+)([kmg])i?b?$/i.exec(text ?? "") ?? [];
  const factors: Readonly<Record<string, number>> = { k: 1 / 1_024, m: 1, g: 1_024 };
  return Number.parseInt(digits, 10) * (factors[unit.toLowerCase()] ?? Number.NaN);
}
