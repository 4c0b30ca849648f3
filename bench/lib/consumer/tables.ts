import { markdownTable } from "../../../scripts/lib/markdown-table.ts";
import type { OurLine, PeerLine } from "./run-line.ts";

/** `ours` is a process that did a cold run before, as the peers' are; `ours, fresh` is a new process for each run. */
export type Contender = "ours" | "ours, fresh" | "parallel-consumer" | "kafkajs";

export interface Measured {
  readonly contender: Contender;
  readonly part: "work" | "idle" | "straggler" | "close";
  readonly line: PeerLine | OurLine;
}

const CONTENDERS: readonly Contender[] = ["ours", "ours, fresh", "parallel-consumer", "kafkajs"];

export function renderTables(all: readonly Measured[]): string {
  return [workTable(all), idleTable(all), stragglerTable(all), closeTable(all), goalTable(all)]
    .filter((table) => table !== "")
    .join("\n\n");
}

/** The runs of a cell that count: not the cold one of a process that did others, unless there is no other. */
function countedRuns(
  all: readonly Measured[],
  part: Measured["part"],
  contender: Contender,
  at: Cell,
): readonly PeerLine[] {
  const lines = all
    .filter((one) => one.part === part && one.contender === contender)
    .map(({ line }) => line)
    .filter(({ partitions, keys }) => partitions === at.partitions && keys === at.keys);
  const warm = lines.filter(({ cold }) => !cold);
  return warm.length === 0 ? lines : warm;
}

interface Cell {
  readonly partitions: number;
  readonly keys: number;
}

function cellsOf(all: readonly Measured[], part: Measured["part"]): readonly Cell[] {
  const cells = new Map<string, Cell>();
  for (const { line } of all.filter((one) => one.part === part)) {
    cells.set(`${line.partitions} ${line.keys}`, line);
  }
  return [...cells.values()].toSorted((a, b) => a.partitions - b.partitions || a.keys - b.keys);
}

/** Never committed in time counts as endless. */
const committedSeconds = ({ seconds }: PeerLine): number => (seconds < 0 ? Infinity : seconds);
const processedSeconds = ({ processedSeconds }: PeerLine): number => processedSeconds;

function workTable(all: readonly Measured[]): string {
  const rows = cellsOf(all, "work").flatMap((cell) => {
    const runsOf = (contender: Contender) => countedRuns(all, "work", contender, cell);
    const oursProcessed = medianOf(runsOf("ours").map(processedSeconds));
    const oursCommitted = medianOf(runsOf("ours").map(committedSeconds));
    return CONTENDERS.flatMap((contender) => {
      const runs = runsOf(contender);
      const [first] = runs;
      if (first === undefined) {
        return [];
      }
      const isOurs = contender.startsWith("ours");
      const ratio = (mine: number, pick: (line: PeerLine) => number) =>
        isOurs ? "" : (mine / medianOf(runs.map(pick))).toFixed(2);
      const least = runsOf("kafkajs")[0]?.idealSeconds ?? runsOf("ours")[0]?.idealSeconds ?? first.idealSeconds;
      return [
        [
          String(cell.partitions),
          String(cell.keys),
          contender,
          String(runs.length) + (first.cold && !contender.includes("fresh") ? ", cold" : ""),
          least.toFixed(2),
          spread(runs.map(processedSeconds), 2),
          spread(runs.map(committedSeconds), 2),
          ratio(oursProcessed, processedSeconds),
          ratio(oursCommitted, committedSeconds),
          spread(
            runs.map(({ firstMessageSeconds }) => firstMessageSeconds * 1000),
            0,
          ),
        ],
      ];
    });
  });
  return titled("10,000 messages of 0 to 5 ms; seconds from the first poll", rows, [
    "partitions",
    "keys",
    "who",
    "runs",
    "least",
    "processed",
    "committed",
    "ours ÷ it, processed",
    "ours ÷ it, committed",
    "first message, ms",
  ]);
}

function idleTable(all: readonly Measured[]): string {
  const rows = cellsOf(all, "idle").flatMap((cell) =>
    CONTENDERS.flatMap((contender) => {
      const runs = countedRuns(all, "idle", contender, cell);
      // Peak memory is of the process so far, so a first run says what doing it once takes.
      const firsts = all
        .filter((one) => one.part === "idle" && one.contender === contender && one.line.run === 0)
        .map(({ line }) => line)
        .filter(({ partitions }) => partitions === cell.partitions);
      return runs.length === 0
        ? []
        : [
            [
              String(cell.partitions),
              contender,
              String(runs.length),
              spread(runs.map(committedSeconds), 2),
              spread(
                runs.map(({ cpuMicrosPerMessage }) => cpuMicrosPerMessage),
                1,
              ),
              spread(
                firsts.map(({ cpuMicrosPerMessage }) => cpuMicrosPerMessage),
                1,
              ),
              spread(
                firsts.map(({ rssMb }) => rssMb),
                0,
              ),
            ],
          ];
    }),
  );
  return titled("100,000 messages without work", rows, [
    "partitions",
    "who",
    "runs",
    "committed, s",
    "CPU µs a message",
    "the same, first run",
    "peak RSS MB, first run",
  ]);
}

