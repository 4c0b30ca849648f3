import { nameApi } from "../domain/name-api.ts";
import type { DependencyWatch } from "../health/dependency-watch.ts";
import type { HealthCheck, HealthChecks } from "../health/health-report.ts";
import type { Heartbeat } from "../health/heartbeat.ts";
import type { Lifecycle } from "../health/lifecycle.ts";
import type { Queue } from "../ports/queue.ts";
import type { StoreHealth } from "../ports/store.ts";
import type { BreakerSeen } from "../worker/provider-gate.ts";
import type { WorkerWatch } from "./worker-watch.ts";

export interface HealthParts {
  readonly lifecycle: Lifecycle;
  readonly queue: Queue;
  readonly watch: DependencyWatch;
  readonly heartbeat: Pick<Heartbeat, "isAway" | "isContested" | "writtenAgoMs">;
  /** An older beat than that is none. */
  readonly beatAgeMsMax: number;
  readonly worker: WorkerWatch;
  readonly storeHealth: () => StoreHealth;
  readonly breakers: () => readonly BreakerSeen[];
  /** Whoever can reach the port reads these texts, and some quote what another program answered. */
  readonly redact: (text: string) => string;
}

/**
 * What the worker says of itself. Alive means that its work gets on: a dependency that is away never makes it false,
 * since a restart would not bring it back. Ready means that work can be taken: the worker runs, the group gave it
 * partitions, the store is there, and not everything that it does fails. Without Redis work goes on, so a heartbeat that
 * Redis does not take is a warning; one that is old for any other reason is a failure. A provider that is out is noted: its
 * work waits or goes to the next of the chain.
 */
export function workerHealth(parts: HealthParts): HealthChecks {
  const { lifecycle, queue, watch, worker, storeHealth, breakers, redact } = parts;
  const withoutSecrets = (check: HealthCheck): HealthCheck => ({ ...check, detail: redact(check.detail) });
  return {
    state: () => {
      worker.progress.look();
      return lifecycle.state;
    },
    liveness: () => [progressCheck(worker)].map(withoutSecrets),
    readiness: () =>
      [
        stateCheck(lifecycle, worker),
        queueCheck(queue),
        assignmentCheck(queue, worker),
        commitsCheck(worker),
        ...watch.states().map(toCheck),
        rowsCheck(watch, storeHealth()),
        errorsCheck(worker),
        beatCheck(parts),
      ].map(withoutSecrets),
    notes: () => [...idleNotes(worker), ...breakers().flatMap(outageNotes)].map(redact),
  };
}

function idleNotes({ idleForMs = 0, limits }: WorkerWatch): readonly string[] {
  return idleForMs < limits.idleMs ? [] : [`idle: no message was settled for ${inWords(idleForMs)}`];
}

function outageNotes({ provider, api, state, since = "", why = "" }: BreakerSeen): readonly string[] {
  return state === "closed" ? [] : [`outage: ${nameApi(provider, api)} is out since ${since}: ${why}`];
}

function required(name: string, isOk: boolean, detail: string): HealthCheck {
  return { name, isOk, isRequired: true, detail };
}

function progressCheck({ progress }: WorkerWatch): HealthCheck {
  const trouble = progress.look();
  const getsOn = `the loop turned ${Math.round(progress.turnedAgoMs)} ms ago, nothing is stuck`;
  return required("progress", trouble === undefined, trouble ?? getsOn);
}

function stateCheck(lifecycle: Lifecycle, { progress }: WorkerWatch): HealthCheck {
  progress.look();
  const { state, why } = lifecycle;
  return required("state", state === "RUNNING", why === "" ? state.toLowerCase() : `${state.toLowerCase()}: ${why}`);
}

function queueCheck(queue: Queue): HealthCheck {
  const { isReady, isFresh, partitions, heardAgoMs, fetchedAgoMs } = queue.health();
  const heard = heardAgoMs === undefined ? "never heard of" : `heard of ${Math.round(heardAgoMs)} ms ago`;
  const fetched = fetchedAgoMs === undefined ? "nothing fetched yet" : `fetched ${Math.round(fetchedAgoMs)} ms ago`;
  const member = isFresh ? "a member of the group" : "no member of the group";
  return required("queue", isReady, `${member}, ${heard}, ${partitions} partitions, ${fetched}`);
}

function assignmentCheck(queue: Queue, { unassignedForMs, limits, state }: WorkerWatch): HealthCheck {
  if (unassignedForMs <= limits.unassignedMsMax) {
    const held = state?.partitions.length ?? 0;
    return required("assignment", true, held > 0 ? `${held} partitions` : `none yet, for ${inWords(unassignedForMs)}`);
  }
  const why = queue.health().isFresh ? "other members of the group have them all" : "it is no member of the group";
  return required("assignment", false, `no partition for ${inWords(unassignedForMs)}: ${why}`);
}

function commitsCheck({ state, limits }: WorkerWatch): HealthCheck {
  const failingForMs = state?.commit.failingForMs;
  const detail = failingForMs === undefined ? "the last one was taken" : `have failed for ${inWords(failingForMs)}`;
  return required("commits", (failingForMs ?? 0) <= limits.commitsFailingMsMax, detail);
}

function toCheck({ name, isAway, awayForMs, why }: ReturnType<DependencyWatch["states"]>[number]): HealthCheck {
  return required(name, !isAway, isAway ? `away for ${inWords(awayForMs ?? 0)}: ${why}` : "answers");
}

function errorsCheck(worker: WorkerWatch): HealthCheck {
  const run = worker.errorRun();
  const detail =
    run === undefined
      ? "no run of errors"
      : `the last ${run.failures} messages all failed, none by its sender's fault, the last as ${run.lastReason}`;
  return required("errors", run === undefined, detail);
}

function beatCheck({ heartbeat: { isAway, isContested, writtenAgoMs }, beatAgeMsMax }: HealthParts): HealthCheck {
  const age = `the last one was written ${inWords(writtenAgoMs)} ago`;
  if (isAway) {
    const detail = `is not taken, work goes on without it; ${age}`;
    return { name: "heartbeat", isOk: false, isRequired: false, detail };
  }
  const detail = isContested ? `another worker has our node id; ${age}` : age;
  return required("heartbeat", writtenAgoMs <= beatAgeMsMax, detail);
}

/** The longest pause between two tries of the same rows, and a little. */
const TRIES_APART_MS = 35_000;

/** A store can answer and take no rows: its disk is full, a replica is read-only. After an outage the next try tells. */
function rowsCheck(watch: DependencyWatch, { isAway, awayForMs = 0, lastError = "" }: StoreHealth): HealthCheck {
  const thereForMs = Math.min(...watch.states().map(({ thereForMs = 0 }) => thereForMs));
  const isStuck = isAway && Math.min(awayForMs, thereForMs) > TRIES_APART_MS;
  const waiting = `could not be written for ${inWords(awayForMs)}, tried again: ${lastError}`;
  return required("rows", !isStuck, isAway ? waiting : "are written");
}

function inWords(ms: number): string {
  return ms < 60_000 ? `${Math.round(ms / 100) / 10} s` : `${Math.round(ms / 60_000)} min`;
}
