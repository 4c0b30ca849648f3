import { isDeepStrictEqual } from "node:util";

import type { Clock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import type { Config } from "../../config.ts";
import type { Heartbeats } from "../../ports/heartbeats.ts";
import type { BreakerSeen } from "../../worker/provider-gate.ts";
import { openHeartbeats, openOurRedis } from "../open-budget.ts";
import { findWorker } from "../worker-file.ts";
import { askWorker, readBeat } from "./worker-said.ts";

/** A provider that is out, since the earliest it is for any worker. */
export type OutageSeen = Pick<BreakerSeen, "provider" | "api" | "since">;

/** What workers said last of providers that are out for them. */
export interface OutageWatch extends AsyncDisposable {
  /** One of each provider and API; empty where nothing is known. The same array until something changes. */
  readonly latest: readonly OutageSeen[];
}

export type AskOutages = (signal: AbortSignal) => Promise<readonly BreakerSeen[]>;

/** A request that is done sooner asks nobody. */
const ASK_EVERY_MS = 3_000;
/** Redis is on the way of every call: if it takes longer to answer, it is away. */
const REDIS_MS_MAX = 3_000;

/**
 * Asks in the background, again and again, until it is disposed of or the signal aborts. Whoever does not answer says
 * nothing: it is only for people to look at, and nothing waits for it.
 */
export function watchOutages(
  ask: AskOutages,
  clock: Clock,
  signal: AbortSignal,
  everyMs: number = ASK_EVERY_MS,
): OutageWatch {
  const closed = new AbortController();
  const until = AbortSignal.any([signal, closed.signal]);
  let latest: readonly OutageSeen[] = [];
  const watching = (async (): Promise<void> => {
    for (;;) {
      await clock.sleep(everyMs, until);
      const now = await ask(until).then(earliestOfEach, () => []);
      latest = isDeepStrictEqual(now, latest) ? latest : now;
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

/**
 * Asks the workers by their heartbeats, or the one that holds the embedded folder; undefined where there is neither. The
 * connection is closed with `opened`.
 */
export function outagesOf(config: Config, opened: AsyncDisposableStack): AskOutages | undefined {
  if (config.redis.host !== undefined) {
    let heartbeats: Heartbeats | undefined;
    return async (signal) => {
      const until = AbortSignal.any([signal, AbortSignal.timeout(REDIS_MS_MAX)]);
      // Once it stands it comes back by itself.
      heartbeats ??= openHeartbeats(config, opened.use(await openOurRedis(config, silentLog, until)).client);
      const beats = await heartbeats.list(until);
      return beats.flatMap(({ isEnded, fields }) => (isEnded ? [] : (readBeat(fields).outages ?? [])));
    };
  }
  if (config.mode === "embedded") {
    return async () => {
      const worker = await findWorker(config.embedded.folder);
      return worker === undefined ? [] : ((await askWorker(worker))?.outages ?? []);
    };
  }
  return undefined;
}

function earliestOfEach(seen: readonly BreakerSeen[]): readonly OutageSeen[] {
  const earliest = new Map<string, OutageSeen>();
  for (const { provider, api, since = "" } of seen) {
    const known = earliest.get(`${provider} ${api}`)?.since;
    if (known === undefined || since < known) {
      earliest.set(`${provider} ${api}`, { provider, api, since });
    }
  }
  return [...earliest.values()].toSorted((left, right) => (left.api < right.api ? -1 : 1));
}
