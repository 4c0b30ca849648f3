/** What a test may order the server to do wrong, to the next request whose statement has `match` in it. */
export type Fault =
  /** Apply the insert, then close the connection without an answer. */
  | { readonly kind: "drop-answer"; readonly match?: string }
  /** Apply the insert, then answer only after `release`. */
  | { readonly kind: "hold-answer"; readonly match?: string }
  /** Do nothing and answer nothing until `release`, which closes the connection. */
  | { readonly kind: "hang"; readonly match?: string }
  /** Answer the next `count` inserts with this error and apply nothing. */
  | {
      readonly kind: "refuse";
      readonly code: number;
      readonly text: string;
      readonly count: number;
      readonly match?: string;
    };

/** One request that the server has seen, the newest last. */
export interface RequestRecord {
  readonly id: number;
  readonly at: string;
  readonly method: string;
  /** The first 300 characters of the statement. */
  readonly query: string;
  readonly user: string;
  readonly isInsert: boolean;
  /** Rows written by an insert, read by anything else. */
  readonly rows: number;
  /** Bytes of the request's body as it came over the wire. */
  readonly bytes: number;
  readonly state: "running" | "answered" | "refused" | "dropped" | "held" | "hung";
  /** The engine's error code, 0 when there was none. */
  readonly code: number;
  readonly ms: number;
}

export const REQUESTS_MAX = 5_000;

/** The orders that wait, and the log of what was asked. */
export class FaultDesk {
  #waiting: Fault[] = [];
  #records: RequestRecord[] = [];
  #nextId = 1;
  #released = Promise.withResolvers<void>();

  order(fault: Fault): void {
    this.#waiting.push(fault);
  }

  /** Ends all that hangs or is held, and forgets the orders that still wait. */
  release(): void {
    this.#waiting = [];
    this.#released.resolve();
    this.#released = Promise.withResolvers<void>();
  }

  get released(): Promise<void> {
    return this.#released.promise;
  }

  /** Takes the order that fits this statement, if one waits. */
  take(query: string, isInsert: boolean): Fault | undefined {
    const index = this.#waiting.findIndex(
      (fault) => (isInsert || fault.kind === "hang") && (fault.match === undefined || query.includes(fault.match)),
    );
    const fault = this.#waiting[index];
    if (fault === undefined) {
      return undefined;
    }
    if (fault.kind === "refuse" && fault.count > 1) {
      this.#waiting[index] = { ...fault, count: fault.count - 1 };
    } else {
      this.#waiting.splice(index, 1);
    }
    return fault;
  }

  begin(record: Pick<RequestRecord, "method" | "query" | "user" | "isInsert">): number {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#records.push({
      ...record,
      id,
      query: record.query.slice(0, 300),
      at: new Date().toISOString(),
      rows: 0,
      bytes: 0,
      state: "running",
      code: 0,
      ms: 0,
    });
    if (this.#records.length > REQUESTS_MAX) {
      this.#records.shift();
    }
    return id;
  }

  update(id: number, change: Partial<RequestRecord>): void {
    const index = this.#records.findIndex((record) => record.id === id);
    const record = this.#records[index];
    if (record !== undefined) {
      this.#records[index] = { ...record, ...change };
    }
  }

  records(match: string): readonly RequestRecord[] {
    return this.#records.filter(({ query }) => query.includes(match));
  }
}
