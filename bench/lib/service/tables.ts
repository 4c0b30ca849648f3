import { quantile } from "../worker/figures.ts";
import type { DrainLine } from "./drain.ts";
import type { ReadableLine } from "./readable.ts";
import type { StartLine } from "./start.ts";

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

type Line = StartLine | DrainLine | ReadableLine;

/** Of the goals of the design, in milliseconds. */
const GOALS = { start: "2,000", drain: "5,000", readable: "250 (p99)" } as const;

export function renderServiceTables(lines: readonly Line[]): readonly Table[] {
  const starts = lines.filter((line): line is StartLine => line.part === "start");
  const drains = lines.filter((line): line is DrainLine => line.part === "drain");
  const readable = lines.filter((line): line is ReadableLine => line.part === "readable");
  return [startTable(starts), drainTable(starts, drains), readableTable(readable)].filter(
    ({ rows }) => rows.length > 0,
  );
}

const START_TITLES = {
  first: "the first one, which makes the tables",
  there: "from the spawn, all servers answering",
  away: "from the moment the servers answer",
} as const;

function startTable(starts: readonly StartLine[]): Table {
  const rows = (["there", "away", "first"] as const).flatMap((kind) => {
    const runs = starts.filter((line) => line.kind === kind);
    const median = (pick: (line: StartLine) => number): string => toText(quantile(runs.map(pick), 0.5));
    const parts =
      kind === "away"
        ? ["", "", median(({ joinedMs }) => joinedMs)]
        : [median(({ loadedMs }) => loadedMs), median(({ openedMs }) => openedMs), median(({ joinedMs }) => joinedMs)];
    const goal = kind === "first" ? "" : GOALS.start;
    return runs.length === 0
      ? []
      : [[START_TITLES[kind], String(runs.length), ...spread(runs.map(({ ms }) => ms)), goal, ...parts]];
  });
  return {
    head: [
      "start to ready, ms",
      "runs",
      "least",
      "median",
      "most",
      "goal",
      "of it: loading",
      "opening",
      "joining, from ready on",
    ],
    rows,
  };
}

const DRAIN_TITLES = {
  shared: "messages in hand, few calls for all",
  alone: "messages in hand, a call each",
} as const;

function drainTable(starts: readonly StartLine[], drains: readonly DrainLine[]): Table {
  const idle = starts.map(({ drainMs }) => drainMs);
  const idleRow = [`idle`, String(idle.length), ...spread(idle), GOALS.drain, "", "", ""];
  const rows = (["shared", "alone"] as const).flatMap((kind) => {
    const runs = drains.filter((line) => line.kind === kind);
    const median = (pick: (line: DrainLine) => number): string => toText(quantile(runs.map(pick), 0.5));
    const sum = (pick: (line: DrainLine) => number): string => toText(runs.reduce((all, line) => all + pick(line), 0));
    const title = `${median(({ inHand }) => inHand)} ${DRAIN_TITLES[kind]}`;
    return runs.length === 0
      ? []
      : [
          [
            title,
            String(runs.length),
            ...spread(runs.map(({ ms }) => ms)),
            GOALS.drain,
            median(({ providerMs }) => providerMs),
            `${sum(({ settled }) => settled)} of ${sum(({ messages }) => messages)}`,
            sum(({ repeated }) => repeated),
          ],
        ];
  });
  return {
    head: [
      "SIGTERM to the end, ms",
      "runs",
      "least",
      "median",
      "most",
      "goal",
      "of it: the provider's",
      "settled by then",
      "asked for again",
    ],
    rows: idle.length === 0 ? rows : [idleRow, ...rows],
  };
}

function readableTable(readable: readonly ReadableLine[]): Table {
  const row = (title: string, values: readonly number[], goal: string): readonly string[] => [
    title,
    String(values.length),
    ...[0.5, 0.9, 0.99, 1].map((share) => toText(quantile(values, share))),
    goal,
  ];
  return {
    head: ["published to readable, ms", "requests", "p50", "p90", "p99", "most", "goal"],
    rows:
      readable.length === 0
        ? []
        : [
            row(
              "without the provider's time",
              readable.map(({ ms }) => ms),
              GOALS.readable,
            ),
            row(
              "with it",
              readable.map(({ grossMs }) => grossMs),
              "",
            ),
            row(
              "of it the SELECT that found it",
              readable.map(({ selectMs }) => selectMs),
              "",
            ),
          ],
  };
}

function spread(values: readonly number[]): readonly string[] {
  return [0, 0.5, 1].map((share) => toText(quantile(values, share)));
}

function toText(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
