import type { RejectedRow, RowOf, Suspension } from "../domain/rows.ts";
import type { Call, CodeDataSet, Unit } from "../domain/unit.ts";
import type { Answer } from "../planning/verdict.ts";
import type { Provenance } from "../ports/store.ts";
import { clip, groupByCode, isNobodys, isWantedBy, ofCode, ownerOf, toAnswer, toLostRow } from "./split-answer.ts";

/** A row that passed the checks, with the call that brought it. */
export interface Fetched<D extends CodeDataSet> {
  readonly row: RowOf[D];
  readonly provenance: Pick<Provenance, "version" | "callId">;
}

/** A unit on the desk, and what has come for it and was not handed over yet. */
export interface Ticket<D extends CodeDataSet> {
  readonly unit: Unit;
  fetched: Fetched<D>[];
  rejected: RejectedRow[];
  /** The answers it took part in, in the order in which they came. */
  answers: Answer[];
  /** Told that one of its calls was taken, and that one of those was answered or put back. */
  readonly onTaken?: (planned: Planned<D>) => void;
  readonly onLeft?: () => void;
  /** Told how many rows an answer brought it, when `callsLeft` has been counted down. */
  readonly onAnswer: (rows: number) => void;
  /** Calls that still have to be answered; meaningful once the ticket is bound. */
  callsLeft: number;
  /** Calls that were taken and not answered. */
  callsUnderWay: number;
  /** It was let go: no call is made for it any more, and it ends with the error when none is under way. */
  letGo: { readonly error: unknown } | undefined;
  /** Ends the ticket, once; undefined when it has ended. */
  settle: ((error?: unknown) => void) | undefined;
}

/** A call and the units it brings, or brings a part of. */
export interface PlannedCall<U> {
  readonly call: Call;
  readonly units: readonly U[];
  /** Calls of a lower rank are more urgent, whatever came first; 0 is the most urgent there is. */
  readonly rank: number;
}
export type Planned<D extends CodeDataSet = CodeDataSet> = PlannedCall<Unit> & { readonly call: Call<D> };

interface Open<D extends CodeDataSet> {
  readonly planned: Planned<D>;
  readonly tickets: readonly Ticket<D>[];
}

interface Taken<D extends CodeDataSet> {
  readonly tickets: readonly Ticket<D>[];
  isUnderWay: boolean;
}

export interface Delivery<D extends CodeDataSet> {
  readonly evidence: Answer["evidence"];
  /** Rows of the answer before any check. */
  readonly received: number;
  readonly rows: readonly RowOf[D][];
  readonly rejected: readonly RejectedRow[];
  readonly rest: readonly Call<D>[];
  /** Days of which the answer says that the code did not trade. */
  readonly suspensions?: readonly Suspension[];
}

/**
 * Which units wait, which calls would bring them, and which are bound: a ticket is bound as soon as one of its calls
 * was taken, and from then on its calls are fixed. All others are planned anew whenever units came since.
 */
export class TicketBook<D extends CodeDataSet> {
  readonly #coalesce: (units: readonly Unit[]) => readonly Planned<D>[];
  readonly #listedCount: () => number;
  readonly #free = new Set<Ticket<D>>();
  readonly #taken = new Map<Planned<D>, Taken<D>>();
  /** Calls of bound tickets; of calls as urgent they go first. */
  #bound: Open<D>[] = [];
  /** Calls of free tickets; undefined when units came or went since they were planned. */
  #plan: Open<D>[] | undefined;

  constructor(coalesce: (units: readonly Unit[]) => readonly Planned<D>[], listedCount: () => number = () => 0) {
    this.#coalesce = coalesce;
    this.#listedCount = listedCount;
  }

  get size(): number {
    return this.#free.size;
  }

  get hasCalls(): boolean {
    while (this.#bound[0] !== undefined && !isWanted(this.#bound[0])) {
      this.#bound.shift();
    }
    return this.#bound.length > 0 || this.#free.size > 0;
  }

  add(ticket: Ticket<D>): void {
    this.#free.add(ticket);
    this.#plan = undefined;
  }

  /** Forgets a ticket that nobody waits for any more; its calls go on for those who share them. */
  drop(ticket: Ticket<D>): void {
    if (this.#free.delete(ticket)) {
      this.#plan = undefined;
    }
  }

  /** Makes no call for it any more. It ends at once, or with what its calls under way bring: all it waits for, or the error. */
  letGo(ticket: Ticket<D>, error: unknown): void {
    this.drop(ticket);
    ticket.letGo ??= { error };
    endLetGo([ticket]);
  }

