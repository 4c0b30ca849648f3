import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { onAbort } from "../base/on-abort.ts";
import type { Shutdown } from "../base/shutdown.ts";
import { openWorkScope } from "../base/work-scope.ts";
import { createRedactor } from "../base/redact.ts";
import { type Config, secretsOf } from "../config.ts";
import { providersInUse } from "../domain/chain-rule.ts";
import type { ConsumerReport } from "../consumer/run-consumer.ts";
import { type Dependency, DependencyWatch } from "../health/dependency-watch.ts";
import type { HealthChecks } from "../health/health-report.ts";
import type { Heartbeat } from "../health/heartbeat.ts";
import { Lifecycle } from "../health/lifecycle.ts";
import { liveThrough } from "../health/live-through.ts";
import { createOutageTime } from "../health/outage-time.ts";
import type { AlertPace } from "../ports/alert-pace.ts";
import type { BreakerSeen } from "../worker/provider-gate.ts";
import type { EndedCall } from "../worker/provider-line.ts";
import { runWorker, type WorkerParts } from "../worker/run-worker.ts";
import { assembleWorker, type AssembleParts } from "./assemble-worker.ts";
import type { WorkerAddresses } from "./demo-api.ts";
import { checkFolder } from "./folder-marker.ts";
import { type BudgetSide, openBudgetSide } from "./open-budget.ts";
import { openHeartbeat } from "./open-heartbeat.ts";
import { openNotifier } from "./open-notifier.ts";
import { WorkerMetrics } from "./metrics/worker-metrics.ts";
import { kafkaConnection } from "./open-kafka.ts";
import { checkProviders, openProviders } from "./open-providers.ts";
import { abilitiesOf } from "./provider-table.ts";
import { openQueueSide } from "./open-queue.ts";
import { openStoreSide, type StoreSide } from "./open-store.ts";
import { clickhouseAt, queueAt, redisAt } from "./places.ts";
import { checkPemFiles } from "./read-pem.ts";
import { retryWaitsOf } from "./retry-waits.ts";
import { sayStopping } from "./say-stopping.ts";
import { startSchedule } from "./schedule/start-schedule.ts";
import { serveWorker } from "./serve-worker.ts";
import { startOutageRedrive } from "./start-outage-redrive.ts";
import { callsNow, type CallsSeen } from "./status/calls-seen.ts";
import { describeHeld } from "./status/held.ts";
import { openWorkerTraces, type WorkerTraces, withTraces } from "./traces/worker-traces.ts";
import { untilThere } from "./until-there.ts";
import { workerHealth } from "./worker-health.ts";
import { type WatchLimits, WorkerWatch } from "./worker-watch.ts";

/**
 * `reached` is only for tests that end a worker at a named point, `watch` for those that keep a trace of its handlers,
 * `limits` for those that cannot wait for minutes.
 */
export interface StartHooks {
  readonly reached?: AssembleParts["reached"];
  readonly watch?: Pick<WorkerParts, "around" | "onSettled" | "onState">;
  readonly limits?: Partial<WatchLimits> | undefined;
  /** Of whoever wants to know the worker's state; one of its own by default. */
  readonly lifecycle?: Lifecycle;
  /** What the worker says of itself, from the moment it can say anything. */
  readonly onHealth?: (checks: HealthChecks) => void;
  readonly onReady?: ((addresses: WorkerAddresses) => void) | undefined;
}

/**
 * The worker: opens its parts downward, runs until `intake` aborts, closes them upward. Settings are checked before
 * anything is opened; a dependency that is away is waited for; what needs a person is thrown. Nothing of the process is
 * touched: no signal, no exit, no global state.
 */