function stragglerTable(all: readonly Measured[]): string {
  const rows = all.flatMap(({ line }) => {
    const straggler = "straggler" in line ? line.straggler : undefined;
    return straggler === undefined || !("lastCommitMs" in line)
      ? []
      : [
          [
            String(line.partitions),
            straggler.stragglerDoneSeconds.toFixed(2),
            `${straggler.othersDoneSeconds.toFixed(2)} (${straggler.othersDoneSecondsWithout.toFixed(2)} without)`,
            `${straggler.otherKeysDelayed} of ${straggler.otherKeys}, ${straggler.otherKeyDelayMsMax.toFixed(0)} ms at most`,
            straggler.otherPartitionsCommittedSeconds?.toFixed(2) ?? "",
            String(straggler.notCommittedMeanwhile),
            line.processedSeconds.toFixed(2),
            line.seconds.toFixed(2),
          ],
        ];
  });
  return titled("One straggler among 10,000 messages of 100 keys (ours; a line a run)", rows, [
    "partitions",
    "straggler done, s",
    "other keys done, s",
    "other keys delayed over 0.1 s",
    "other partitions committed, s",
    "its partition uncommitted until then",
    "all done, s",
    "all committed, s",
  ]);
}

function closeTable(all: readonly Measured[]): string {
  const lines = all.filter(({ part }) => part === "close").map(({ line }) => line);
  const kinds = Map.groupBy(lines, ({ partitions, commit }) => `${partitions} ${commit}`);
  const rows = [...kinds.values()].map((runs) => {
    const ours = runs.filter((line) => "lastCommitMs" in line);
    return [
      String(ours[0]?.partitions),
      ours[0]?.commit ?? "",
      String(ours.length),
      spread(
        ours.map(({ lastCommitMs }) => lastCommitMs),
        1,
      ),
      spread(
        ours.map(({ closeMs }) => closeMs),
        0,
      ),
    ];
  });
  return titled("Told to stop (ours, 100 keys)", rows, [
    "partitions",
    "when",
    "runs",
    "last message to last commit, ms",
    "told to stop to group left, ms",
  ]);
}

/** The worst of the partition counts, against what the design asks for. */
function goalTable(all: readonly Measured[]): string {
  const worst = (part: Measured["part"], pick: (line: PeerLine | OurLine) => number, keys?: number): number => {
    const cells = cellsOf(all, part).filter((cell) => keys === undefined || cell.keys === keys);
    return Math.max(...cells.map((cell) => medianOf(countedRuns(all, part, "ours", cell).map(pick))));
  };
  const firstRss = all.filter(({ part, contender }) => part === "idle" && contender === "ours, fresh");
  const lateMs = all.flatMap(({ part, line }) =>
    part !== "idle" && "lastCommitMs" in line ? [line.lastCommitMs] : [],
  );
  const goals: readonly (readonly [string, number, number, string])[] = [
    ["10 keys, committed", worst("work", committedSeconds, 10), 2.8, "s"],
    ["100 keys, committed", worst("work", committedSeconds, 100), 0.42, "s"],
    ["1,000 keys, committed", worst("work", committedSeconds, 1000), 0.12, "s"],
    ["CPU of a message without work", worst("idle", ({ cpuMicrosPerMessage }) => cpuMicrosPerMessage), 8, "µs"],
    ["peak RSS, fresh process", medianOf(firstRss.map(({ line }) => line.rssMb)), 110, "MB"],
    ["last message to last commit, the worst run", Math.max(...lateMs) / 1000, 0.1, "s"],
  ];
  const rows = goals
    .filter(([, value]) => Number.isFinite(value))
    .map(([what, value, goal, unit]) => [
      what,
      `≤ ${goal} ${unit}`,
      `${value.toFixed(value < 1 ? 3 : 2)} ${unit}`,
      value <= goal ? "reached" : `missed, × ${(value / goal).toFixed(2)}`,
    ]);
  return titled("Goals", rows, ["what", "goal", "median, the worse of the partition counts", ""]);
}

function titled(title: string, rows: readonly (readonly string[])[], head: readonly string[]): string {
  return rows.length === 0 ? "" : `${title}\n\n${markdownTable(head, rows)}`;
}

/** Least, median and most; the median alone of a single run. */
function spread(values: readonly number[], digits: number): string {
  const show = (value: number): string => (Number.isFinite(value) ? value.toFixed(digits) : "never");
  return values.length < 2
    ? show(medianOf(values))
    : `${show(Math.min(...values))} / **${show(medianOf(values))}** / ${show(Math.max(...values))}`;
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
