import type { Day } from "../../../src/domain/day.ts";
import type { SimulatedRequest } from "../../../src/simulators/tushare/request-log.ts";
import { compactDay } from "../../../src/domain/day.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import type { DrainKind } from "./options.ts";
import { countDifferences, type ServiceRig, storedRows, truthOf } from "./service-rig.ts";

export interface DrainLine {
  readonly bench: "service";
  readonly part: "drain";
  readonly kind: DrainKind;
  readonly run: number;
  readonly messages: number;
  /** By `/status`, asked for just before SIGTERM. */
  readonly inHand: number;
  /** SIGTERM to the end of the process. */
  readonly ms: number;
  /** SIGTERM to the provider's last answer: that long nobody could have been faster; 0 when nothing was under way. */
  readonly providerMs: number;
  /** Of all messages, settled when the process was gone. */
  readonly settled: number;
  /** Calls for bars, before SIGTERM and by the next worker. */
  readonly calls: number;
  readonly callsNext: number;
  /** Days of a code that the next worker asked for although the first one had. */
  readonly repeated: number;
  /** Bars that are missing, wrong or too many in the end. */
  readonly different: number;
}

/** What a message asks for. */
interface Asked {
  readonly code: string;
  readonly days: readonly Day[];
}

/** Longer than the rest, so that a stop finds them under way. */
const SLOW_MS = 1_500;
/** Settings under which a call names one code, and the whole market on a day would take more calls than that. */
const ALONE = { GINKGO_TUSHARE_CODES_MAX: "1", GINKGO_TUSHARE_ROWS_MAX: "7" } as const;
const SETTLED_MS_MAX = 120_000;

/** Stops in the middle of work, and what the next worker then still asks for; a line each. */
export async function* measureDrains(service: ServiceRig): AsyncGenerator<DrainLine, undefined, unknown> {
  for (let run = 1; run <= service.options.runs; run += 1) {
    for (const kind of service.options.drains) {
      yield await measureDrain(service, kind, run);
    }
  }
}

async function measureDrain(service: ServiceRig, kind: DrainKind, run: number): Promise<DrainLine> {
  const { rig, simulator, market, options } = service;
  const spans = service.takeSpans(kind);
  const messages = market.securities
    .slice(0, options.messages)
    .map(({ code }, index): Asked => ({ code, days: spans[index % spans.length] ?? [] }));
  const env = kind === "alone" ? ALONE : {};
  const settledBefore = await settledOf(service);
  simulator.clearRequests();
  await using worker = await service.startWorker(env);
  await worker.untilReady();
  await worker.untilJoined();
  if (kind === "shared") {
    simulator.injectFault({ kind: "slow", ms: SLOW_MS }, { api: "daily", times: 1_000 });
  }
  await rig.publish(messages.map(({ code, days }) => ({ code, from: days[0] ?? "", to: days.at(-1) ?? "" })));
  // Where each message has its own call, some have got their answers already.
  const callsFirst = kind === "alone" ? Math.min(20, Math.ceil(messages.length / 3)) : 1;
  await waitFor(() => barCalls(simulator.requests).length >= callsFirst, {
    what: "calls for bars",
    everyMs: 1,
    timeoutMs: 30_000,
  });
  if (kind === "shared") {
    // The slow answers leave time for it; on a machine too busy for that the figure says how many it was.
    const isAnswered = (): boolean => barCalls(simulator.requests).some(({ latencyMs }) => latencyMs !== undefined);
    await waitFor(async () => isAnswered() || (await worker.inHand()) === messages.length, {
      what: "all messages in hand",
      everyMs: 5,
    });
  }
  const inHand = await worker.inHand();
  const stoppedAtMs = Date.now();
  const ms = Math.round(await worker.stop());
  const first = barCalls(simulator.requests);
  const lastAnswerAtMs = Math.max(...simulator.requests.map(({ atMs, latencyMs = 0 }) => atMs + latencyMs));
  const settled = (await settledOf(service)) - settledBefore;

  simulator.clearFaults();
  await using next = await service.startWorker(env);
  await next.untilReady();
  await waitFor(async () => (await settledOf(service)) - settledBefore >= messages.length && (await rig.lag()) === 0n, {
    what: "the next worker to settle the rest",
    timeoutMs: SETTLED_MS_MAX,
    everyMs: 50,
  });
  await next.stop();
  const after = barCalls(simulator.requests).slice(first.length);
  const [from, to] = [spans[0]?.[0], spans.at(-1)?.at(-1)];
  const where = `bar.trading_day >= '${from}' AND bar.trading_day <= '${to}'`;
  const truth = messages.flatMap(({ code, days }) => truthOf(market, code, days));
  return {
    bench: "service",
    part: "drain",
    kind,
    run,
    messages: messages.length,
    inHand,
    ms,
    providerMs: Math.max(0, lastAnswerAtMs - stoppedAtMs),
    settled,
    calls: first.length,
    callsNext: after.length,
    repeated: countAskedTwice(first, after, messages),
    different: countDifferences(await storedRows(rig, where), truth),
  };
}

/** None while no worker has made the tables. */
async function settledOf({ rig }: ServiceRig): Promise<number> {
  const { database } = rig.config.clickhouse;
  const tables = await rig.select(
    `SELECT name FROM system.tables WHERE database = '${database}' AND name = 'outcome_row'`,
  );
  return tables.length === 0 ? 0 : await rig.settled();
}

function barCalls(requests: readonly SimulatedRequest[]): readonly SimulatedRequest[] {
  return requests.filter(({ api }) => api === "daily");
}

/** Days of a code that messages named and both lists of calls ask for, alone or with the whole market. */
function countAskedTwice(
  first: readonly SimulatedRequest[],
  after: readonly SimulatedRequest[],
  messages: readonly Asked[],
): number {
  const known = new Set(first.flatMap((request) => placesOf(request, messages)));
  const again = new Set(after.flatMap((request) => placesOf(request, messages)));
  return known.intersection(again).size;
}

function placesOf({ params }: SimulatedRequest, messages: readonly Asked[]): readonly string[] {
  const text = (name: string): string | undefined => {
    const value = params[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const named = text("ts_code")?.split(",");
  const from = text("trade_date") ?? text("start_date") ?? "";
  const to = text("trade_date") ?? text("end_date") ?? "9";
  return messages
    .filter(({ code }) => named?.includes(code) ?? true)
    .flatMap(({ code, days }) => days.map((day) => ({ code, day: compactDay(day) })))
    .filter(({ day }) => day >= from && day <= to)
    .map(({ code, day }) => `${code} ${day}`);
}