export async function startWorker(
  config: Config,
  log: Log,
  shutdown: Shutdown,
  hooks: StartHooks = {},
): Promise<ConsumerReport> {
  const { intake, work } = shutdown;
  const lifecycle = hooks.lifecycle ?? new Lifecycle();
  const redactor = createRedactor(secretsOf(config));
  const redact = (text: string): string => redactor.text(text);
  // What tells of the end is closed after it.
  await using closing = new AsyncDisposableStack();
  let heartbeat: Heartbeat | undefined;
  let pace: AlertPace | undefined;
  const notifier = openNotifier({ config, log, redact, pace: () => pace, counts: () => heartbeat?.counts });
  closing.use(notifier);
  notifier?.follow(lifecycle);
  return await liveThrough(
    lifecycle,
    async () => {
      await checkSettings(config);
      const traces = await openWorkerTraces(config, redact, log);
      if (traces !== undefined) {
        closing.use(traces);
      }
      // A stop while dependencies are waited for ends the waiting; once the worker runs, only `work` drops what is in hand.
      const opening = AbortSignal.any([intake, work]);
      const patience = { waitMs: config.worker.startWaitMs, clock: systemClock, log };
      const budgetSide = closing.use(
        await untilThere(redisAt(config), () => openBudgetSide(config, log, opening), patience, opening),
      );
      pace = budgetSide.alertPace;
      closing.defer(() => notifier?.end());
      heartbeat = closing.use(
        await openHeartbeat({ config, heartbeats: budgetSide.heartbeats, lifecycle, redact, log }, intake),
      );
      return await workUntilStopped({ config, log, redact, shutdown, hooks, lifecycle, traces, budgetSide, heartbeat });
    },
    intake,
  );
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
  readonly redact: (text: string) => string;
  readonly shutdown: Shutdown;
  readonly hooks: StartHooks;
  readonly lifecycle: Lifecycle;
  readonly traces: WorkerTraces | undefined;
  readonly budgetSide: BudgetSide;
  readonly heartbeat: Heartbeat;
}

