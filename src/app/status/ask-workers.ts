import { silentLog } from "../../base/log.ts";
import type { Config } from "../../config.ts";
import type { Heartbeats, SeenBeat } from "../../ports/heartbeats.ts";
import { openHeartbeats, openOurRedis } from "../open-budget.ts";
import { findWorker } from "../worker-file.ts";
import { askWorker, readBeat, type WorkerSaid } from "./worker-said.ts";

/** What each worker that is at work says. */
export type AskWorkers = (signal: AbortSignal) => Promise<readonly WorkerSaid[]>;

/** Redis is on the way of every call: if it takes longer to answer, it is away. */
const REDIS_MS_MAX = 3_000;

/**
 * Asks the workers by their heartbeats, or the one that holds the embedded folder; undefined where there is neither. The
 * connection is closed with `opened`.
 */
export function workersOf(config: Config, opened: AsyncDisposableStack): AskWorkers | undefined {
  if (config.redis.host !== undefined) {
    let heartbeats: Heartbeats | undefined;
    return async (signal) => {
      const until = AbortSignal.any([signal, AbortSignal.timeout(REDIS_MS_MAX)]);
      // Once it stands it comes back by itself.
      heartbeats ??= openHeartbeats(config, opened.use(await openOurRedis(config, silentLog, until)).client);
      return readBeats(await heartbeats.list(until));
    };
  }
  if (config.mode === "embedded") {
    return async () => {
      const worker = await findWorker(config.embedded.folder);
      const said = worker === undefined ? undefined : await askWorker(worker);
      return said === undefined ? [] : [said];
    };
  }
  return undefined;
}

/** Of those that have not said their last word. */
function readBeats(beats: readonly SeenBeat[]): readonly WorkerSaid[] {
  return beats.flatMap(({ isEnded, fields }) => (isEnded ? [] : [readBeat(fields)]));
}
