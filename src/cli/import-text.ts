import {
  FILE_REFUSALS,
  type ImportedFile,
  type ImportPlan,
  type ImportProgress,
  type ImportReport,
  type PlannedFile,
} from "../app/import/import-api.ts";
import { countOf } from "./count-of.ts";
import { printable } from "./printable.ts";
import { describeSeconds } from "./progress-line.ts";
import { renderTable } from "./table.ts";

/** Lines of one sort; the rest is counted, and --json has it. */
const LINES_MAX = 20;

/** Such as `storing 12/40 files, 60,000/200,000 records, 52,000/s, 3 s left`. */
export function describeImportProgress(progress: ImportProgress, elapsedMs: number): string {
  const { phase, files, filesDone, records, recordsDone } = progress;
  const parts = [`${phase} ${filesDone}/${files} files`];
  if (phase === "storing") {
    parts.push(`${number(recordsDone)}/${number(records)} records`);
    const perSecond = elapsedMs > 0 ? recordsDone / (elapsedMs / 1000) : 0;
    if (perSecond > 0) {
      parts.push(`${number(Math.round(perSecond))}/s`);
      parts.push(...(recordsDone < records ? [`${describeSeconds((records - recordsDone) / perSecond)} left`] : []));
    }
  }
  return parts.join(", ");
}

export function describePlan(plan: ImportPlan): string {
  const { files } = plan;
  const head = `${countOf(files.length, "file")} would be imported; nothing was stored\n`;
  const rows = [...byFrequency(files)].map(([frequency, those]) => [
    frequency,
    number(those.length),
    number(sum(those, ({ rows }) => rows)),
    number(sum(those, ({ days }) => days)),
    ...rangeOf(those),
    kindsOf(those),
  ]);
  const table =
    rows.length === 0 ? "" : renderTable(["FREQUENCY", "FILES", "ROWS", "DAYS", "FROM", "TO", "KINDS"], rows, NUMBERS);
  return head + table + remarksOf(plan, files);
}

export function describeImport(report: ImportReport): string {
  const { files, requestId } = report;
  const words = (["new", "same", "revised"] as const)
    .map((word) => `${word} ${files.filter(({ outcome }) => outcome === word).length}`)
    .join(", ");
  const head = `import ${requestId}: ${countOf(files.length, "file")} (${words})\n`;
  const rows = [...byFrequency(files)].map(([frequency, those]) => [
    frequency,
    number(those.length),
    ...(["new", "same", "revised", "rejected"] as const).map((word) => number(sum(those, ({ tally }) => tally[word]))),
    number(sum(those, ({ daysLearned }) => daysLearned)),
    ...rangeOf(those),
  ]);
  const titles = ["FREQUENCY", "FILES", "NEW", "SAME", "REVISED", "REJECTED", "DAYS LEARNED", "FROM", "TO"];
  const table = rows.length === 0 ? "" : renderTable(titles, rows, NUMBERS);
  const flagged = flagsOf(files);
  const inPart = sum(files, ({ daysInPart }) => daysInPart);
  return [
    head,
    table,
    ...lines(
      "not all rows of a file could be stored; the reasons are in quarantine_row",
      files
        .filter(({ tally }) => tally.rejected > 0)
        .map(({ path, tally }) => `${path}: ${countOf(tally.rejected, "row")} rejected`),
    ),
    ...lines(
      "changed what was stored",
      files
        .filter(({ outcome }) => outcome === "revised")
        .map(({ path, tally }) => `${path}: ${countOf(tally.revised, "row")}`),
    ),
    ...(flagged === "" ? [] : [`flagged: ${flagged}\n`]),
    ...(inPart === 0
      ? []
      : [`days of minutes with fewer bars than a day has: ${number(inPart)}; stored, and not called present\n`]),
    remarksOf(report, files),
  ].join("");
}

const NUMBERS: ReadonlySet<string> = new Set([
  "FILES",
  "ROWS",
  "DAYS",
  "NEW",
  "SAME",
  "REVISED",
  "REJECTED",
  "DAYS LEARNED",
]);

function remarksOf(plan: Omit<ImportPlan, "files">, files: readonly PlannedFile[]): string {
  const { refused, repeated, others, otherCodes, codesWithoutFile } = plan;
  const unfinished = files.filter((file) => file.unfinished !== undefined);
  const undated = files.filter((file) => file.undated > 0);
  const beside = Object.entries(others).map(
    ([ending, count]) =>
      `${count} ${ending === "#" ? "of other markets" : ending === "" ? "without an ending" : `.${ending}`}`,
  );
  return [
    ...lines(
      "refused",
      refused.map(
        ({ path, reason, detail }) => `${path}: ${FILE_REFUSALS[reason]}${detail === "" ? "" : ` (${detail})`}`,
      ),
    ),
    ...lines(
      "the last day is left out, since it was not over when the file was written, or is not over now",
      unfinished.map(({ path, unfinished: day }) => `${path}: ${day}`),
    ),
    ...lines(
      "records without a day, or of a day to come",
      undated.map(({ path, undated: count }) => `${path}: ${count}`),
    ),
    ...lines("the same as another file of its security, read once", repeated),
    ...lines("no file", codesWithoutFile),
    ...(otherCodes === 0 ? [] : [`${countOf(otherCodes, "file")} of other securities left out\n`]),
    ...(beside.length === 0 ? [] : [`other files in the folders: ${printable(beside.join(", "))}\n`]),
  ].join("");
}

function lines(title: string, all: readonly string[]): readonly string[] {
  if (all.length === 0) {
    return [];
  }
  const shown = all.slice(0, LINES_MAX).map((line) => `  ${printable(line)}\n`);
  const hidden = all.length - shown.length;
  return [`${title}:\n`, ...shown, ...(hidden > 0 ? [`  and ${hidden} more (--json has all)\n`] : [])];
}

const ORDER: readonly PlannedFile["frequency"][] = ["1d", "5m", "1m"];

function byFrequency<File extends PlannedFile>(
  files: readonly File[],
): readonly (readonly [string, readonly File[]])[] {
  return ORDER.flatMap((frequency) => {
    const those = files.filter((file) => file.frequency === frequency);
    return those.length === 0 ? [] : [[frequency, those] as const];
  });
}

function rangeOf(files: readonly PlannedFile[]): readonly [string, string] {
  const from = files.flatMap((file) => file.from ?? []).toSorted()[0];
  const to = files
    .flatMap((file) => file.to ?? [])
    .toSorted()
    .at(-1);
  return [from ?? "", to ?? ""];
}

function kindsOf(files: readonly PlannedFile[]): string {
  const counts = Map.groupBy(files, ({ kind }) => kind);
  return [...counts].map(([kind, those]) => `${kind} ${those.length}`).join(", ");
}

function flagsOf(files: readonly ImportedFile[]): string {
  const counts = new Map<string, number>();
  for (const [name, count] of files.flatMap(({ flagged }) => Object.entries(flagged))) {
    counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return [...counts].map(([name, count]) => `${name} ${number(count)}`).join(", ");
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}
