import type {
  CellCounts,
  CellName,
  CodeReconciled,
  Finding,
  MissingDays,
  ReconcileProgress,
  ReconcileReport,
  Said,
} from "../app/reconcile-api.ts";
import { countOf } from "./count-of.ts";
import { nameData, requestFlags } from "./describe-coverage.ts";
import { describeSeconds } from "./progress-line.ts";
import { renderTable } from "./table.ts";

/** So many codes get a line; of more only the worst. */
const CODES_SHOWN_MAX = 20;
/** A command names so many codes. */
const CODES_NAMED_MAX = 50;

/** Such as `compared 1,250/5,500 securities, 31 differences, 12 s left`. */
export function describeReconcileProgress(progress: ReconcileProgress, elapsedMs: number): string {
  const { codes, codesDone, findings } = progress;
  const left = codesDone === 0 ? 0 : (elapsedMs / 1000 / codesDone) * (codes - codesDone);
  return [
    `compared ${number(codesDone)}/${number(codes)} securities`,
    `${number(findings)} ${findings === 1 ? "difference" : "differences"}`,
    ...(left > 0 ? [`${describeSeconds(left)} left`] : []),
  ].join(", ");
}

export function describeReconciled(report: ReconcileReport): string {
  const { codes, common, findings, listed } = report;
  const more = findings - listed.length;
  return [
    `${nameRows(report)} of ${report.providers.join(" and ")}${describeRange(report)}: ${countOf(codes.length, "security", "securities")}, ${number(common)} of both, ${countOf(findings, "difference")}\n`,
    common === 0 ? "" : cellTable(report.cells),
    codes.length === 0 ? "" : `\n${codeTable(report)}`,
    listed.length === 0 ? "" : `\n${findingTable(listed)}`,
    more > 0 && listed.length > 0 ? `and ${number(more)} more; --limit lists more, --json has all\n` : "",
  ].join("");
}

/** What keeps the two from being compared in full, and the command that brings it. */
export function reconcileRemarks(report: ReconcileReport): readonly string[] {
  const none =
    report.withoutRows.length === 0
      ? []
      : [`neither has ${nameRows(report)} of ${nameCodes(report.withoutRows)}${describeRange(report)}`];
  return [...none, ...report.missing.flatMap((missing) => missingRemarks(report, missing))];
}

function missingRemarks(report: ReconcileReport, missing: MissingDays): readonly string[] {
  const { provider, isEmpty, codes, unserved, days } = missing;
  const what = nameRows(report);
  const lines: string[] = [];
  if (unserved.length > 0) {
    lines.push(`${provider} has no ${what} of ${nameCodes(unserved)}: they cannot be compared with it`);
  }
  if (codes.length > 0) {
    const lacks = isEmpty
      ? `no ${what} of ${provider} are stored${describeRange(report)}`
      : `${provider} lacks ${what} of ${countOf(codes.length, "security", "securities")}${days > 0 ? `, ${countOf(days, "day")}` : ""}`;
    lines.push(`${lacks}: ${requestCommand(report, missing)}`);
  }
  return lines;
}

/** Its own rows are asked for although the ledger calls the days present: another provider brought them. */
function requestCommand(report: ReconcileReport, { provider, codes, from, to }: MissingDays): string {
  const some = codes.slice(0, CODES_NAMED_MAX);
  const rest = codes.length - some.length;
  return [
    `gdw request --provider ${provider} --codes ${some.join(",")}${requestFlags(report)}`,
    ...(from === undefined ? [] : [`--start ${from}`]),
    ...(to === undefined ? [] : [`--end ${to}`]),
    `--force --wait${rest > 0 ? ` (and ${number(rest)} more securities, which --json names)` : ""}`,
  ].join(" ");
}

const WORDS: readonly (readonly [keyof CellCounts, string])[] = [
  ["equal", "EQUAL"],
  ["rounded", "AFTER ROUNDING"],
  ["different", "DIFFERENT"],
  ["not-given", "NOT GIVEN"],
];

function cellTable(cells: ReconcileReport["cells"]): string {
  const head = ["COLUMN", ...WORDS.map(([, word]) => word)];
  const rows = Object.entries(cells).map(([name, counts]) => [
    name,
    ...WORDS.map(([verdict]) => number(counts[verdict])),
  ]);
  return renderTable(head, rows, new Set(head.slice(1)));
}