async function workUntilStopped(starting: Starting): Promise<ConsumerReport> {
  const { config, log, redact, shutdown, hooks, lifecycle, traces, budgetSide, heartbeat } = starting;
  const { intake } = shutdown;
  const scope = openWorkScope(shutdown.work);
  const work = scope.signal;
  const opening = AbortSignal.any([intake, work]);
  const patience = { waitMs: config.worker.startWaitMs, clock: systemClock, log };
  using metrics = new WorkerMetrics(config);
  const onCall = (ended: EndedCall): void => {
    metrics.onCall(ended);
    traces?.onCall(ended);
  };
  const providers = openProviders(config, budgetSide.budget, log, {
    onCall,
    onWait: metrics.onWait,
    fleetLock: config.redis.host === undefined ? undefined : budgetSide.lock,
  });
  await using closing = new AsyncDisposableStack();
  for (const provider of providers) {
    closing.use(provider);
  }
  // The embedded queue's file is what one worker in a folder holds, so it comes before the engine in that folder.
  await using queue = await untilThere(queueAt(config), () => openQueueSide(config, log, opening), patience, opening);
  const openStore = (): Promise<StoreSide> => openStoreSide(config, log, work, metrics.onSent);
  await using store = await untilThere(clickhouseAt(config), openStore, patience, opening);
  const rows = metrics.withRowCounts(store.store);
  const watched = { ...store, store: traces?.store(rows) ?? rows };
  await using assembled = assembleWorker(
    {
      config,
      store: watched,
      providers,
      abilities: abilitiesOf(config),
      lock: budgetSide.lock,
      log,
      aroundDesk: traces?.desk,
      ...hooks,
    },
    work,
  );
  await using watch = new DependencyWatch({
    dependencies: dependenciesOf(store),
    clock: systemClock,
    log,
    onRefused: (error) => scope.fail(error),
  });
  const isAnyAway = (): boolean => watch.isAnyAway || store.health().isAway;
  await using beside = new AsyncDisposableStack();
  beside.use(startOutageRedrive({ config, log, providers, queue, store, lock: budgetSide.lock }, opening));
  const schedule = beside.use(startSchedule({ config, log, budgetSide, queue, store }, opening));
  await using worker = new WorkerWatch({
    lifecycle,
    queue: queue.queue,
    clock: systemClock,
    log,
    limits: hooks.limits,
    lagEveryMs: config.metrics.lagEveryMs,
    onLag: metrics.onLag,
  });
  const breakers = (): readonly BreakerSeen[] =>
    assembled.breakers().map((seen) => (seen.why === undefined ? seen : { ...seen, why: redact(seen.why) }));
  const health = workerHealth({
    lifecycle,
    queue: queue.queue,
    watch,
    heartbeat,
    beatAgeMsMax: 2 * config.heartbeat.ttlMs,
    worker,
    storeHealth: () => store.health(),
    breakers,
    redact,
  });
  hooks.onHealth?.(health);
  const { budget } = budgetSide;
  const calls = (): readonly CallsSeen[] =>
    callsNow(
      providers.flatMap(({ lines }) => lines),
      budget.states(),
    );
  const state = (): typeof worker.state => worker.state;
  beside.use(metrics.watch({ store, budget, breakers, watch, state, log }));
  await using served = await serveWorker({
    config,
    log,
    queue: queue.served,
    isStoreEmbedded: store.clickhouse.transport === "embedded",
    state,
    health,
    breakers,
    calls,
    schedule: () => schedule.state(),
    metrics: metrics.routes(),
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
    providers: providersInUse(config.providers),
    schedule: config.schedule.enabled ? "on" : "off",
  });
  heartbeat.alsoSaying(() => {
    worker.progress.look();
    return {
      outages: breakers().filter((breaker) => breaker.state !== "closed"),
      calls: calls(),
      lag: worker.heldLag === undefined ? null : Number(worker.heldLag),
      ...(worker.state === undefined ? {} : describeHeld(worker.state)),
    };
  });
  // A stop that came while everything was opened is not undone.
  if (lifecycle.state === "STARTING") {
    lifecycle.enter("RUNNING");
    hooks.onReady?.(served);
  }
  // What a provider's outage holds up gets no call in time, and a drain does not wait for it.
  closing.use(onAbort(intake, assembled.letGoInOutages));
  closing.use(sayStopping(intake, () => worker.state, config.worker.drainMs, log));
  const report = await scope.run(() =>
    runWorker(
      {
        group: config.worker.groupId,
        ...withTraces(traces, {
          queue: queue.queue,
          outcomes: store.outcomes,
          perform: assembled.perform,
          around: hooks.watch?.around,
        }),
        deadLetters: queue.deadLetters,
        clock: systemClock,
        log,
        limits: {
          messagesMax: config.worker.windowMessages,
          bytesMax: config.worker.windowBytes,
          messageDeadlineMs: config.worker.messageDeadlineMs,
        },
        // What is fetched while nothing can be stored only fills memory.
        mayTake: () => !isAnyAway(),
        // Units that a provider's outage holds up rest, so only the store and the queue count for all.
        outageMs: createOutageTime(() => isAnyAway() || worker.isQueueAway, systemClock),
        parseLimits: { bytesMax: config.worker.messageBytesMax, codesMax: config.worker.codesMax },
        attemptsMax: config.worker.retryAttempts,
        retryWaits: retryWaitsOf(config),
        onSettled: (record) => {
          heartbeat.settled(record);
          worker.onSettled(record);
          if (record.command === "beat") {
            void heartbeat.beat();
          }
          metrics.settled(record);
          hooks.watch?.onSettled?.(record);
        },
        onState: (now) => {
          worker.onState(now);
          hooks.watch?.onState?.(now);
          metrics.turned(now, !worker.isQueueAway);
        },
      },
      intake,
      work,
    ),
  );
  log.info("worker drained", { dropped: report.dropped, isCommitted: report.isCommitted });
  return report;
}

/** The engine in this process is there as long as the process is, and may still be short of memory. */
function dependenciesOf({ clickhouse, ...store }: StoreSide): readonly Dependency[] {
  const ask = async (signal: AbortSignal): Promise<void> => {
    await clickhouse.query("SELECT 1", {}, signal);
  };
  const writes = { name: "clickhouse writes", ask: () => store.askWrites() };
  return [
    ...(clickhouse.transport === "embedded" ? [] : [{ name: "clickhouse", ask }]),
    writes,
    ...(store.askMySql === undefined ? [] : [{ name: "mysql", ask: store.askMySql }]),
  ];
}
