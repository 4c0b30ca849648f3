import { z } from "zod";

import type { Random } from "../../market/random.ts";
import { FaultQueue, faultTimesShape, type FaultOdds, type FaultTimes } from "../fault-queue.ts";
import { REFUSALS, type RefusalCode } from "./refusal.ts";

const count = z.int().min(0);
const refusalCode = z.custom<RefusalCode>(
  (value) => typeof value === "string" && Object.hasOwn(REFUSALS, value),
  "expected a code of the provider's table",
);

/** What can go wrong with an answer, as data, so that it can also be ordered over HTTP. */
export const faultSchema = z.discriminatedUnion("kind", [
  /** The right answer, later. */
  z.strictObject({ kind: z.literal("slow"), ms: count }),
  /** A code with the provider's words or others. `own` sends it under the type of the answer, as logins may see it. */
  z.strictObject({
    kind: z.literal("refused"),
    code: refusalCode,
    message: z.string().optional(),
    under: z.enum(["error", "own"]).default("error"),
  }),
  /** 10001011 for this request and for all that follow, for as long as the limits say or until faults are cleared. */
  z.strictObject({ kind: z.literal("blacklist") }),
  /** The server forgets the login: 10001001 for this request and for all that follow until the next login. */
  z.strictObject({ kind: z.literal("session-lost") }),
  /** The connection is reset after so many bytes of the answer; with 0 before it begins. */
  z.strictObject({ kind: z.literal("reset"), afterBytes: count.default(0) }),
  /** The connection is closed in order after so many bytes of the answer; with 0 before it begins. */
  z.strictObject({ kind: z.literal("cut"), afterBytes: count.default(30) }),
  /** No answer; the connection stays open. */
  z.strictObject({ kind: z.literal("silence") }),
  /** The right answer; then the connection is closed when nothing comes for so long. */
  z.strictObject({ kind: z.literal("idle-close"), afterMs: count.default(0) }),
  /** The header's length is off by so much. */
  z.strictObject({ kind: z.literal("wrong-length"), by: z.int().default(1) }),
  z.strictObject({ kind: z.literal("wrong-crc") }),
  /** Bytes that are no UTF-8, in a name where there is one; length and checksum are right. */
  z.strictObject({ kind: z.literal("charset") }),
  /** Compressed bytes that do not inflate, or whose checksum is wrong; plain answers stay as they are. */
  z.strictObject({ kind: z.literal("bad-zlib"), where: z.enum(["header", "stream", "checksum"]).default("stream") }),
  /** Success without a row, although there are some. */
  z.strictObject({ kind: z.literal("empty") }),
  /** The rows without those of their newest days, as before they are published. */
  z.strictObject({ kind: z.literal("stale"), days: count.default(1) }),
  /** The first rows of the page only, so that it looks like the last. */
  z.strictObject({ kind: z.literal("truncated"), rows: count }),
  /** The right rows under another method's name. */
  z.strictObject({ kind: z.literal("other-method"), method: z.string().default("query_trade_dates") }),
  /** The answer to the request before, again; silence where there was none. */
  z.strictObject({ kind: z.literal("previous") }),
  /** The answer is held back until the next request on this connection, and then sent before the next one's. */
  z.strictObject({ kind: z.literal("late") }),
  /** These bytes in place of the answer; by default text of no frame. */
  z.strictObject({ kind: z.literal("garbage"), text: z.string().default("HTTP/1.1 502 Bad Gateway\r\n\r\n") }),
  /** The right answer byte by byte, with so many milliseconds between two. */
  z.strictObject({ kind: z.literal("drip"), everyMs: count.default(0) }),
]);

export type Fault = z.input<typeof faultSchema>;
export type SettledFault = z.output<typeof faultSchema>;

/** Which requests a fault is for: the next `times` ones of a method, `login` included (of any, when absent), after `skip` others. */
export interface FaultMatch extends FaultTimes {
  readonly method?: string | undefined;
}

/** A fault that befalls requests by chance. */
export interface RandomFault extends FaultOdds {
  readonly fault: Fault;
  readonly method?: string;
}

const orderSchema = z.strictObject({ fault: faultSchema, method: z.string().optional(), ...faultTimesShape });

/** What `POST /_sim/faults` takes; throws on anything else. */
export function parseFaultOrder(input: unknown): { readonly fault: Fault; readonly match: FaultMatch } {
  const { fault, ...match } = orderSchema.parse(input);
  return { fault, match };
}

/** Decides which request meets which fault: ordered ones first come first served, then chance. */
export class FaultPlan extends FaultQueue<SettledFault, string> {
  constructor(byChance: readonly RandomFault[], random: Random) {
    super(
      byChance.map(({ fault, method, ...chance }) => ({ ...chance, fault: faultSchema.parse(fault), name: method })),
      random,
    );
  }

  order(fault: Fault, { method, ...match }: FaultMatch = {}): void {
    this.add({ ...match, fault: faultSchema.parse(fault), name: method });
  }
}
