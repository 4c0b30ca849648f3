import { systemClock } from "../base/clock.ts";
import { PermanentError, tellingWhatToDo, TransientError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import type { Outcomes } from "../ports/store.ts";
import { openClickHouseOutcomes } from "../store/clickhouse/outcomes.ts";
import { openWorkersClickHouse } from "./open-store.ts";

/** How long a command waits for a worker that ended to be started again. */
const GONE_MS_MAX = 30_000;

/**
 * Reads outcomes through the worker that holds the folder by now; undefined where the store is a server. TransientError
 * while there is none, and PermanentError when there has been none for 30 s: nobody does what is waited for.
 */
export function reopenOutcomes(
  config: Config,
  opened: AsyncDisposableStack,
  log: Log,
  signal: AbortSignal,
): (() => Promise<Outcomes>) | undefined {
  if (config.clickhouse.url !== undefined) {
    return undefined;
  }
  let goneAtMs: number | undefined;
  return async () => {
    try {
      const clickhouse = opened.use(await openWorkersClickHouse(config, log, signal));
      goneAtMs = undefined;
      return openClickHouseOutcomes(clickhouse);
    } catch (error) {
      signal.throwIfAborted();
      goneAtMs ??= systemClock.elapsedMs();
      if (error instanceof TransientError && systemClock.elapsedMs() - goneAtMs >= GONE_MS_MAX) {
        throw tellingWhatToDo(
          new PermanentError(
            `the worker of ${config.embedded.folder} has ended, and none was started within ${GONE_MS_MAX / 1_000} s: see its log; what is not settled stays queued and is done after the next gdw start`,
            "queue",
            { cause: error },
          ),
        );
      }
      throw error;
    }
  };
}
