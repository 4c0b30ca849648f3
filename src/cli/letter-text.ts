import type { HandlingReport, Letter, LetterList, LetterWhole } from "../app/dead-letters/dead-letters-api.ts";
import { adviceFor } from "./letter-advice.ts";
import { printable, shorten } from "./printable.ts";
import { renderTable } from "./table.ts";

const DETAIL_SHOWN_MAX = 60;
const CODE_SHOWN_MAX = 20;
const REFUSED_SHOWN_MAX = 20;
const PLAN_SHOWN_MAX = 50;

/** The newest `shownMax` letters as a table, and what to do about each reason. */
export function describeLetters(list: LetterList, shownMax: number): string {
  const { topic, letters, open, handled, byReason } = list;
  const head = `${topic}: ${open} open, ${handled} done with\n`;
  if (letters.length === 0) {
    return `${head}${open === 0 ? "nothing is set aside\n" : "none of them is what was asked for\n"}`;
  }
  const shown = letters.slice(-shownMax);
  const isMixed = shown.some(({ state }) => state !== "open");
  const left = letters.length + list.omitted - shown.length;
  const table = renderTable(
    ["PLACE", "AT", ...(isMixed ? ["STATE"] : []), "REASON", "CODE", "PATH", "DETAIL"],
    shown.map((letter) => rowOf(letter, isMixed)),
  );
  const reasons = renderTable(
    ["REASON", "COUNT", "WHAT TO DO"],
    Object.entries(byReason).map(([reason, count]) => [printable(reason) || "none", String(count), adviceFor(reason)]),
  );
  const more = left > 0 ? `and ${left} older: --limit shows more, --json all\n` : "";
  return `${head}\n${table}${more}\n${reasons}`;
}

export function describeLetter(letter: LetterWhole): string {
  const { topic, place, state, handledAt, note, isCut, valueBytes, value, stack, headers } = letter;
  const facts: readonly (readonly [string, string])[] = [
    ["place", `${place} of ${topic}`],
    ["state", state === "open" ? state : `${state} at ${handledAt}${note === "" ? "" : `: ${note}`}`],
    ["reason", letter.reason === "" ? "none" : letter.reason],
    ["path", letter.path],
    ["detail", letter.detail],
    ["set aside", `${letter.at}, after ${letter.attempts} ${letter.attempts === 1 ? "attempt" : "attempts"}`],
    ["origin", letter.origin === "" ? "not said" : letter.origin],
    ["redriven", letter.redriven === 0 ? "never" : `${letter.redriven} times before`],
    ["key", letter.key === "" ? "none" : letter.key],
    ["what to do", adviceFor(letter.reason)],
  ];
  const foreign = Object.entries(headers).filter(([name]) => !name.startsWith("x-ginkgo-"));
  const lines = facts.map(([name, text]) => `${name.padEnd(10)}  ${printable(text)}`);
  const size = isCut ? `its beginning only, of ${valueBytes} bytes` : `${valueBytes} bytes`;
  return [
    ...lines,
    ...(foreign.length === 0 ? [] : ["", "headers"]),
    ...foreign.map(([name, text]) => `  ${printable(name)}: ${text === null ? "(none)" : printable(text)}`),
    "",
    value === null ? "no value" : `value (${size})`,
    ...(value === null ? [] : [indent(printable(prettyJson(value), true))]),
    ...(stack === "" ? [] : ["", "stack", indent(printable(stack, true))]),
    "",
  ].join("\n");
}

export function describeRedrive(report: HandlingReport, isDryRun: boolean): string {
  const head = isDryRun
    ? `would redrive ${count(report.chosen)} of ${report.topic}`
    : `redrove ${report.done} of ${count(report.chosen)} of ${report.topic}`;
  const plan = isDryRun
    ? report.plan.slice(0, PLAN_SHOWN_MAX).map(({ place, to }) => `  ${place} to ${printable(to)}`)
    : [];
  const more =
    isDryRun && report.plan.length > PLAN_SHOWN_MAX ? [`  and ${report.plan.length - PLAN_SHOWN_MAX} more`] : [];
  return [head, ...plan, ...more, ...refusedLines(report), ""].join("\n");
}

export function describeDiscard(report: HandlingReport): string {
  return [`discarded ${count(report.done)} of ${report.topic}`, ...refusedLines(report), ""].join("\n");
}

/** JSON laid out with every number as it stands, or the text as it is. */
export function prettyJson(text: string): string {
  try {
    const value: unknown = JSON.parse(text, (_name, value: unknown, context?: { readonly source?: string }) =>
      typeof value === "number" && context?.source !== undefined ? rawJson(context.source) : value,
    );
    return JSON.stringify(value, undefined, 2);
  } catch {
    return text;
  }
}

/** `JSON.rawJSON` is in Node 24 and not yet in the compiler's library. */
function rawJson(source: string): unknown {
  const maker: unknown = Reflect.get(JSON, "rawJSON");
  return typeof maker === "function" ? Reflect.apply(maker, JSON, [source]) : JSON.parse(source);
}

function rowOf(letter: Letter, withState: boolean): readonly string[] {
  const { place, at, state, reason, code, key, path, detail } = letter;
  return [
    place,
    at.slice(0, 19).replace("T", " "),
    ...(withState ? [state] : []),
    printable(reason) || "none",
    printable(shorten(code || key, CODE_SHOWN_MAX)),
    printable(path),
    printable(shorten(detail, DETAIL_SHOWN_MAX)),
  ];
}

function refusedLines({ refused }: HandlingReport): readonly string[] {
  const shown = refused.slice(0, REFUSED_SHOWN_MAX).map(({ place, why }) => `  left ${place}: ${printable(why)}`);
  return refused.length > REFUSED_SHOWN_MAX
    ? [...shown, `  and ${refused.length - REFUSED_SHOWN_MAX} more are left: --json names them`]
    : shown;
}

function count(letters: number): string {
  return `${letters} dead ${letters === 1 ? "letter" : "letters"}`;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}
