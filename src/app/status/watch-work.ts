import { isDeepStrictEqual } from "node:util";

import type { Clock } from "../../base/clock.ts";
import type { BreakerSeen } from "../../worker/provider-gate.ts";
import type { AskWorkers } from "./ask-workers.ts";
import { addCalls, type CallsSeen } from "./calls-seen.ts";
import type { WorkerSaid } from "./worker-said.ts";

/** A provider that is out, since the earliest it is for any worker. */
export type OutageSeen = Pick<BreakerSeen, "provider" | "api" | "since">;

/** Of all workers together, one of each provider and api; empty where nothing is known. */
export interface WorkSeen {
  readonly outages: readonly OutageSeen[];
  readonly calls: readonly CallsSeen[];
}

export interface WorkWatch extends AsyncDisposable {
  /** What workers said last. Each of the two is the same array until something changes in it. */
  readonly latest: WorkSeen;
}

/** A request that is done sooner asks nobody. */
const ASK_EVERY_MS = 3_000;

/**
 * Asks in the background, again and again, until it is disposed of or the signal aborts. Whoever does not answer says
 * nothing: it is only for people to look at, and nothing waits for it.
 */
export function watchWork(
  ask: AskWorkers,
  clock: Clock,
  signal: AbortSignal,
  everyMs: number = ASK_EVERY_MS,
): WorkWatch {
  const closed = new AbortController();
  const until = AbortSignal.any([signal, closed.signal]);
  let latest: WorkSeen = { outages: [], calls: [] };
  const watching = (async (): Promise<void> => {
    for (;;) {
      await clock.sleep(everyMs, until);
      const said = await ask(until).catch(() => []);
      const [outages, calls] = [outagesOf(said), addCalls(said.flatMap((one) => one.calls ?? []))];
      latest = {
        outages: isDeepStrictEqual(outages, latest.outages) ? latest.outages : outages,
        calls: isDeepStrictEqual(calls, latest.calls) ? latest.calls : calls,
      };
    }
  })().catch(() => undefined);
  return {
    get latest() {
      return latest;
    },
    [Symbol.asyncDispose]: async () => {
      closed.abort(new Error("nobody looks any more"));
      await watching;
    },
  };
}

/** What is out for any of them, each once. */
export function outagesOf(said: readonly WorkerSaid[]): readonly OutageSeen[] {
  const earliest = new Map<string, OutageSeen>();
  for (const { provider, api, since = "" } of said.flatMap(({ outages = [] }) => outages)) {
    const known = earliest.get(`${provider} ${api}`)?.since;
    if (known === undefined || since < known) {
      earliest.set(`${provider} ${api}`, { provider, api, since });
    }
  }
  return [...earliest.values()].toSorted((left, right) => (left.api < right.api ? -1 : 1));
}
