import type { CodeCoverage, CoverageReport, CoverageSpan, CoverageState } from "../app/app-api.ts";
import { MARKETS } from "../domain/market.ts";
import { renderTable } from "./table.ts";

/** So many codes get a line each; of more only the worst are shown. */
export const CODES_SHOWN_MAX = 20;
const SPANS_SHOWN_MAX = 60;
const CODES_OF_STATE_SHOWN_MAX = 20;

/** In this order, and with these words at the head of a column. */
const STATES: readonly (readonly [state: CoverageState, word: string])[] = [
  ["present", "present"],
  ["no-trade", "no-trade"],
  ["suspended", "suspended"],
  ["pending", "pending"],
  ["unexplained-empty", "unexplained"],
  ["failed", "failed"],
  ["row-missing", "row-missing"],
  ["not-asked", "not-asked"],
];
const WORDS: ReadonlyMap<CoverageState, string> = new Map(STATES);
/** What somebody should look at. */
const OPEN: ReadonlySet<CoverageState> = new Set([
  "pending",
  "unexplained-empty",
  "failed",
  "row-missing",
  "not-asked",
]);

/** Coverage for people: a sum by state, the codes, and everything that is not fine with its reason. */
export function describeCoverage(report: CoverageReport): string {
  const { range, codes, expected } = report;
  const what = nameData(report);
  if (range === undefined) {
    return `nobody ever asked for ${what} here; ask with gdw request${requestFlags(report)} --codes CODE --wait, or name a range\n`;
  }
  const days = range.from === range.to ? `on ${range.from}` : `from ${range.from} to ${range.to}`;
  const head = `${what} ${days}${range.isNamed ? "" : " (what was asked for)"}: ${plural(codes.length, "security", "securities")}, ${plural(expected, "expected day", "expected days")}\n`;
  if (expected === 0) {
    return `${head}no trading day lies there on which one of them was listed: nothing is expected\n`;
  }
  const isFew = codes.length <= CODES_SHOWN_MAX;
  const shown = isFew ? codes : worst(codes);
  const isOneDay = range.from === range.to;
  const spans = shown.flatMap((one) => one.spans).filter(({ state }) => isFew || OPEN.has(state));
  return [
    head,
    sums(report, isOneDay),
    isOneDay || shown.length === 0 ? "" : `\n${isFew ? "" : "the worst of them:\n"}${codeTable(shown)}`,
    spans.length === 0 ? "" : `\n${spanTable(spans)}`,
  ].join("");
}

/** Where the trading days are from, where that is no calendar, and what of other markets was left out. */
function marketRemarks({ market, tradingDays, otherMarkets }: CoverageReport): readonly string[] {
  const days =
    tradingDays === undefined
      ? []
      : tradingDays.knownTo === undefined
        ? [
            `no trading day of ${MARKETS[market].title} is known yet: the first request for one of its codes brings them`,
          ]
        : [`trading days are the ${tradingDays.source}, known to ${tradingDays.knownTo}: no calendar is published`];
  const others = otherMarkets.map(
    (other) =>
      `${plural(other.codes, "security", "securities")} of ${MARKETS[other.market].title} left out: gdw coverage --of ${other.market}`,
  );
  return [...days, ...others];
}

/** What a reader should know besides, one line each, with what to do. */
export function coverageRemarks(report: CoverageReport): readonly string[] {
  const { freshness, neverAsked, unknownCodes, codesNotCompared, rowsUnknown, counts, warning } = report;
  const lines: string[] = [...cutRemark(report.range), ...marketRemarks(report)];
  if (freshness?.endedSince === undefined && freshness !== undefined) {
    // Of other markets a request for any of their codes brings the days.
    const calendar = report.market === "CN" ? "gdw request --kind calendar" : "the next request brings it up to date";
    lines.push(`asked for up to ${freshness.askedTo}; the trading calendar ends before today: ${calendar}`);
  } else if (freshness !== undefined && freshness.endedSince !== undefined && freshness.endedSince > 0) {
    const days = plural(freshness.endedSince, "trading day has", "trading days have");
    lines.push(
      `asked for up to ${freshness.askedTo}; ${days} ended since: gdw request${requestFlags(report)} --all --wait brings them`,
    );
  }
  if (neverAsked > 0) {
    lines.push(
      `${plural(neverAsked, "listed security was", "listed securities were")} never asked for and not looked at: gdw coverage${readFlags(report)} --market`,
    );
  }
  for (const code of unknownCodes) {
    lines.push(
      `${code} is neither in the stock list nor in the ledger: check it, or refresh the list with gdw request --kind stock-list`,
    );
  }
  lines.push(...goneRemark(report.goneCodes));
  if (counts["row-missing"] > 0) {
    lines.push(
      `${plural(counts["row-missing"], "day is", "days are")} present in the ledger and without a row: gdw verify reopens them, then gdw gaps${readFlags(report)} --request`,
    );
  }
  if (codesNotCompared > 0) {
    lines.push(
      `${plural(codesNotCompared, "security has", "securities have")} rows of other days than the ledger says: gdw verify compares all of them`,
    );
  }
  if (rowsUnknown > 0) {
    lines.push(
      `${plural(rowsUnknown, "day has", "days have")} a row that the ledger does not call present: gdw verify names them`,
    );
  }
  if (report.overdue !== undefined) {
    const { days, since } = report.overdue;
    lines.push(
      `${plural(days, "day has", "days have")} been pending since ${since} and nobody asked again: gdw gaps${readFlags(report)} --request`,
    );
  }
  if (counts["unexplained-empty"] + counts.failed > 0) {
    lines.push(`days that are unexplained or failed are asked for again by gdw gaps${readFlags(report)} --request`);
  }
  if (warning !== undefined) {
    lines.push(`${warning.level}: ${warning.text}`);
  }
  return lines;
}

