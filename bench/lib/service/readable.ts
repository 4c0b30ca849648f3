import { setTimeout as sleep } from "node:timers/promises";

import type { TruthRow } from "../../../src/market/truth-rows.ts";
import { truthRows } from "../../../src/market/truth-rows.ts";
import { createRandom } from "../../../src/market/random.ts";
import type { SimulatedRequest } from "../../../src/simulators/tushare/request-log.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import { isSameRow, type ServiceRig, storedRows } from "./service-rig.ts";

export interface ReadableLine {
  readonly bench: "service";
  readonly part: "readable";
  readonly request: number;
  /** From just before the message was sent until a `SELECT` answered with the row. */
  readonly grossMs: number;
  /** Of that, while at least one call was with the provider, by the provider's own log. */
  readonly providerMs: number;
  readonly ms: number;
  /** How long the `SELECT` took that found it. */
  readonly selectMs: number;
  readonly isTrue: boolean;
}

/** The worker's code is compiled, its lists and the ledger's questions have been asked once. */
const WARM_UP = 10;
const READABLE_MS_MAX = 30_000;
/** Requests come at any moment of whatever the worker does by the clock. */
const PAUSE_MS_MAX = 60;

/** One request after the other to an idle worker, each for one bar that is not there; a line each. */
export async function* measureReadable(service: ServiceRig): AsyncGenerator<ReadableLine, undefined, unknown> {
  const { options, simulator, rig } = service;
  const bars = chooseBars(service, WARM_UP + options.requests);
  await using worker = await service.startWorker();
  await worker.untilReady();
  await worker.untilJoined();
  const random = createRandom(1, "pauses");
  for (const [index, bar] of bars.entries()) {
    await waitFor(async () => (await worker.inHand()) === 0, { what: "an idle worker" });
    await sleep(random.below(PAUSE_MS_MAX));
    const where = `bar.code = '${bar.code}' AND bar.trading_day = '${bar.day}'`;
    if ((await storedRows(rig, where)).length > 0) {
      throw new Error(`publishing a request for ${bar.code} on ${bar.day}: the bar is there already`);
    }
    simulator.clearRequests();
    const startedMs = performance.now();
    const startedAtMs = Date.now();
    await rig.publish([{ code: bar.code, from: bar.day, to: bar.day }]);
    const { row, selectMs } = await untilStored(service, where);
    const grossMs = performance.now() - startedMs;
    if (index >= WARM_UP) {
      const providerMs = timeOfCalls(simulator.requests, startedAtMs, startedAtMs + grossMs);
      yield {
        bench: "service",
        part: "readable",
        request: index - WARM_UP + 1,
        grossMs: Math.round(grossMs),
        providerMs,
        ms: Math.round(grossMs - providerMs),
        selectMs: Math.round(selectMs),
        isTrue: isSameRow(row, bar),
      };
    }
  }
  await worker.stop();
}

async function untilStored(
  { rig }: ServiceRig,
  where: string,
): Promise<{ readonly row: TruthRow; readonly selectMs: number }> {
  return await waitFor(
    async () => {
      const askedMs = performance.now();
      const [row] = await storedRows(rig, where);
      return row === undefined ? undefined : { row, selectMs: performance.now() - askedMs };
    },
    { what: `the bar of ${where}`, timeoutMs: READABLE_MS_MAX, everyMs: 1 },
  );
}

/** Milliseconds within the span in which a call was open; calls side by side count once. */
export function timeOfCalls(requests: readonly SimulatedRequest[], fromMs: number, toMs: number): number {
  let sum = 0;
  let coveredToMs = fromMs;
  for (const { atMs, latencyMs } of requests.toSorted((left, right) => left.atMs - right.atMs)) {
    const endMs = Math.min(toMs, latencyMs === undefined ? toMs : atMs + latencyMs);
    const beginMs = Math.max(coveredToMs, atMs);
    if (endMs > beginMs) {
      sum += endMs - beginMs;
      coveredToMs = endMs;
    }
  }
  return Math.round(sum);
}

/** Bars of ever other codes and days, each with a row of its own in the market. */
function chooseBars({ market, daysLeft }: ServiceRig, count: number): readonly TruthRow[] {
  const chosen: TruthRow[] = [];
  const wanted = new Set<string>(daysLeft);
  const byCode = market.securities.map(({ code }) =>
    [...truthRows(market, [code])].filter(({ day }) => wanted.has(day)),
  );
  for (let turn = 0; chosen.length < count; turn += 1) {
    const rows = byCode[turn % byCode.length] ?? [];
    // Another day of the code in each round.
    const row = rows[Math.floor(turn / byCode.length) * 2 + (turn % 7)];
    if (row !== undefined && !chosen.includes(row)) {
      chosen.push(row);
    }
    if (turn > count * 20) {
      throw new RangeError(`choosing ${count} bars: the market has too few`);
    }
  }
  return chosen;
}
