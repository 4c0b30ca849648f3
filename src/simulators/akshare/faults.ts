import { z } from "zod";

import type { Random } from "../../market/random.ts";
import { FaultQueue, faultTimesShape, type FaultOdds, type FaultTimes } from "../fault-queue.ts";
import { UPSTREAMS, type Upstream } from "./upstreams.ts";

const count = z.int().min(0);
const upstream = z.enum(UPSTREAMS);

/** What can go wrong with an answer, as data, so that it can also be ordered over HTTP. */
export const faultSchema = z.discriminatedUnion("kind", [
  /** The right answer, later. */
  z.strictObject({ kind: z.literal("slow"), ms: count }),
  /** The connection is reset after so many bytes of the body; with 0 before the answer begins. */
  z.strictObject({ kind: z.literal("reset"), afterBytes: count.default(0) }),
  /** The connection is closed in order, without an answer. */
  z.strictObject({ kind: z.literal("hang-up") }),
  /** Another HTTP status with a body of HTML, as a gateway under load gives. */
  z.strictObject({ kind: z.literal("gateway"), status: z.int().min(400).max(599).default(502) }),
  /** The page of a firewall in place of the answer. */
  z.strictObject({ kind: z.literal("waf"), status: z.union([z.literal(200), z.literal(405)]).default(200) }),
  /** HTTP 200 with this text in place of the answer. */
  z.strictObject({ kind: z.literal("garbage"), body: z.string().default("{") }),
  /** The first bytes of the body only, in an answer that says it is no longer. */
  z.strictObject({ kind: z.literal("truncated"), bytes: count.default(100) }),
  /** Bytes that are no UTF-8 and no GBK, in a name where there is one. */
  z.strictObject({ kind: z.literal("charset") }),
  /** What stands for "there is no such code", although there is one. */
  z.strictObject({
    kind: z.literal("null-data"),
    rc: z.union([z.literal(0), z.literal(100), z.literal(102)]).default(102),
  }),
  /** Success without a row, although there are some. */
  z.strictObject({ kind: z.literal("empty") }),
  /** Without the newest rows, as before they are published. */
  z.strictObject({ kind: z.literal("stale"), rows: count.default(1) }),
  /** Rows are missing in the middle. */
  z.strictObject({ kind: z.literal("lost-rows"), rows: count.default(1) }),
  /** The answer to the same question about another code, under that one's name. */
  z.strictObject({ kind: z.literal("wrong-code") }),
  /** A row in the middle has `-` for its numbers. */
  z.strictObject({ kind: z.literal("dash") }),
  /** Another page of ticks than was asked for: −1 repeats the one before, 1 leaves one out. */
  z.strictObject({ kind: z.literal("page-shift"), by: z.int().default(-1) }),
  /** The information about ticks still tells of the trading day before. */
  z.strictObject({ kind: z.literal("previous-day") }),
  /** Refused for too many requests, with the upstream's own status unless one is given. */
  z.strictObject({ kind: z.literal("blocked"), status: z.int().min(400).max(599).optional() }),
  /** An event is left out of the factors; 0 is the newest one. */
  z.strictObject({ kind: z.literal("factor-missing"), place: count.default(0) }),
  /** What the server answers to every exception of the library behind it. */
  z.strictObject({ kind: z.literal("aktools-500") }),
]);

export type Fault = z.input<typeof faultSchema>;
export type SettledFault = z.output<typeof faultSchema>;

/** Which requests a fault is for: the next `times` ones to an upstream (to any, when absent), after `skip` others. */
export interface FaultMatch extends FaultTimes {
  readonly upstream?: Upstream | undefined;
}

/** A fault that befalls requests by chance. */
export interface RandomFault extends FaultOdds {
  readonly fault: Fault;
  readonly upstream?: Upstream;
}

const orderSchema = z.strictObject({ fault: faultSchema, upstream: upstream.optional(), ...faultTimesShape });

/** What `POST /_sim/faults` takes; throws on anything else. */
export function parseFaultOrder(input: unknown): { readonly fault: Fault; readonly match: FaultMatch } {
  const { fault, ...match } = orderSchema.parse(input);
  return { fault, match };
}

/** Decides which request meets which fault: ordered ones first come first served, then chance. */
export class FaultPlan extends FaultQueue<SettledFault, Upstream> {
  constructor(byChance: readonly RandomFault[], random: Random) {
    super(
      byChance.map(({ fault, upstream, ...chance }) => ({
        ...chance,
        fault: faultSchema.parse(fault),
        name: upstream,
      })),
      random,
    );
  }

  order(fault: Fault, { upstream, ...match }: FaultMatch = {}): void {
    this.add({ ...match, fault: faultSchema.parse(fault), name: upstream });
  }
}