function codeTable({ codes, providers }: ReconcileReport): string {
  const bad = codes.filter(({ findings }) => findings > 0);
  const isFew = codes.length <= CODES_SHOWN_MAX;
  const shown = isFew ? codes : bad.slice(0, CODES_SHOWN_MAX);
  const hasBars = shown.some(({ loneBars }) => loneBars[0] + loneBars[1] > 0);
  const sides = [0, 1] as const;
  const columns: readonly (readonly [string, (one: CodeReconciled) => number])[] = [
    ["ROWS OF BOTH", ({ common }) => common],
    ["CELLS AFTER ROUNDING", ({ cells }) => sumOf(cells, "rounded")],
    ["DIFFERENT", ({ different }) => different],
    ...sides.map(
      (side) => [`DAYS OF ${providers[side]} ONLY`, ({ loneDays }: CodeReconciled) => loneDays[side]] as const,
    ),
    ...(hasBars
      ? sides.map(
          (side) => [`BARS OF ${providers[side]} ONLY`, ({ loneBars }: CodeReconciled) => loneBars[side]] as const,
        )
      : []),
  ];
  const head = ["CODE", ...columns.map(([word]) => word)];
  const rows = shown.map((one) => [one.code, ...columns.map(([, count]) => number(count(one)))]);
  if (rows.length === 0) {
    return `none of the ${number(codes.length)} securities differs\n`;
  }
  const title = isFew ? "" : `the worst of the ${number(bad.length)} that differ:\n`;
  return `${title}${renderTable(head, rows, new Set(head.slice(1)))}`;
}

function sumOf(cells: Readonly<Partial<Record<CellName, CellCounts>>>, verdict: keyof CellCounts): number {
  return Object.values(cells).reduce((sum, counts) => sum + counts[verdict], 0);
}

/** Two lines for a cell, one for what only one side has. */
function findingTable(findings: readonly Finding[]): string {
  const head = [
    "CODE",
    "WHEN",
    "COLUMN",
    "PROVIDER",
    "VALUE",
    "FETCHED (UTC)",
    "CALL",
    "REQUEST",
    "ROUNDED, OR MISSING",
  ];
  const rows = findings.flatMap((finding) => {
    const { code, day } = finding;
    switch (finding.kind) {
      case "cell": {
        const [left, right] = finding.said;
        return [
          [code, finding.time || day, finding.cell, ...saidCells(left), left.rounding],
          ["", "", "", ...saidCells(right), right.rounding],
        ];
      }
      case "bar":
        return [[code, finding.time, "", ...saidCells(finding.said), `no such bar of ${finding.missing}`]];
      case "days": {
        const span = finding.to === day ? day : `${day} to ${finding.to}`;
        const remark = `${countOf(finding.days, "day")}, none of ${finding.missing}; ledger: ${finding.ledger}`;
        return [[code, span, "", finding.only, "", "", "", "", remark]];
      }
    }
  });
  return renderTable(head, rows, new Set(["VALUE"]));
}

function saidCells({ provider, value, ratio, fetchedAt, callId, requestId }: Said): readonly string[] {
  const fetched = fetchedAt === "" ? "older table" : fetchedAt;
  return [provider, ratio === undefined ? value : `${value} (${ratio})`, fetched, callId, requestId];
}

function nameRows(report: ReconcileReport): string {
  return report.dataSet === "bars" && report.frequency === "1d" ? "daily bars" : nameData(report).replace("-", " ");
}

function describeRange({ from, to }: Pick<ReconcileReport, "from" | "to">): string {
  if (from !== undefined && from === to) {
    return ` on ${from}`;
  }
  return `${from === undefined ? "" : ` from ${from}`}${to === undefined ? "" : ` to ${to}`}`;
}

function nameCodes(codes: readonly string[]): string {
  const more = codes.length - CODES_SHOWN_MAX;
  return `${codes.slice(0, CODES_SHOWN_MAX).join(", ")}${more > 0 ? ` and ${number(more)} more` : ""}`;
}

function number(value: number): string {
  return value.toLocaleString("en");
}
