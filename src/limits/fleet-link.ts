import type { Clock } from "../base/clock.ts";
import type { RedisClient } from "./redis-client.ts";
import type { HelloAnswer } from "./redis-script.ts";

/** How many are taken to share a limit when their number was never heard. */
const WORKERS_WHEN_UNKNOWN = 4;

/** When Redis went away, and how many workers there were. */
export interface Outage {
  /** By Redis' clock, and not too early: no answer came from there afterwards. */
  readonly sinceMicros: number;
  readonly workers: number;
  readonly areKnown: boolean;
}

/** What one worker knows of its tie to Redis and through it to the other workers; it sends nothing. */
export class FleetLink {
  readonly #client: RedisClient;
  readonly #clock: Clock;
  /** How long a worker that is not heard of still counts. */
  readonly #lifetimeMs: number;
  /** Redis time of the last answer and our monotonic clock then. */
  #heard: { readonly micros: number; readonly elapsedMs: number };
  /** How long that answer was under way at most, by which our time lags behind. */
  #lagMicros = 0;
  #isJoined = false;
  #joinedAtMs = 0;
  #socketEpoch = -1;
  #epoch = "";
  #workers: number | undefined;
  #outage: Outage;

  constructor(client: RedisClient, clock: Clock, lifetimeMs: number) {
    this.#client = client;
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
    this.#heard = { micros: clock.nowMs() * 1_000, elapsedMs: clock.elapsedMs() };
    this.#outage = { sinceMicros: this.#heard.micros, workers: WORKERS_WHEN_UNKNOWN, areKnown: false };
  }

  /** Questions go to Redis. */
  get isJoined(): boolean {
    return this.#isJoined;
  }

  /** The one before `isJoined`, or the present one. */
  get outage(): Outage {
    return this.#outage;
  }

  /** The epoch of Redis' memory that this worker has merged into. */
  get epoch(): string {
    return this.#epoch;
  }

  /** True when the connection is another than that which was joined. */
  get isSevered(): boolean {
    return !this.#client.isReady || this.#client.socketEpoch !== this.#socketEpoch;
  }

  /** True once Redis was away, also after it came back. */
  get wasAway(): boolean {
    return this.#outage.areKnown;
  }

  /** How many workers there are, as far as was heard. */
  get workers(): number {
    return this.#workers ?? WORKERS_WHEN_UNKNOWN;
  }

  /** Redis' clock, carried on by our monotonic one. */
  nowMicros(): number {
    return Math.round(this.#heard.micros + (this.#clock.elapsedMs() - this.#heard.elapsedMs) * 1_000);
  }

  /** `askedMs` is when the question was sent, by the monotonic clock. */
  hearTime(micros: number, askedMs: number): void {
    const elapsedMs = this.#clock.elapsedMs();
    this.#heard = { micros, elapsedMs };
    this.#lagMicros = Math.ceil((elapsedMs - askedMs) * 1_000);
  }

  /**
   * After an outage workers come back one by one. Until all have, or those that have not are forgotten, the number
   * before it stands: a second outage right after the first must not find a fleet of one.
   */
  hearWorkers(alive: number): void {
    const isSettled = this.#clock.elapsedMs() - this.#joinedAtMs > this.#lifetimeMs;
    const before = this.#outage.areKnown && !isSettled ? this.#outage.workers : 0;
    this.#workers = Math.max(alive, before);
  }

  /** `socketEpoch` is that of the connection all was told over. */
  join(hello: HelloAnswer, socketEpoch: number): void {
    this.#isJoined = true;
    this.#joinedAtMs = this.#clock.elapsedMs();
    this.#socketEpoch = socketEpoch;
    this.#epoch = hello.epoch;
    this.hearWorkers(hello.workersAlive);
  }

  leave(): Outage {
    this.#isJoined = false;
    this.#outage = {
      sinceMicros: this.nowMicros() + this.#lagMicros,
      workers: this.workers,
      areKnown: this.#workers !== undefined,
    };
    return this.#outage;
  }

  /** True when the log in Redis is that of the whole fleet again: all are back, or nothing older can matter. */
  isFleetComplete(workersSince: number, reachMicros: number): boolean {
    const isWindowOver = (this.#clock.elapsedMs() - this.#joinedAtMs) * 1_000 > reachMicros;
    return isWindowOver || (this.#outage.areKnown && workersSince >= this.#outage.workers);
  }
}
