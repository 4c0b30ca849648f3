import type { Clock } from "../base/clock.ts";
import { describeError, PermanentError, TransientError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { DeadLetterReason } from "../domain/dead-letter.ts";
import { SHANGHAI } from "../domain/day.ts";
import { WORKER_STATUS } from "../domain/enums.ts";
import type { Beat, Heartbeats, SeenBeat, WorkerIdentity, WorkerStatus } from "../ports/heartbeats.ts";
import type { OutcomeRecord } from "../ports/store.ts";
import { isAlive } from "./is-alive.ts";

export interface HeartbeatOptions {
  readonly heartbeats: Heartbeats;
  readonly worker: WorkerIdentity;
  readonly version: string;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The consume loop turns several times a second; one that did not for so long is stuck. */
const STUCK_MS = 60_000;
const LAST_BEAT_MS = 2_000;

/** Dead letters that are not the sender's doing. */
const OUR_ERRORS: ReadonlySet<DeadLetterReason> = new Set([
  "defect",
  "attempts-exhausted",
  "deadline",
  "outage",
  "provider-refused",
  "provider-rejected",
]);

const NUMBERS: Readonly<Record<WorkerStatus, number>> = {
  stopped: WORKER_STATUS.STOPPED,
  starting: WORKER_STATUS.STARTING,
  running: WORKER_STATUS.RUNNING,
  stopping: WORKER_STATUS.STOPPING,
  error: WORKER_STATUS.ERROR,
};

/**
 * Claims the node id and says from then on, every `intervalMs` and at each change, how the worker is: *starting* until
 * `running()`, *running* while its loop turns, *error* while it is stuck, *stopping* from the moment `intake` aborts, and
 * at the end *stopped*, or *error* when it fails. PermanentError (settings) when another living process has the id. While
 * the place of heartbeats is away the worker goes on, and the beats come back with it.
 */
export async function startHeartbeat(options: HeartbeatOptions, intake: AbortSignal): Promise<Heartbeat> {
  const heartbeat = new Heartbeat(options);
  await heartbeat.claim(intake);
  heartbeat.begin(intake);
  return heartbeat;
}

export class Heartbeat implements AsyncDisposable {
  readonly #options: HeartbeatOptions;
  readonly #startedMs: number;
  readonly #ended = new AbortController();
  readonly #counts = { processed: 0, failed: 0, written: 0, errors: 0 };
  #status: WorkerStatus = "starting";
  #turnedMs = 0;
  #lastMessageAt = "";
  #lastError = "";
  #isAway = false;
  #isContested = false;
  #beating: Promise<void> = Promise.resolve();
  #looping: Promise<void> = Promise.resolve();
  #unlisten: () => void = () => undefined;
  #more: () => Readonly<Record<string, unknown>> = () => ({});

  /** Use `startHeartbeat`. */
  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#startedMs = options.clock.elapsedMs();
  }

  async claim(signal: AbortSignal): Promise<void> {
    const { heartbeats, worker } = this.#options;
    try {
      let holder = await heartbeats.put(this.#beat(), undefined, signal);
      if (holder !== undefined && isGone(holder, worker)) {
        holder = await heartbeats.put(this.#beat(), holder, signal);
      }
      if (holder !== undefined) {
        throw new PermanentError(describeHolder(holder, worker), "settings");
      }
    } catch (error) {
      if (!(error instanceof TransientError)) {
        throw error;
      }
      this.#sayAway(error);
    }
  }

  begin(intake: AbortSignal): void {
    const stop = (): void => this.#say("stopping");
    intake.addEventListener("abort", stop, { once: true });
    this.#unlisten = () => intake.removeEventListener("abort", stop);
    this.#looping = this.#loop();
  }

  /** Everything is open, and messages are taken from now on. */
  running(): void {
    this.turned();
    if (this.#status === "starting") {
      this.#say("running");
    }
  }

  /** Fields of every beat from now on, beside those of its own. */
  alsoSaying(more: () => Readonly<Record<string, unknown>>): void {
    this.#more = more;
  }

  /** The consume loop has just turned. */
  turned(): void {
    this.#turnedMs = this.#options.clock.elapsedMs();
  }

  /** Since the consume loop last turned. */
  get turnedAgoMs(): number {
    return this.#options.clock.elapsedMs() - this.#turnedMs;
  }

  /** The loop should turn and does not. */
  get isStuck(): boolean {
    return this.#status === "running" && this.turnedAgoMs > STUCK_MS;
  }

  /** The last beat could not be written. */
  get isAway(): boolean {
    return this.#isAway;
  }

  settled({ outcome, command, settledAtMs, reason }: OutcomeRecord): void {
    const counts = this.#counts;
    counts.processed += 1;
    counts.written += command === "sync-bars" ? outcome.rows.new + outcome.rows.revised : 0;
    this.#lastMessageAt = new Date(settledAtMs).toISOString();
    if (reason !== undefined) {
      counts.failed += 1;
      counts.errors += OUR_ERRORS.has(reason) ? 1 : 0;
      this.#lastError = `message set aside: ${reason}`;
    }
  }

  /** Runs the worker; what it throws is the last word of the heartbeat. */
  async during<T>(work: () => Promise<T>, intake: AbortSignal): Promise<T> {
    try {
      const result = await work();
      this.#status = "stopped";
      return result;
    } catch (error) {
      // Told to stop while it still waited for something is no failure.
      const isAsked = intake.aborted && error === intake.reason;
      this.#status = isAsked ? "stopped" : "error";
      this.#lastError = isAsked ? this.#lastError : describeError(error);
      throw error;
    }
  }

  /** The last beat stays for its normal time, so that readers see who left, and how. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#unlisten();
    this.#ended.abort();
    await this.#looping;
    await this.#beating;
    await this.#put(AbortSignal.timeout(LAST_BEAT_MS));
  }

  #say(status: WorkerStatus): void {
    this.#status = status;
    void this.#beatOnce();
  }

  async #loop(): Promise<void> {
    const { clock, intervalMs } = this.#options;
    while (!this.#ended.signal.aborted) {
      await clock.sleep(intervalMs, this.#ended.signal).catch(() => undefined);
      if (!this.#ended.signal.aborted) {
        await this.#beatOnce();
      }
    }
  }

  /** One after the other, so that an older word never stands after a newer one. */
  #beatOnce(): Promise<void> {
    this.#beating = this.#beating.then(() => (this.#ended.signal.aborted ? undefined : this.#put(this.#ended.signal)));
    return this.#beating;
  }

  async #put(signal: AbortSignal): Promise<void> {
    const { heartbeats, log } = this.#options;
    try {
      const holder = await heartbeats.put(this.#beat(), undefined, signal);
      if (holder !== undefined && !this.#isContested) {
        const { host, pid } = holder;
        log.error("another worker has our node id", { nodeId: holder.nodeId, host, pid });
      }
      this.#isContested = holder !== undefined;
      if (this.#isAway) {
        this.#isAway = false;
        log.info("heartbeat is back");
      }
    } catch (error) {
      if (!this.#ended.signal.aborted) {
        this.#sayAway(error);
      }
    }
  }

  #sayAway(error: unknown): void {
    if (!this.#isAway) {
      this.#isAway = true;
      this.#options.log.warn("heartbeat is not written, work goes on", { why: describeError(error) });
    }
  }

  #beat(): Beat {
    const { worker, version, clock } = this.#options;
    const { processed, failed, written, errors } = this.#counts;
    const stats = {
      messages_processed: processed,
      messages_failed: failed,
      bars_written: written,
      errors,
    };
    const isStuck = this.isStuck;
    const status = isStuck ? "error" : this.#status;
    const fields = {
      timestamp: clock
        .now()
        .toZonedDateTimeISO(SHANGHAI)
        .toString({ timeZoneName: "never", smallestUnit: "millisecond" }),
      component_type: "data_worker",
      component_id: worker.nodeId,
      node_id: worker.nodeId,
      host: worker.host,
      pid: worker.pid,
      status,
      status_code: NUMBERS[status],
      ...stats,
      last_message_time: this.#lastMessageAt === "" ? null : this.#lastMessageAt,
      last_error: isStuck ? "the consume loop is stuck" : this.#lastError === "" ? null : this.#lastError,
      uptime_seconds: Math.floor((clock.elapsedMs() - this.#startedMs) / 1_000),
      stats,
      ...this.#more(),
      version,
      is_ended: this.#ended.signal.aborted,
    };
    return { worker, fields };
  }
}

/** A process of this machine that is not there any more left its beat behind. */
function isGone({ host, pid }: SeenBeat, worker: WorkerIdentity): boolean {
  return host === worker.host && pid !== undefined && !isAlive(pid);
}

function describeHolder({ host, pid, beatAtMs, leftMs }: SeenBeat, { nodeId }: WorkerIdentity): string {
  const where = `${host ?? "an unknown host"}, process ${pid ?? "unknown"}`;
  const when = beatAtMs === undefined ? "at an unknown time" : `at ${new Date(beatAtMs).toISOString()}`;
  return (
    `starting as node ${nodeId}: a worker of that id lives on ${where}, its last beat was ${when}; ` +
    `give this one an id of its own with node.id or GINKGO_NODE_ID, or stop the other, whose beat is gone after ${Math.ceil(leftMs / 1_000)} s of silence`
  );
}
