import type { Clock } from "../base/clock.ts";
import { DataError, PermanentError, TransientError } from "../base/errors.ts";
import { fullJitterMs, type RetryWaits } from "../base/jitter.ts";
import type { Log } from "../base/log.ts";
import { GivenBackError, OverdueError } from "../consumer/handling.ts";
import type { RejectedRow, RowOf } from "../domain/rows.ts";
import type { Call, CodeDataSet, Unit } from "../domain/unit.ts";
import type { Answer } from "../planning/verdict.ts";
import { type Admission, describeSelection, type ProviderLine } from "./provider-line.ts";
import { paceTicket } from "./ticket-pace.ts";
import { RowsInHand } from "./rows-in-hand.ts";
import type { SyncContext } from "./sync-codes.ts";
import { TicketBook, type Delivery, type Fetched, type Planned, type Ticket } from "./ticket-book.ts";

/** What came for a unit since its last part; all parts together hold everything. */
export interface UnitPart<D extends CodeDataSet> {
  readonly fetched: readonly Fetched<D>[];
  readonly rejected: readonly RejectedRow[];
  /** The complete answers behind it, in the order in which they came; at least one. */
  readonly answers: readonly Answer[];
  /** No call is left that would bring more. */
  readonly isLast: boolean;
}

/** Makes a part durable; its rows are in hand until it resolves. Parts of a unit come one after another. */
export type KeepPart<D extends CodeDataSet> = (part: UnitPart<D>) => Promise<void>;

/** What the check stage says of one page. */
export interface CheckedRows<D extends CodeDataSet> {
  readonly rows: readonly RowOf[D][];
  readonly rejected: readonly RejectedRow[];
}

export interface DeskParts<D extends CodeDataSet> {
  readonly line: ProviderLine;
  /** The fewest calls that bring all these units. */
  readonly coalesce: (units: readonly Unit[]) => readonly Planned<D>[];
  /** How many codes the market has now, of which a day's answer should have most; 0 while that is not known. */
  readonly listedCount?: () => number;
  /** `rejected` are the rows of the page that could not be read. */
  readonly check: (rows: readonly RowOf[D][], call: Call<D>, rejected: readonly RejectedRow[]) => CheckedRows<D>;
  /** Keeps rejected rows that are no unit's; durable when it resolves, and waits out what passes. */
  readonly setAside: (rows: readonly RejectedRow[], provenance: Fetched<D>["provenance"]) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: DeskLimits;
  /** Of all desks that share `limits.rowsInHandMax`; this one's alone by default. */
  readonly rowsInHand?: RowsInHand;
  /** Before a whole market that was called wrong is asked for again. */
  readonly retryWaits: RetryWaits;
}

export interface DeskLimits {
  /** Calls of this desk under way at once. */
  readonly callsAtOnceMax: number;
  /**
   * Rows that were fetched and not yet stored; beyond it no call starts, except where the desk has none of them. What is
   * under way by then may still come.
   */
  readonly rowsInHandMax: number;
  /** A first unit waits this long for company. */
  readonly gatherMs: number;
  /** And no longer than this while company keeps coming. */
  readonly gatherMsMax: number;
}

/** A provider that fails on a call so often, and does answer, may be asked for too many codes at once. */
const FAILURES_BEFORE_HALVING = 2;
/** A call for the whole market that is called wrong so often fails all units that wait for it. */
const REFUSALS_MAX = 3;

/** A unit with so many rows in hand hands them over before it is complete: a month of daily rows. */
export const PART_ROWS = 20;

/**
 * Where units of many messages wait for provider calls, one desk for each data set of a provider.
 *
 * A unit waits on the desk until a call slot is free and the budget grants a call; only then is it decided which call
 * that is, over everything that waits by then. So a scarce budget makes calls fuller rather than messages slower. A
 * call that fails for the provider's reasons goes back to the desk and uses up nothing, with its codes in two calls when
 * the provider fails on it again and again, since a list too long fails like that; one that the provider calls wrong is
 * taken apart until the unit at fault stands alone, and only that one fails.
 *
 * A unit may take many calls, as when the whole market is asked for day by day, and it is complete with the last one
 * only. Its rows do not wait for that: they are handed over in parts, so that what is in hand is always on its way to
 * the store, and thousands of long units need no more room than short ones.
 */
