import type { Clock } from "../base/clock.ts";
import { withDeadline } from "../base/deadline.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { AlertPace } from "../ports/alert-pace.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { AlertKind, Notification } from "./notification.ts";

export interface NotifierOptions {
  readonly compose: (kind: AlertKind, why: string) => Notification;
  /** Resolves when the notification is where it is read. */
  readonly send: (notification: Notification, signal: AbortSignal) => Promise<void>;
  /** What outlives this process; undefined while there is no such thing. */
  readonly pace: () => AlertPace | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly sendMsMax?: number;
  /** How long the end of the worker waits for what is under way. Default 1.5 s. */
  readonly lastMsMax?: number;
}

/** Of two alerts of one kind. */
export const ALERT_PAUSE_MS = 600_000;
const SEND_MS_MAX = 10_000;
const LAST_MS_MAX = 1_500;
const GIVE_BACK_MS_MAX = 500;

/**
 * Tells others that the worker started, stopped or is in error, beside the work: whatever becomes of a notification, the
 * work neither waits for it nor fails by it. At most one of each kind in ten minutes; what could not be sent is one line
 * of the log, and the next of its kind may go.
 */
export class Notifier implements AsyncDisposable {
  readonly #options: NotifierOptions;
  readonly #toldMs = new Map<AlertKind, number>();
  readonly #ended = new AbortController();
  /** One after the other; at most one of each kind is under way. */
  #telling: Promise<void> = Promise.resolve();
  #listening: Disposable | undefined;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /** From now on each of these changes is told. */
  follow(lifecycle: Lifecycle): void {
    this.#listening = lifecycle.onChange(({ from, to, why }) => {
      if (to === "RUNNING" && from === "STARTING") {
        this.tell("STARTED");
      } else if (to === "STOPPED") {
        this.tell("STOPPED");
      } else if (to === "ERROR") {
        this.tell("ERROR", why);
      }
    });
  }

  /** Returns at once. */
  tell(kind: AlertKind, why = ""): void {
    const nowMs = this.#options.clock.elapsedMs();
    const toldMs = this.#toldMs.get(kind);
    if (this.#ended.signal.aborted || (toldMs !== undefined && nowMs - toldMs < ALERT_PAUSE_MS)) {
      return;
    }
    this.#toldMs.set(kind, nowMs);
    this.#telling = this.#telling.then(() => this.#tell(kind, why));
  }

  /** Waits until what is under way was sent, for `lastMsMax` at most. */
  async flush(): Promise<void> {
    const { clock, lastMsMax = LAST_MS_MAX } = this.#options;
    await withDeadline(this.#telling, lastMsMax, "sending notifications", clock).catch(() => undefined);
  }

  /**
   * Tells nothing more. Waits until what is under way was sent, for `lastMsMax` at most; what was not sent by then may be
   * told by the next process, so this comes before the place of `pace` is closed.
   */
  async end(): Promise<void> {
    this.#listening?.[Symbol.dispose]();
    await this.flush();
    this.#ended.abort();
    await this.#telling;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  /** Never rejects. */
  async #tell(kind: AlertKind, why: string): Promise<void> {
    const { compose, send, clock, log, sendMsMax = SEND_MS_MAX } = this.#options;
    const over = new AbortController();
    const signal = AbortSignal.any([this.#ended.signal, over.signal]);
    try {
      if (await this.#mayTell(kind, signal)) {
        await withDeadline(send(compose(kind, why), signal), sendMsMax, `sending ${kind}`, clock, signal);
      }
    } catch (error) {
      log.warn("notification could not be sent, work goes on", { kind, why: describeError(error) });
      this.#toldMs.delete(kind);
      await this.#giveBack(kind);
    } finally {
      over.abort();
    }
  }

  /** Also at the end, when everything else is told to give up. */
  async #giveBack(kind: AlertKind): Promise<void> {
    const over = new AbortController();
    const giving = this.#options.pace()?.giveBack(kind, over.signal) ?? Promise.resolve();
    await withDeadline(giving, GIVE_BACK_MS_MAX, `giving back ${kind}`, this.#options.clock).catch(() => undefined);
    over.abort();
  }

  async #mayTell(kind: AlertKind, signal: AbortSignal): Promise<boolean> {
    try {
      return (await this.#options.pace()?.take(kind, signal)) ?? true;
    } catch (error) {
      this.#options.log.debug("whether an alert was told before is not known", { kind, why: describeError(error) });
      return true;
    }
  }
}
