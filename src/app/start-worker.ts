import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { onAbort } from "../base/on-abort.ts";
import type { Shutdown } from "../base/shutdown.ts";
import { openWorkScope } from "../base/work-scope.ts";
import type { Config } from "../config.ts";
import type { ConsumerState } from "../consumer/consumer-state.ts";
import { type Dependency, DependencyWatch } from "../health/dependency-watch.ts";
import type { Heartbeat } from "../health/heartbeat.ts";
import { createOutageTime } from "../health/outage-time.ts";
import { runWorker, type WorkerParts } from "../worker/run-worker.ts";
import { assembleWorker, type AssembleParts } from "./assemble-worker.ts";
import type { WorkerAddresses } from "./demo-api.ts";
import { checkFolder } from "./folder-marker.ts";
import { type BudgetSide, openBudgetSide } from "./open-budget.ts";
import { openHeartbeat } from "./open-heartbeat.ts";
import { kafkaConnection } from "./open-kafka.ts";
import { checkProviders, openProviders } from "./open-providers.ts";
import { openQueueSide } from "./open-queue.ts";
import { openStoreSide, type StoreSide } from "./open-store.ts";
import { clickhouseAt, queueAt, redisAt } from "./places.ts";
import { checkPemFiles } from "./read-pem.ts";
import { retryWaitsOf } from "./retry-waits.ts";
import { sayStopping } from "./say-stopping.ts";
import { startSchedule } from "./schedule/start-schedule.ts";
import { serveWorker } from "./serve-worker.ts";
import { startOutageRedrive } from "./start-outage-redrive.ts";
import { describeHeld } from "./status/held.ts";
import { untilThere } from "./until-there.ts";
import { workerHealth } from "./worker-health.ts";

/** `reached` is only for tests that end a worker at a named point, `watch` for those that keep a trace of its handlers. */
export interface StartHooks {
  readonly reached?: AssembleParts["reached"];
  readonly watch?: Pick<WorkerParts, "around" | "onSettled" | "onState">;
  readonly onReady?: ((addresses: WorkerAddresses) => void) | undefined;
}

/**
 * The worker: opens its parts downward, runs until `intake` aborts, closes them upward. Settings are checked before
 * anything is opened; a dependency that is away is waited for; what needs a person is thrown.
 */
export async function startWorker(config: Config, log: Log, shutdown: Shutdown, hooks: StartHooks = {}): Promise<void> {
  const { intake, work } = shutdown;
  await checkSettings(config);
  // A stop while dependencies are waited for ends the waiting; once the worker runs, only `work` drops what is in hand.
  const opening = AbortSignal.any([intake, work]);
  const patience = { waitMs: config.worker.startWaitMs, clock: systemClock, log };
  await using budgetSide = await untilThere(
    redisAt(config),
    () => openBudgetSide(config, log, opening),
    patience,
    opening,
  );
  await using heartbeat = await openHeartbeat(config, budgetSide.heartbeats, log, intake);
  await heartbeat.during(() => workUntilStopped({ config, log, shutdown, hooks, budgetSide, heartbeat }), intake);
}

async function checkSettings(config: Config): Promise<void> {
  checkProviders(config);
  await checkPemFiles(config);
  if (config.mode === "servers") {
    await kafkaConnection(config);
  }
  await checkFolder(config);
}

interface Starting {
  readonly config: Config;
  readonly log: Log;
  readonly shutdown: Shutdown;
  readonly hooks: StartHooks;
  readonly budgetSide: BudgetSide;
  readonly heartbeat: Heartbeat;
}