export class CallDesk<D extends CodeDataSet> implements AsyncDisposable {
  readonly #parts: DeskParts<D>;
  readonly #book: TicketBook<D>;
  readonly #work: AbortSignal;
  readonly #close = new AbortController();
  #isServing = false;
  #served: Promise<void> = Promise.resolve();
  /** When the first unit came that no gathering has waited for yet, and when the last one came. */
  #firstArrivalMs: number | undefined;
  #lastArrivalMs = 0;
  #callsUnderWay = 0;
  /** How often the provider answered a call with a failure of its own. */
  readonly #failures = new WeakMap<Planned<D>, number>();
  /** How often it called a call wrong. */
  readonly #refusals = new WeakMap<Planned<D>, number>();
  readonly #shared: RowsInHand;
  readonly #endWatch: () => void;
  /** Rows that came, and those among them that were not handed over yet. */
  #rowsInHand = 0;
  #rowsHeld = 0;
  /** Hands over what units hold, one entry a unit. */
  readonly #handOvers = new Set<() => void>();
  /** Why nothing can be fetched here any more: refused credentials or rights. */
  #refused: PermanentError | undefined;
  #wake: (() => void) | undefined;

  constructor(parts: DeskParts<D>, work: AbortSignal) {
    this.#parts = parts;
    this.#book = new TicketBook(parts.coalesce, parts.listedCount);
    this.#work = AbortSignal.any([work, this.#close.signal]);
    this.#shared = parts.rowsInHand ?? new RowsInHand();
    this.#endWatch = this.#shared.watch(() => this.#wake?.());
  }

  /**
   * Resolves when complete answers for every day of the unit have come and all parts of it were kept. Throws DataError
   * (the provider says this request is wrong), MessageError `outage` (the provider was out for longer than the unit may
   * wait), GivenBackError (it is out in a drain), PermanentError (scope provider or api), what `keep` throws, or the
   * signal's reason. Other passing trouble is waited out. The pace rests while no call of the unit is under way.
   *
   * When the signal aborts no call is begun any more. Calls of the unit that are under way may still be answered, and what
   * has come is kept, until `finishing` aborts; without it, and for an overdue message, everything ends at once.
   */
  async fetch(
    unit: Unit,
    keep: KeepPart<D>,
    signal: AbortSignal,
    { pace, finishing = signal, heldUp }: Pick<SyncContext, "pace" | "finishing" | "heldUp"> = {},
  ): Promise<void> {
    if (this.#refused !== undefined) {
      throw this.#refused;
    }
    signal.throwIfAborted();
    const complete = Promise.withResolvers<void>();
    let kept = Promise.resolve();
    const handOver = (isLast = false): void => {
      const { fetched, rejected, answers } = ticket;
      if (answers.length > 0) {
        Object.assign(ticket, { fetched: [], rejected: [], answers: [] });
        this.#rowsHeld -= fetched.length;
        kept = this.#keepAfter(kept, keep, { fetched, rejected, answers, isLast });
        kept.catch(giveUp);
      }
    };
    const { provider, capability } = this.#parts.line;
    const paced = paceTicket<D>(pace, ({ call }) => `${provider} ${capability.api}, ${describeSelection(call)}`);
    const ticket: Ticket<D> = {
      unit,
      fetched: [],
      rejected: [],
      answers: [],
      callsLeft: 0,
      callsUnderWay: 0,
      letGo: undefined,
      ...paced.hooks,
      onAnswer: (rows) => {
        pace?.progress();
        this.#rowsInHand += rows;
        this.#shared.take(rows);
        this.#rowsHeld += rows;
        if (ticket.callsLeft > 0 && ticket.fetched.length >= PART_ROWS) {
          handOver();
        }
      },
      settle: (error) => {
        ticket.settle = undefined;
        paced.end();
        signal.removeEventListener("abort", onAbort);
        finishing.removeEventListener("abort", onFinish);
        endWatch();
        this.#handOvers.delete(handOver);
        if (error === undefined) {
          handOver(true);
          complete.resolve();
        } else {
          if (ticket.letGo !== undefined && !finishing.aborted) {
            handOver();
          }
          this.#letGo(ticket.fetched.length);
          this.#rowsHeld -= ticket.fetched.length;
          ticket.fetched = [];
          complete.reject(error);
        }
      },
    };
    const giveUp = (error: unknown): void => {
      this.#book.drop(ticket);
      ticket.settle?.(error);
    };
    const end = (error: unknown): void => {
      if (finishing.aborted || error instanceof OverdueError) {
        giveUp(error);
      } else {
        this.#book.letGo(ticket, error);
      }
    };
    const onFinish = (): void => giveUp(finishing.reason);
    const onAbort = (): void => {
      end(signal.reason);
      if (ticket.settle !== undefined) {
        finishing.addEventListener("abort", onFinish, { once: true });
      }
    };
    const onOutage = (error: unknown): void => (error instanceof GivenBackError ? end : giveUp)(error);
    const endWatch = this.#parts.line.watch(onOutage, heldUp);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#handOvers.add(handOver);
    this.#book.add(ticket);
    this.#lastArrivalMs = this.#parts.clock.elapsedMs();
    this.#firstArrivalMs ??= this.#lastArrivalMs;
    this.#wake?.();
    if (!this.#isServing) {
      this.#isServing = true;
      this.#served = this.#serve();
    }
    try {
      await complete.promise;
    } catch (error) {
      if (ticket.letGo !== undefined) {
        await kept;
      }
      throw error;
    }
    await kept;
  }

