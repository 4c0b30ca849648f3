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
  /** Until `release`: refuse inserts of more bytes than this with 241, as a server that is short of memory. */
  z.object({ kind: z.literal("short-of-memory"), bytesMax: z.int().positive(), match }),
  /** Until `release`: so many of a hundred statements meet a fault, drawn from all the kinds there are. */
  z.object({ kind: z.literal("storm"), percent: z.int().min(0).max(100), seed: z.int(), match }),
]);
export type Fault = Readonly<z.infer<typeof faultSchema>>;

/** What happens to one statement. */
export type Mishap =
  | Extract<Fault, { readonly kind: "drop-answer" | "hold-answer" | "hang" }>
  | { readonly kind: "refuse"; readonly code: number; readonly text: string }
  /** Do nothing and close the connection. */
  | { readonly kind: "reset" };

/** Of a storm; a hang is drawn once in sixteen, since it takes a client's whole deadline. */
const OF_INSERTS: readonly Mishap[] = [
  ...Array.from({ length: 5 }, (): Mishap => ({ kind: "drop-answer", match: "" })),
  ...Array.from({ length: 3 }, (): Mishap => ({ kind: "reset" })),
  { kind: "refuse", code: 252, text: "Too many parts (301). (TOO_MANY_PARTS)" },
  { kind: "refuse", code: 252, text: "Too many parts (302). (TOO_MANY_PARTS)" },
  { kind: "refuse", code: 241, text: "Memory limit (total) exceeded. (MEMORY_LIMIT_EXCEEDED)" },
  { kind: "refuse", code: 241, text: "Memory limit (for query) exceeded. (MEMORY_LIMIT_EXCEEDED)" },
  { kind: "refuse", code: 202, text: "Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)" },
  { kind: "refuse", code: 745, text: "CPU is overloaded. (SERVER_OVERLOADED)" },
  { kind: "refuse", code: 159, text: "Timeout exceeded. (TIMEOUT_EXCEEDED)" },
  { kind: "hang", match: "" },
];
const OF_QUESTIONS: readonly Mishap[] = OF_INSERTS.filter(({ kind }) => kind === "reset" || kind === "refuse");

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
  state: z.enum(["running", "answered", "refused", "dropped", "held", "hung", "reset"]),
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
  #drawn = 0;

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

  /** What is to happen to this statement, if anything. */
  take(query: string, isInsert: boolean, wireBytes: number): Mishap | undefined {
    const index = this.#waiting.findIndex((fault) => query.includes(fault.match) && fits(fault, isInsert, wireBytes));
    const fault = this.#waiting[index];
    if (fault === undefined) {
      return undefined;
    }
    if (fault.kind === "short-of-memory") {
      return { kind: "refuse", code: 241, text: "Memory limit (total) exceeded. (MEMORY_LIMIT_EXCEEDED)" };
    }
    if (fault.kind === "storm") {
      const kinds = isInsert ? OF_INSERTS : OF_QUESTIONS;
      const isMet = this.#draw(fault.seed) * 100 < fault.percent;
      return isMet ? kinds[Math.floor(this.#draw(fault.seed) * kinds.length)] : undefined;
    }
    if (fault.kind === "refuse" && fault.count > 1) {
      this.#waiting[index] = { ...fault, count: fault.count - 1 };
    } else {
      this.#waiting.splice(index, 1);
    }
    return fault;
  }

  /** Numbers from 0 to 1 that follow from the seed (the generator is mulberry32). */
  #draw(seed: number): number {
    this.#drawn += 1;
    let bits = (seed + Math.imul(this.#drawn, 0x6d2b79f5)) | 0;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
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

function fits(fault: Fault, isInsert: boolean, wireBytes: number): boolean {
  return (
    fault.kind === "hang" ||
    fault.kind === "storm" ||
    (isInsert && (fault.kind !== "short-of-memory" || wireBytes > fault.bytesMax))
  );
}