  /** The next call, the most urgent one; binds every ticket it serves, and with them their other calls. */
  take(): Planned<D> | undefined {
    const open = this.#takeFromBound() ?? this.#takeFromPlan();
    if (open !== undefined) {
      this.#taken.set(open.planned, { tickets: open.tickets, isUnderWay: true });
      for (const ticket of open.tickets) {
        ticket.callsUnderWay += 1;
        ticket.onTaken?.(open.planned);
      }
    }
    return open?.planned;
  }

  /** Of the rejected rows of an answer those that are no unit's of the call: they are in no message's outcome. */
  straysOf(planned: Planned<D>, rejected: readonly RejectedRow[]): readonly RejectedRow[] {
    const tickets = this.#waitingFor(planned);
    return rejected.filter((row) => ownerOf(row, tickets) === undefined);
  }

  /** Gives each ticket its rows of a page and ends those that are complete. */
  deliver(planned: Planned<D>, delivery: Delivery<D>): void {
    const tickets = this.#leave(planned);
    const byCode = groupByCode(delivery.rows);
    const rejectedByOwner = Map.groupBy(delivery.rejected, (row) => ownerOf(row, tickets));
    const { version, callId } = delivery.evidence;
    const provenance = { version, callId };
    const nobodys = delivery.rejected.filter(isNobodys).map(toLostRow);
    // Thousands of units may share the answer, and so they share the object.
    const answer: Answer = { ...toAnswer(planned.call, delivery, this.#listedCount()), lostRows: nobodys };
    const suspendedByCode = groupByCode(delivery.suspensions ?? []);
    const undatedByCode = Map.groupBy(
      delivery.rejected.filter(({ day }) => day === undefined),
      ({ code }) => code,
    );
    const counts = tickets.map((ticket) => {
      const { code, from, to } = ticket.unit;
      const rows = (byCode.get(code) ?? []).filter(({ tradingDay }) => tradingDay >= from && tradingDay <= to);
      ticket.fetched.push(...rows.map((row) => ({ row, provenance })));
      ticket.rejected.push(...(rejectedByOwner.get(ticket) ?? []));
      const undated = undatedByCode.get(code) ?? [];
      const lost = undated.length === 0 ? answer : { ...answer, lostRows: [...undated.map(toLostRow), ...nobodys] };
      ticket.answers.push(ofCode(lost, byCode.get(code) ?? [], suspendedByCode.get(code) ?? []));
      return rows.length;
    });
    for (const call of delivery.rest.toReversed()) {
      const wanted = tickets.filter(({ unit }) => isWantedBy(call, unit));
      for (const ticket of wanted) {
        ticket.callsLeft += 1;
      }
      if (wanted.length > 0) {
        const units = wanted.map(({ unit }) => unit);
        this.#bound.unshift({ planned: { call, units, rank: planned.rank }, tickets: wanted });
      }
    }
    for (const [index, ticket] of tickets.entries()) {
      ticket.callsLeft -= 1;
      ticket.onAnswer(counts[index] ?? 0);
      if (ticket.callsLeft === 0) {
        ticket.settle?.();
      }
    }
    endLetGo(tickets);
  }

  /** The call was answered with a failure, and is put back or fails later on: nobody who was let go waits for that. */
  failed(planned: Planned<D>): void {
    this.#endCall(planned);
    endLetGo(this.#waitingFor(planned));
  }

  /** The call failed for reasons that are not its own: it is the next to be taken again. */
  putBack(planned: Planned<D>): void {
    const tickets = this.#leave(planned);
    if (tickets.length > 0) {
      this.#bound.unshift({ planned, tickets });
    }
    endLetGo(tickets);
  }

  /**
   * As `putBack`, with its codes in two calls, so that of many codes the one at fault is found in few calls. Several units
   * of one code are asked for one by one. What cannot be cut is put back as it is.
   */
  putBackHalved(planned: Planned<D>): void {
    const tickets = this.#leave(planned);
    const { selection } = planned.call;
    if (selection.by !== "codes" || tickets.length < 2) {
      if (tickets.length > 0) {
        this.#bound.unshift({ planned, tickets });
      }
      endLetGo(tickets);
      return;
    }
    const codes = selection.codes.filter((code) => tickets.some(({ unit }) => unit.code === code));
    const middle = Math.ceil(codes.length / 2);
    const parts =
      codes.length > 1
        ? [codes.slice(0, middle), codes.slice(middle)].map((half) => ({
            part: { ...selection, codes: half },
            served: tickets.filter(({ unit }) => half.includes(unit.code)),
          }))
        : tickets.map((ticket) => ({ part: clip(selection, ticket.unit), served: [ticket] }));
    const opens = parts.map(({ part, served }): Open<D> => {
      const units = served.map(({ unit }) => unit);
      return { planned: { call: { ...planned.call, selection: part }, units, rank: planned.rank }, tickets: served };
    });
    this.#bound.unshift(...opens);
    endLetGo(tickets);
  }

  /** How many units wait for a call that was taken. */
  countWaiting(planned: Planned<D>): number {
    return this.#waitingFor(planned).length;
  }

  fail(planned: Planned<D>, error: unknown): void {
    this.#end(this.#leave(planned), error);
  }

  failAll(error: unknown): void {
    const all = new Set([
      ...this.#free,
      ...this.#bound.flatMap(({ tickets }) => tickets),
      ...[...this.#taken.values()].flatMap(({ tickets }) => tickets),
    ]);
    this.#free.clear();
    this.#taken.clear();
    this.#bound = [];
    this.#plan = undefined;
    this.#end([...all], error);
  }

  /** The first of the most urgent ones, unless a planned one is more urgent still. */
  #takeFromBound(): Open<D> | undefined {
    this.#bound = this.#bound.filter(isWanted);
    const rank = this.#bound.reduce((least, { planned }) => Math.min(least, planned.rank), Infinity);
    const isFirst = rank === 0 || rank <= (this.#planned()[0]?.planned.rank ?? Infinity);
    const at = isFirst ? this.#bound.findIndex(({ planned }) => planned.rank === rank) : -1;
    return at < 0 ? undefined : this.#bound.splice(at, 1)[0];
  }

  #planned(): Open<D>[] {
    return (this.#plan ??= this.#planFree());
  }

  #takeFromPlan(): Open<D> | undefined {
    let plan = this.#planned();
    const first = plan.shift();
    if (first === undefined) {
      return undefined;
    }
    // What shares a ticket with a bound call is bound as well, and so on: those calls together bring those units.
    const bound = new Set<Ticket<D>>(first.tickets);
    const kept: Open<D>[] = [];
    for (let hasGrown = true; hasGrown;) {
      hasGrown = false;
      plan = plan.filter((open) => {
        if (!open.tickets.some((ticket) => bound.has(ticket))) {
          return true;
        }
        for (const ticket of open.tickets) {
          bound.add(ticket);
        }
        kept.push(open);
        hasGrown = true;
        return false;
      });
    }
    this.#plan = plan;
    this.#bound.push(...kept);
    for (const ticket of bound) {
      this.#free.delete(ticket);
    }
    return first;
  }

  #planFree(): Open<D>[] {
    const tickets = new Map([...this.#free].map((ticket) => [ticket.unit, ticket]));
    const plan = this.#coalesce([...tickets.keys()]).map((planned): Open<D> => ({
      planned,
      tickets: planned.units.map((unit) => ticketOf(tickets, unit)),
    }));
    for (const ticket of this.#free) {
      ticket.callsLeft = 0;
    }
    for (const { tickets } of plan) {
      for (const ticket of tickets) {
        ticket.callsLeft += 1;
      }
    }
    return plan;
  }

  /** The tickets of a call that was taken and still has somebody waiting. */
  #leave(planned: Planned<D>): readonly Ticket<D>[] {
    this.#endCall(planned);
    const taken = this.#taken.get(planned);
    this.#taken.delete(planned);
    for (const ticket of taken?.tickets ?? []) {
      ticket.onLeft?.();
    }
    return (taken?.tickets ?? []).filter(({ settle }) => settle !== undefined);
  }

