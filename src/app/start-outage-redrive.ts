import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import type { Lock } from "../ports/lock.ts";
import { openClickHouseHandledLetters } from "../store/clickhouse/handled-letters.ts";
import { openOutageRedrive, type RedriveTools } from "./dead-letters/outage-redrive.ts";
import type { OpenProvider } from "./open-providers.ts";
import { openQueueTools } from "./open-queue-tools.ts";
import type { QueueSide } from "./open-queue.ts";
import type { StoreSide } from "./open-store.ts";
import { retryWaitsOf } from "./retry-waits.ts";

export interface OutageRedriveSide {
  readonly config: Config;
  readonly log: Log;
  readonly providers: readonly OpenProvider[];
  readonly queue: Pick<QueueSide, "served">;
  readonly store: Pick<StoreSide, "clickhouse">;
  readonly lock: Lock;
}

/** The worker sends back what an outage set aside, unless `worker.auto_redrive` is off; see `openOutageRedrive`. */
export function startOutageRedrive(parts: OutageRedriveSide, work: AbortSignal): AsyncDisposable {
  const { config, log, providers, store, lock } = parts;
  if (!config.worker.autoRedrive) {
    return { [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  return openOutageRedrive(
    {
      topic: config.kafka.deadLetterTopic,
      gates: providers.flatMap(({ gates }) => gates),
      outageDeadlineMs: config.worker.outageDeadlineMs,
      openTools: (signal) => openTools(parts, signal),
      handled: openClickHouseHandledLetters(store.clickhouse),
      lock,
      retryWaits: retryWaitsOf(config),
      clock: systemClock,
      log,
    },
    work,
  );
}

/** The embedded queue is in this process; Kafka is connected to for the time it takes. */
async function openTools({ config, log, queue }: OutageRedriveSide, signal: AbortSignal): Promise<RedriveTools> {
  if (queue.served !== undefined) {
    const { reader, producer } = queue.served;
    return { reader, producer, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  await using opened = new AsyncDisposableStack();
  const tools = opened.use(await openQueueTools(config, log, signal));
  const producer = await tools.openProducer(signal);
  const open = opened.move();
  return { reader: tools.reader, producer, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
