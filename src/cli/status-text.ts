import type {
  ApiCalls,
  LetterNumbers,
  Part,
  QueueNumbers,
  StatusReport,
  WorkerSeen,
} from "../app/status/status-api.ts";
import { nameApi } from "../domain/name-api.ts";
import { printable, shorten } from "./printable.ts";
import { renderTable } from "./table.ts";

const NAMES = ["queue", "workers", "deadLetters", "store", "calls"] as const;
const ERROR_SHOWN_MAX = 60;
const CODES_SHOWN_MAX = 3;
const WHY_SHOWN_MAX = 160;
const BLOCKED_SHOWN_MS = 60_000;

/** Names of the parts that could not be asked. */
export function unknownParts(report: StatusReport): readonly string[] {
  return NAMES.filter((name) => !report[name].isKnown);
}

export function describeStatus(report: StatusReport): string {
  const { connections } = report;
  const sections = [
    [
      `gdw ${report.version}, mode ${report.mode}, at ${report.at}`,
      `  queue      ${connections.queue}`,
      `  store      ${connections.store}`,
      `  budget     ${connections.budget}`,
      `  reference  ${connections.reference}`,
      `  providers  ${report.providers.join(", ")}`,
    ],
    section("queue", report.queue, queueLines),
    section("workers", report.workers, workerLines),
    section("providers that are out", report.workers, (workers) => outageLines(workers, Date.parse(report.at))),
    section("dead letters", report.deadLetters, letterLines),
    section("store", report.store, storeLines),
    section("provider calls within 60 s", report.calls, callLines),
  ];
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function section<T>(title: string, part: Part<T>, lines: (value: T) => readonly string[]): readonly string[] {
  return part.isKnown
    ? [title, ...lines(part.value).map((line) => `  ${line}`)]
    : [title, `  unknown: ${printable(part.why)}`];
}

function queueLines({ groupId, group, topics }: QueueNumbers): readonly string[] {
  const members = group?.members ?? [];
  const who = members.map(({ host, partitions }) => `${host} with ${partitions}`).join(", ");
  const about =
    group === undefined
      ? []
      : [
          `group ${groupId} is ${group.state}, ${count(members.length, "member")}${who === "" ? "" : `: ${who} partitions`}`,
        ];
  if (topics.length === 0) {
    return [...about, "none of the topics is there yet: gdw topics ensure makes them"];
  }
  const rows = topics.map(({ topic, partitions, lag, worst }) => [
    topic,
    String(partitions),
    number(lag),
    worst.map((one) => `${one.partition}: ${number(one.lag)}`).join(", "),
  ]);
  return [...about, ...tableLines(["TOPIC", "PARTITIONS", "LAG", "WORST"], rows)];
}

function workerLines(workers: readonly WorkerSeen[]): readonly string[] {
  if (workers.length === 0) {
    return ["none is to be seen: gdw start runs one"];
  }
  const rows = workers.map((worker) => [
    printable(worker.nodeId),
    printable(worker.status),
    worker.ageSeconds === undefined ? "" : `${worker.ageSeconds} s ago`,
    worker.uptimeSeconds === undefined ? "" : `${worker.uptimeSeconds} s`,
    worker.processed === undefined ? "" : number(worker.processed),
    worker.failed === undefined ? "" : number(worker.failed),
    `${printable(worker.host)}, process ${worker.pid ?? "unknown"}`,
    printable(shorten(worker.lastError, ERROR_SHOWN_MAX)),
  ]);
  const head = ["NODE", "STATUS", "LAST BEAT", "UP", "MESSAGES", "FAILED", "WHERE", "LAST ERROR"];
  return [...tableLines(head, rows), ...workers.flatMap(heldLines)];
}

/** What a worker has in hand; and what has held up a partition for a minute, so that nothing behind it is committed. */
function heldLines({ nodeId, held }: WorkerSeen): readonly string[] {
  if (held === undefined || held.in_flight + held.gap === 0) {
    return [];
  }
  const gap = held.gap === 0 ? "" : `, ${number(held.gap)} settled behind one that is not`;
  const lines = [`${printable(nodeId)} has ${count(held.in_flight, "message")} in hand${gap}`];
  const one = held.oldest_blocking;
  if (one !== null && one.for_ms >= BLOCKED_SHOWN_MS) {
    const stuck = one.phase === "running" ? `, without progress for ${seconds(one.stuck_ms)}` : "";
    const overdue = one.is_overdue ? ", and is being set aside" : "";
    lines.push(
      `  held up: ${printable(one.topic)}/${one.partition} by offset ${printable(one.offset)}, ` +
        `${printable(one.phase)} for ${seconds(one.for_ms)}${stuck}${overdue}; ${number(one.gap)} settled behind it`,
    );
  }
  return lines;
}

function seconds(ms: number): string {
  return `${number(Math.round(ms / 1_000))} s`;
}

type Outage = NonNullable<WorkerSeen["outages"]>[number];

/** Only a worker that is at work knows: without one, or where it does not say, nothing is claimed. */
function outageLines(workers: readonly WorkerSeen[], nowMs: number): readonly string[] {
  const atWork = workers.filter(({ status }) => status !== "stopped");
  if (atWork.length === 0) {
    return ["unknown: no worker is at work that would know"];
  }
  const lines = atWork.flatMap(({ nodeId, outages }) =>
    outages === undefined
      ? [printable(`unknown for ${nodeId}: it does not say`)]
      : outages.map((outage) => outageLine(outage, nodeId, nowMs)),
  );
  return lines.length === 0 ? ["none"] : lines;
}

function outageLine(
  { provider, api, state, since = "", nextProbe, why = "" }: Outage,
  nodeId: string,
  nowMs: number,
): string {
  const next = state === "open" ? probeText(nextProbe, nowMs) : "is being tried";
  return printable(`${nameApi(provider, api)} since ${since} for ${nodeId}, ${next}: ${shorten(why, WHY_SHOWN_MAX)}`);
}

/** A worker says it with its heartbeat, so the time may have come since. Who refused our credentials has none. */
function probeText(nextProbe: string | undefined, nowMs: number): string {
  if (nextProbe === undefined) {
    return "not asked again before the worker is started anew";
  }
  return Date.parse(nextProbe) > nowMs ? `tried again at ${nextProbe}` : "due to be tried again";
}

function letterLines({ open, handled, byReason }: LetterNumbers): readonly string[] {
  const reasons = countsText(byReason);
  return open === 0
    ? [`none is open, ${number(handled)} done with`]
    : [`${number(open)} open (${reasons}), ${number(handled)} done with: gdw dlq list says what to do`];
}

function storeLines(store: Extract<StatusReport["store"], { readonly isKnown: true }>["value"]): readonly string[] {
  const { engine, transport, hasTables, rows, lastHour, lastSettled, ledger } = store;
  const head =
    engine === ""
      ? "there is no folder of an engine yet"
      : `ClickHouse ${engine}, ${transport === "embedded" ? "in this process" : "over HTTP"}`;
  if (!hasTables) {
    return [head, "no tables of ours yet: a worker makes them at its start, gdw schema ensure as well"];
  }
  const codes = lastSettled?.codes ?? [];
  const named = [...codes.slice(0, CODES_SHOWN_MAX), ...(codes.length > CODES_SHOWN_MAX ? ["…"] : [])].join(",");
  return [
    head,
    `rows       ${countsText(rows)}`,
    `last hour  ${countsText(lastHour) || "no message was settled"}`,
    lastSettled === undefined
      ? "last       no message was ever settled"
      : `last       ${lastSettled.at} ${[lastSettled.place, lastSettled.command, named]
          .filter(Boolean)
          .map((text) => printable(text))
          .join(" ")}: ${lastSettled.outcome}`,
    `ledger     ${count(ledger.codes, "security", "securities")}${ledger.codes === 0 ? "" : `, daily bars by trading day: ${countsText(ledger.barDays)}`}`,
  ];
}

function callLines(calls: readonly ApiCalls[]): readonly string[] {
  const made = calls.filter((one) => one.calls > 0);
  return made.length === 0
    ? ["none"]
    : made.map(({ provider, api, calls }) => `${[provider, api].filter(Boolean).join(" ")}: ${number(calls)}`);
}

function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, value]) => value > 0)
    .map(([name, value]) => `${printable(name)} ${number(value)}`)
    .join(", ");
}

function tableLines(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  return renderTable(head, rows).trimEnd().split("\n");
}

function count(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}
