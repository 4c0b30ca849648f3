import type { Heartbeat } from "../health/heartbeat.ts";
import type { DependencyWatch } from "../health/dependency-watch.ts";
import type { HealthCheck, HealthChecks } from "../health/health-report.ts";
import type { Queue } from "../ports/queue.ts";
import type { StoreHealth } from "../ports/store.ts";

export interface HealthParts {
  readonly queue: Queue;
  readonly watch: DependencyWatch;
  readonly heartbeat: Heartbeat;
  readonly storeHealth: () => StoreHealth;
}

/**
 * What the worker says of itself. Alive means that its loop turns: a dependency that is away never makes it false,
 * since a restart would not bring it back. Ready means that work can be taken: the group, and the store, are there.
 * Without Redis work goes on, so a heartbeat that is not written is a warning.
 */
export function workerHealth({ queue, watch, heartbeat, storeHealth }: HealthParts): HealthChecks {
  return {
    liveness: () => [loopCheck(heartbeat)],
    readiness: () => [
      queueCheck(queue),
      ...watch.states().map(toCheck),
      rowsCheck(watch, storeHealth()),
      beatCheck(heartbeat),
    ],
  };
}

function loopCheck({ isStuck, turnedAgoMs }: Heartbeat): HealthCheck {
  return {
    name: "loop",
    isOk: !isStuck,
    isRequired: true,
    detail: `turned ${Math.round(turnedAgoMs)} ms ago`,
  };
}

function queueCheck(queue: Queue): HealthCheck {
  const { isReady, isFresh, partitions, heardAgoMs, fetchedAgoMs } = queue.health();
  const heard = heardAgoMs === undefined ? "never heard of" : `heard of ${Math.round(heardAgoMs)} ms ago`;
  const fetched = fetchedAgoMs === undefined ? "nothing fetched yet" : `fetched ${Math.round(fetchedAgoMs)} ms ago`;
  const member = isFresh ? "a member of the group" : "no member of the group";
  return {
    name: "queue",
    isOk: isReady,
    isRequired: true,
    detail: `${member}, ${heard}, ${partitions} partitions, ${fetched}`,
  };
}

function toCheck({ name, isAway, awayForMs, why }: ReturnType<DependencyWatch["states"]>[number]): HealthCheck {
  const detail = isAway ? `away for ${Math.round((awayForMs ?? 0) / 1_000)} s: ${why}` : "answers";
  return { name, isOk: !isAway, isRequired: true, detail };
}

function beatCheck({ isAway }: Heartbeat): HealthCheck {
  const detail = isAway ? "is not written, work goes on without it" : "is written";
  return { name: "heartbeat", isOk: !isAway, isRequired: false, detail };
}

/** The longest pause between two tries of the same rows, and a little. */
const TRIES_APART_MS = 35_000;

/** A store can answer and take no rows: its disk is full, a replica is read-only. After an outage the next try tells. */
function rowsCheck(watch: DependencyWatch, { isAway, awayForMs = 0, lastError = "" }: StoreHealth): HealthCheck {
  const thereForMs = Math.min(...watch.states().map(({ thereForMs = 0 }) => thereForMs));
  const isStuck = isAway && Math.min(awayForMs, thereForMs) > TRIES_APART_MS;
  const waiting = `could not be written for ${Math.round(awayForMs / 1_000)} s, tried again: ${lastError}`;
  return { name: "rows", isOk: !isStuck, isRequired: true, detail: isAway ? waiting : "are written" };
}