  /** Units that wait for a call. */
  get waiting(): number {
    return this.#book.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close.abort(new TransientError("the desk of provider calls is closed"));
    this.#endWatch();
    await this.#served;
  }

  /** Runs while anything waits or is under way. Never throws: an abort or a defect here ends every unit on the desk. */
  async #serve(): Promise<void> {
    const { limits, line } = this.#parts;
    try {
      while (this.#book.hasCalls || this.#callsUnderWay > 0) {
        await this.#gather();
        const hasRoom = this.#callsUnderWay < limits.callsAtOnceMax && this.#hasRoomForRows();
        if (!this.#book.hasCalls || !hasRoom) {
          await this.#change();
          continue;
        }
        const admission = await line.admit(this.#work);
        const planned = this.#book.take();
        if (planned === undefined) {
          line.giveBack(admission);
        } else {
          this.#callsUnderWay += 1;
          void this.#run(planned, admission);
        }
      }
    } catch (error) {
      this.#book.failAll(error);
    } finally {
      this.#isServing = false;
    }
  }

  async #keepAfter(earlier: Promise<void>, keep: KeepPart<D>, part: UnitPart<D>): Promise<void> {
    try {
      await earlier;
      await keep(part);
    } finally {
      this.#letGo(part.fetched.length);
    }
  }

  /** Where there is none, everything in hand is on its way to the store: a desk with nothing to store may always ask. */
  #hasRoomForRows(): boolean {
    if (this.#shared.rows < this.#parts.limits.rowsInHandMax) {
      return true;
    }
    if (this.#rowsHeld > 0) {
      for (const handOver of this.#handOvers) {
        handOver();
      }
    }
    return this.#rowsInHand === 0;
  }

  #letGo(rows: number): void {
    this.#rowsInHand -= rows;
    this.#shared.letGo(rows);
    this.#wake?.();
  }

  /** Messages come in bursts; a short wait lets one call serve a burst instead of its first message. */
  async #gather(): Promise<void> {
    const { clock, limits } = this.#parts;
    while (this.#firstArrivalMs !== undefined) {
      const nowMs = clock.elapsedMs();
      const untilQuietMs = this.#lastArrivalMs + limits.gatherMs - nowMs;
      const leftMs = this.#firstArrivalMs + limits.gatherMsMax - nowMs;
      if (untilQuietMs <= 0 || leftMs <= 0) {
        this.#firstArrivalMs = undefined;
      } else {
        await clock.sleep(Math.min(untilQuietMs, leftMs), this.#work);
      }
    }
  }

  /** Until a unit comes, a call ends, rows are let go or the work is dropped. */
  async #change(): Promise<void> {
    this.#work.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#wake = wake;
    this.#work.addEventListener("abort", wake, { once: true });
    await promise;
    this.#work.removeEventListener("abort", wake);
    this.#wake = undefined;
    this.#work.throwIfAborted();
  }

  async #run(planned: Planned<D>, admission: Admission): Promise<void> {
    try {
      const { page, callId, version } = await this.#parts.line.ask(planned.call, admission, this.#work);
      const checked = this.#parts.check(page.rows, planned.call, page.rejected);
      await this.#deliver(planned, {
        evidence: { provider: this.#parts.line.provider, callId, version },
        received: page.received,
        rows: checked.rows,
        rejected: [...page.rejected, ...checked.rejected],
        rest: page.rest,
        ...(page.suspensions === undefined ? {} : { suspensions: page.suspensions }),
      });
    } catch (error) {
      await this.#recover(planned, error);
    }
    this.#callsUnderWay -= 1;
    this.#wake?.();
  }

  /** Strays go first, so that they are kept before the last message of the call is settled. */
  async #deliver(planned: Planned<D>, delivery: Delivery<D>): Promise<void> {
    const { callId, version } = delivery.evidence;
    try {
      const strays = this.#book.straysOf(planned, delivery.rejected);
      if (strays.length > 0) {
        await this.#parts.setAside(strays, { callId, version });
      }
    } catch (error) {
      this.#book.fail(planned, error);
      return;
    }
    this.#book.deliver(planned, delivery);
  }

  /** Decides by the kind of the error what becomes of the call; whatever fails here fails the call's units. */
  async #recover(planned: Planned<D>, error: unknown): Promise<void> {
    try {
      this.#work.throwIfAborted();
      this.#book.failed(planned);
      if (error instanceof DataError) {
        await this.#narrowOrFail(planned, error);
      } else if (error instanceof TransientError) {
        await this.#parts.line.waitOut(planned.call, error, this.#work);
        if (error.isAnswered && this.#failsAgain(planned)) {
          this.#book.putBackHalved(planned);
        } else {
          this.#book.putBack(planned);
        }
      } else if (error instanceof PermanentError) {
        this.#refused = error;
        const { provider, capability } = this.#parts.line;
        this.#parts.log.error("provider refuses", { provider, api: capability.api, why: error.message });
        this.#book.failAll(error);
      } else {
        this.#book.fail(planned, error);
      }
    } catch (failure) {
      this.#book.fail(planned, failure);
    }
  }

  /**
   * The provider calls the request wrong: a list of codes is cut in two until the unit at fault stands alone. A whole
   * market cannot be cut, and asking for its units one by one costs a call for each, so it is asked for again a few times.
   */
  async #narrowOrFail(planned: Planned<D>, error: DataError): Promise<void> {
    const isShared = this.#book.countWaiting(planned) > 1;
    if (isShared && planned.call.selection.by === "codes") {
      this.#book.putBackHalved(planned);
      return;
    }
    const refusals = (this.#refusals.get(planned) ?? 0) + 1;
    this.#refusals.set(planned, refusals);
    if (!isShared || refusals >= REFUSALS_MAX) {
      this.#book.fail(planned, error);
      return;
    }
    const { clock, log, line, retryWaits } = this.#parts;
    const waitMs = fullJitterMs(refusals, retryWaits);
    log.warn("call refused, trying again", {
      provider: line.provider,
      api: line.capability.api,
      selection: describeSelection(planned.call),
      attempt: refusals,
      waitMs: Math.round(waitMs),
      why: error.message,
    });
    await clock.sleep(waitMs, this.#work);
    this.#book.putBack(planned);
  }

  #failsAgain(planned: Planned<D>): boolean {
    const failures = (this.#failures.get(planned) ?? 0) + 1;
    this.#failures.set(planned, failures);
    return failures >= FAILURES_BEFORE_HALVING;
  }
}