async function workUntilStopped({ config, log, shutdown, hooks, budgetSide, heartbeat }: Starting): Promise<void> {
  const { intake } = shutdown;
  const scope = openWorkScope(shutdown.work);
  const work = scope.signal;
  const opening = AbortSignal.any([intake, work]);
  const patience = { waitMs: config.worker.startWaitMs, clock: systemClock, log };
  const providers = openProviders(config, budgetSide.budget, log);
  await using closing = new AsyncDisposableStack();
  for (const provider of providers) {
    closing.use(provider);
  }
  // The embedded queue's file is what one worker in a folder holds, so it comes before the engine in that folder.
  await using queue = await untilThere(queueAt(config), () => openQueueSide(config, log, opening), patience, opening);
  await using store = await untilThere(clickhouseAt(config), () => openStoreSide(config, log, work), patience, opening);
  await using assembled = assembleWorker({ config, store, providers, lock: budgetSide.lock, log, ...hooks }, work);
  await using watch = new DependencyWatch({
    dependencies: watched(store),
    clock: systemClock,
    log,
    onRefused: (error) => scope.fail(error),
  });
  const isAnyAway = (): boolean => watch.isAnyAway || store.health().isAway;
  await using beside = new AsyncDisposableStack();
  beside.use(startOutageRedrive({ config, log, providers, queue, store, lock: budgetSide.lock }, opening));
  const schedule = beside.use(startSchedule({ config, log, budgetSide, queue, store }, opening));
  let state: ConsumerState | undefined;
  await using served = await serveWorker({
    config,
    log,
    queue: queue.served,
    isStoreEmbedded: store.clickhouse.transport === "embedded",
    state: () => state,
    health: workerHealth({ queue: queue.queue, watch, heartbeat, storeHealth: () => store.health() }),
    breakers: assembled.breakers,
    schedule: () => schedule.state(),
  });
  log.info("worker ready", {
    http: served.url,
    ...(served.storeUrl === undefined ? {} : { storeHttp: served.storeUrl }),
    queue: config.mode === "servers" ? "kafka" : config.embedded.folder,
    topic: config.worker.topic,
    group: config.worker.groupId,
    store: store.clickhouse.transport,
    engine: store.clickhouse.serverVersion(),
    budget: config.redis.host === undefined ? "process" : "redis",
    providers: config.providers.chain,
    schedule: config.schedule.enabled ? "on" : "off",
  });
  heartbeat.alsoSaying(() => ({
    outages: assembled.breakers().filter((breaker) => breaker.state !== "closed"),
    ...(state === undefined ? {} : describeHeld(state)),
  }));
  heartbeat.running();
  hooks.onReady?.(served);
  // What a provider's outage holds up gets no call in time, and a drain does not wait for it.
  closing.use(onAbort(intake, assembled.letGoInOutages));
  closing.use(sayStopping(intake, () => state, config.worker.drainMs, log));
  const report = await scope.run(() =>
    runWorker(
      {
        group: config.worker.groupId,
        queue: queue.queue,
        deadLetters: queue.deadLetters,
        outcomes: store.outcomes,
        perform: assembled.perform,
        clock: systemClock,
        log,
        limits: {
          messagesMax: config.worker.windowMessages,
          bytesMax: config.worker.windowBytes,
          messageDeadlineMs: config.worker.messageDeadlineMs,
        },
        // What is fetched while nothing can be stored only fills memory.
        mayTake: () => !isAnyAway(),
        // Units that a provider's outage holds up rest, so only the store counts for all.
        outageMs: createOutageTime(isAnyAway, systemClock),
        parseLimits: { bytesMax: config.worker.messageBytesMax, codesMax: config.worker.codesMax },
        attemptsMax: config.worker.retryAttempts,
        retryWaits: retryWaitsOf(config),
        around: hooks.watch?.around,
        onSettled: (record) => {
          heartbeat.settled(record);
          hooks.watch?.onSettled?.(record);
        },
        onState: (now) => {
          state = now;
          hooks.watch?.onState?.(now);
          heartbeat.turned();
        },
      },
      intake,
      work,
    ),
  );
  log.info("worker drained", { dropped: report.dropped, isCommitted: report.isCommitted });
}

/** The engine in this process is there as long as the process is, and may still be short of memory. */
function watched({ clickhouse, ...store }: StoreSide): readonly Dependency[] {
  const ask = async (signal: AbortSignal): Promise<void> => {
    await clickhouse.query("SELECT 1", {}, signal);
  };
  const writes = { name: "clickhouse writes", ask: () => store.askWrites() };
  return clickhouse.transport === "embedded" ? [writes] : [{ name: "clickhouse", ask }, writes];
}
