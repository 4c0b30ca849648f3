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

/** Longer than the rest, so that a stop finds them under way. */
const SLOW_MS = 900;
/** Settings under which a call names one code, and the whole market is not asked for. */
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
  const days = service.takeSpan();
  const codes = market.securities.slice(0, options.messages).map(({ code }) => code);
  const env = kind === "alone" ? ALONE : {};
  const settledBefore = await settledOf(service);
  simulator.clearRequests();
  await using worker = await service.startWorker(env);
  await worker.untilReady();
  await worker.untilJoined();
  if (kind === "shared") {
    simulator.injectFault({ kind: "slow", ms: SLOW_MS }, { api: "daily", times: 1_000 });
  }
  const [from = "", to = ""] = [days[0], days.at(-1)];
  await rig.publish(codes.map((code) => ({ code, from, to })));
  // Where each message has its own call, some have got their answers already.
  const callsFirst = kind === "alone" ? Math.min(20, Math.ceil(codes.length / 3)) : 1;
  await waitFor(() => barCalls(simulator.requests).length >= callsFirst, {
    what: "calls for bars",
    everyMs: 1,
    timeoutMs: 30_000,
  });
  if (kind === "shared") {
    // The slow answers leave time for it.
    await waitFor(async () => (await worker.inHand()) === codes.length, { what: "all messages in hand", everyMs: 5 });
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
  await waitFor(async () => (await settledOf(service)) - settledBefore >= codes.length && (await rig.lag()) === 0n, {
    what: "the next worker to settle the rest",
    timeoutMs: SETTLED_MS_MAX,
    everyMs: 50,
  });
  await next.stop();
  const after = barCalls(simulator.requests).slice(first.length);
  const where = `bar.trading_day >= '${from}' AND bar.trading_day <= '${to}'`;
  return {
    bench: "service",
    part: "drain",
    kind,
    run,
    messages: codes.length,
    inHand,
    ms,
    providerMs: Math.max(0, lastAnswerAtMs - stoppedAtMs),
    settled,
    calls: first.length,
    callsNext: after.length,
    repeated: countAskedTwice(first, after, codes, days),
    different: countDifferences(await storedRows(rig, where), truthOf(market, codes, days)),
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
  codes: readonly string[],
  days: readonly Day[],
): number {
  const known = new Set(first.flatMap((request) => placesOf(request, codes, days)));
  return after.flatMap((request) => placesOf(request, codes, days)).filter((place) => known.has(place)).length;
}

function placesOf({ params }: SimulatedRequest, codes: readonly string[], days: readonly Day[]): readonly string[] {
  const text = (name: string): string | undefined => {
    const value = params[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const named = text("ts_code")?.split(",");
  const from = text("trade_date") ?? text("start_date") ?? "";
  const to = text("trade_date") ?? text("end_date") ?? "9";
  return days
    .map((day) => compactDay(day))
    .filter((day) => day >= from && day <= to)
    .flatMap((day) => codes.filter((code) => named?.includes(code) ?? true).map((code) => `${code} ${day}`));
}
