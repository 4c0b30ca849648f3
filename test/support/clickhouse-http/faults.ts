import { z } from "zod";

const match = z.string().default("");

/** What a test may order the server to do wrong, to the next request whose statement has `match` in it. */
export const faultSchema = z.discriminatedUnion("kind", [
  /** Apply the insert, then close the connection without an answer. */
  z.object({ kind: z.literal("drop-answer"), match }),
  /** Apply the insert, then answer only after `release`. */
  z.object({ kind: z.literal("hold-answer"), match }),
  /** Do nothing and answer nothing until `release`, which closes the connection. */
  z.object({ kind: z.literal("hang"), match }),
  /** Answer the next `count` inserts with this error and apply nothing. */
  z.object({ kind: z.literal("refuse"), code: z.int(), text: z.string(), count: z.int().positive(), match }),
]);
export type Fault = Readonly<z.infer<typeof faultSchema>>;

/** One request that the server has seen. */
export const requestRecordSchema = z.object({
  id: z.int(),
  /** When it came, ISO 8601 in UTC. */
  at: z.string(),
  method: z.string(),
  /** The first 300 characters of the statement. */
  query: z.string(),
  user: z.string(),
  isInsert: z.boolean(),
  /** Rows written by an insert, read by anything else. */
  rows: z.int(),
  /** Bytes of the request's body as it came over the wire. */
  bytes: z.int(),
  state: z.enum(["running", "answered", "refused", "dropped", "held", "hung"]),
  /** The engine's error code, 0 when there was none. */
  code: z.int(),
  ms: z.number(),
});
export type RequestRecord = Readonly<z.infer<typeof requestRecordSchema>>;

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
      (fault) => (isInsert || fault.kind === "hang") && query.includes(fault.match),
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
