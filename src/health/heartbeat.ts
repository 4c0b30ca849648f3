import type { Clock } from "../base/clock.ts";
import { describeError, PermanentError, TransientError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { SHANGHAI } from "../domain/day.ts";
import { WORKER_STATUS } from "../domain/enums.ts";
import type { Beat, Heartbeats, SeenBeat, WorkerIdentity } from "../ports/heartbeats.ts";
import type { OutcomeRecord } from "../ports/store.ts";
import { isAlive } from "./is-alive.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { isOurError } from "./our-errors.ts";

export interface HeartbeatOptions {
  readonly heartbeats: Heartbeats;
  readonly worker: WorkerIdentity;
  readonly version: string;
  readonly intervalMs: number;
  readonly lifecycle: Lifecycle;
  /** Leaves secrets out of what errors say. */
  readonly redact: (text: string) => string;
  readonly clock: Clock;
  readonly log: Log;
}

const LAST_BEAT_MS = 2_000;

/**
 * Claims the node id and says from then on, every `intervalMs` and at each change of the lifecycle, how the worker is; the
 * last beat goes out at its disposal. PermanentError (settings) when another living process has the id. While the place of
 * heartbeats is away the worker goes on, and the beats come back with it.
 */
export async function startHeartbeat(options: HeartbeatOptions, intake: AbortSignal): Promise<Heartbeat> {
  const heartbeat = new Heartbeat(options);
  await heartbeat.claim(intake);
  heartbeat.begin();
  return heartbeat;
}

/** Of messages and bars; `errors` are failures that are not the sender's doing. */
export interface BeatCounts {
  readonly processed: number;
  readonly failed: number;
  readonly written: number;
  readonly errors: number;
}

export class Heartbeat implements AsyncDisposable {
  readonly #options: HeartbeatOptions;
  readonly #startedMs: number;
  readonly #ended = new AbortController();
  readonly #counts = { processed: 0, failed: 0, written: 0, errors: 0 };
  #lastMessageAt = "";
  #lastError = "";
  #isAway = false;
  #writtenMs: number;
  #isContested = false;
  #beating: Promise<void> = Promise.resolve();
  #looping: Promise<void> = Promise.resolve();
  #listening: Disposable | undefined;
  #more: () => Readonly<Record<string, unknown>> = () => ({});

  /** Use `startHeartbeat`. */
  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#startedMs = options.clock.elapsedMs();
    this.#writtenMs = this.#startedMs;
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
      this.#writtenMs = this.#options.clock.elapsedMs();
    } catch (error) {
      if (!(error instanceof TransientError)) {
        throw error;
      }
      this.#sayAway(error);
    }
  }

  begin(): void {
    this.#listening = this.#options.lifecycle.onChange(() => void this.#beatOnce());
    this.#looping = this.#loop();
  }

  /** Fields of every beat from now on, beside those of its own. */
  alsoSaying(more: () => Readonly<Record<string, unknown>>): void {
    this.#more = more;
  }

  /** The last beat could not be written. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Another worker has our node id, so that its beats stand where ours should. */
  get isContested(): boolean {
    return this.#isContested;
  }

  /** Since the last beat that was written, or the start. */
  get writtenAgoMs(): number {
    return this.#options.clock.elapsedMs() - this.#writtenMs;
  }

  /** Beats now, whenever the next one would be due. Resolves when it is written, or cannot be. */
  beat(): Promise<void> {
    return this.#beatOnce();
  }

  /** Since the start. */
  get counts(): BeatCounts {
    return { ...this.#counts };
  }

  settled({ outcome, command, settledAtMs, reason }: OutcomeRecord): void {
    const counts = this.#counts;
    counts.processed += 1;
    counts.written += command === "sync-bars" ? outcome.rows.new + outcome.rows.revised : 0;
    this.#lastMessageAt = new Date(settledAtMs).toISOString();
    if (reason !== undefined) {
      counts.failed += 1;
      counts.errors += isOurError(reason) ? 1 : 0;
      this.#lastError = `message set aside: ${reason}`;
    }
  }

  /** The last beat stays for its normal time, so that readers see who left, and how. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening?.[Symbol.dispose]();
    this.#ended.abort();
    await this.#looping;
    await this.#beating;
    await this.#put(AbortSignal.timeout(LAST_BEAT_MS));
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
      this.#writtenMs = holder === undefined ? this.#options.clock.elapsedMs() : this.#writtenMs;
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
    const { worker, version, clock, lifecycle, redact } = this.#options;
    // First, since looking may change the state.
    const more = this.#more();
    const { state, why } = lifecycle;
    const { processed, failed, written, errors } = this.#counts;
    const stats = {
      messages_processed: processed,
      messages_failed: failed,
      bars_written: written,
      errors,
    };
    const lastError = why === "" ? this.#lastError : redact(why);
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
      status: state.toLowerCase(),
      status_code: WORKER_STATUS[state],
      ...stats,
      last_message_time: this.#lastMessageAt === "" ? null : this.#lastMessageAt,
      last_error: lastError === "" ? null : lastError,
      uptime_seconds: Math.floor((clock.elapsedMs() - this.#startedMs) / 1_000),
      stats,
      ...more,
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