/** What the days are days of: `bars`, `5m bars`, `ticks`. */
export function nameData({ dataSet, frequency }: DataOf): string {
  return dataSet === "bars" && frequency !== "1d" ? `${frequency} bars` : dataSet;
}

type DataOf = Pick<CoverageReport, "dataSet" | "frequency">;

/** The flags with which `gdw request` asks for the same. */
export function requestFlags({ dataSet, frequency }: DataOf): string {
  return dataSet === "bars" ? frequencyFlag(frequency) : ` --kind ${DATA_WORDS[dataSet]}`;
}

/** The flags with which `gdw coverage` and `gdw gaps` look at the same. */
function readFlags({ dataSet, frequency }: DataOf): string {
  return dataSet === "bars" ? frequencyFlag(frequency) : ` --data-set ${DATA_WORDS[dataSet]}`;
}

function frequencyFlag(frequency: CoverageReport["frequency"]): string {
  return frequency === "1d" ? "" : ` --frequency ${frequency}`;
}

const DATA_WORDS = { bars: "bars", "adjustment-factors": "factors", ticks: "ticks" } as const;

export function cutRemark(range: CoverageReport["range"]): readonly string[] {
  return range?.namedTo === undefined
    ? []
    : [
        `the trading calendar ends on ${range.to}: the days from there to ${range.namedTo} were not looked at; gdw request --kind calendar --wait brings it up to date`,
      ];
}

export function goneRemark(goneCodes: number): readonly string[] {
  return goneCodes === 0
    ? []
    : [
        `${plural(goneCodes, "code is", "codes are")} gone from the lists and cannot be asked: days without a row are not expected`,
      ];
}

export function spanTable(spans: readonly CoverageSpan[]): string {
  const rows = spans
    .slice(0, SPANS_SHOWN_MAX)
    .map(({ code, state, from, to, days, reason, callId }) => [
      code,
      WORDS.get(state) ?? state,
      from,
      to,
      String(days),
      callId === "" ? reason : `${reason} (call ${callId})`,
    ]);
  const more = spans.length - rows.length;
  const rest = more > 0 ? `and ${more} more, --json has all\n` : "";
  return `${renderTable(["CODE", "STATE", "FROM", "TO", "DAYS", "REASON"], rows, new Set(["DAYS"]))}${rest}`;
}

function sums({ counts, expected, codes }: CoverageReport, namesCodes: boolean): string {
  const rows = STATES.filter(([state]) => counts[state] > 0).map(([state, word]) => {
    const having = codes.filter((one) => one.counts[state] > 0);
    return [
      word,
      String(counts[state]),
      percent(counts[state], expected),
      namesCodes && state !== "present" ? nameCodes(having) : String(having.length),
    ];
  });
  const right = namesCodes ? ["DAYS", "SHARE"] : ["DAYS", "SHARE", "SECURITIES"];
  return renderTable(["STATE", "DAYS", "SHARE", "SECURITIES"], rows, new Set(right));
}

function nameCodes(codes: readonly CodeCoverage[]): string {
  const shown = codes.slice(0, CODES_OF_STATE_SHOWN_MAX).map(({ code }) => code);
  const more = codes.length - shown.length;
  return more > 0 ? `${shown.join(" ")} and ${more} more` : shown.join(" ");
}

function codeTable(codes: readonly CodeCoverage[]): string {
  const states = STATES.filter(([state]) => state === "present" || codes.some(({ counts }) => counts[state] > 0));
  const head = ["CODE", "NAME", "EXPECTED", ...states.map(([, word]) => word.toUpperCase())];
  const rows = codes.map(({ code, name, expected, counts }) => [
    code,
    name,
    String(expected),
    ...states.map(([state]) => String(counts[state])),
  ]);
  return renderTable(head, rows, new Set(head.slice(2)));
}

/** Those with the most days that somebody should look at; none when all is fine. */
function worst(codes: readonly CodeCoverage[]): readonly CodeCoverage[] {
  return codes
    .map((one) => ({ one, open: badDays(one) }))
    .filter(({ open }) => open > 0)
    .toSorted((left, right) => right.open - left.open)
    .slice(0, CODES_SHOWN_MAX)
    .map(({ one }) => one);
}

/** A day that nobody asked for weighs less than one that was asked for and did not come. */
function badDays({ counts }: CodeCoverage): number {
  const lost = counts["unexplained-empty"] + counts.failed + counts["row-missing"];
  return lost * 1_000_000 + counts["not-asked"];
}

/** All of it is only said of all. */
function percent(part: number, whole: number): string {
  const text = ((part / whole) * 100).toFixed(1);
  return part < whole && text === "100.0" ? "99.9 %" : `${text} %`;
}

function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