  /** Nothing more comes of this request. */
  #endCall(planned: Planned<D>): void {
    const taken = this.#taken.get(planned);
    if (taken?.isUnderWay === true) {
      taken.isUnderWay = false;
      for (const ticket of taken.tickets) {
        ticket.callsUnderWay -= 1;
      }
    }
  }

  #waitingFor(planned: Planned<D>): readonly Ticket<D>[] {
    return (this.#taken.get(planned)?.tickets ?? []).filter(({ settle }) => settle !== undefined);
  }

  /** What has ended counts for no call any more. */
  #end(tickets: readonly Ticket<D>[], error: unknown): void {
    for (const ticket of tickets) {
      ticket.settle?.(error);
    }
  }
}

/** Somebody still waits for it, and was not let go. */
function isWanted<D extends CodeDataSet>({ tickets }: Open<D>): boolean {
  return tickets.some(({ settle, letGo }) => settle !== undefined && letGo === undefined);
}

function endLetGo<D extends CodeDataSet>(tickets: readonly Ticket<D>[]): void {
  for (const { letGo, callsUnderWay, settle } of tickets) {
    if (letGo !== undefined && callsUnderWay === 0) {
      settle?.(letGo.error);
    }
  }
}

function ticketOf<D extends CodeDataSet>(tickets: ReadonlyMap<Unit, Ticket<D>>, unit: Unit): Ticket<D> {
  const ticket = tickets.get(unit);
  if (ticket === undefined) {
    throw new RangeError(`a planned call names a unit of ${unit.code} that is not on the desk`);
  }
  return ticket;
}
