import { z } from "zod";

import type { Random } from "../../market/random.ts";
import { FaultQueue, faultTimesShape, type FaultOdds, type FaultTimes } from "../fault-queue.ts";
import { isApiName, type ApiName } from "./apis.ts";

const api = z.custom<ApiName>(isApiName, "expected the name of an api that the simulator has");
const count = z.int().min(0);

/** What can go wrong with an answer, as data, so that it can also be ordered over HTTP. */
export const faultSchema = z.discriminatedUnion("kind", [
  /** The connection is reset after so many bytes of the body; with 0 before the answer begins. */
  z.strictObject({ kind: z.literal("reset"), afterBytes: count.default(0) }),
  /** Another HTTP status with a body of HTML, as a gateway under load gives. */
  z.strictObject({ kind: z.literal("gateway"), status: z.int().min(400).max(599).default(502) }),
  /** The right answer, later. */
  z.strictObject({ kind: z.literal("slow"), ms: count }),
  /** The first rows of the page only, with `has_more` true. */
  z.strictObject({ kind: z.literal("truncated"), rows: count }),
  /** The first rows of the page only, without `has_more`: a cap lower than the known one on a server that does not tell. */
  z.strictObject({ kind: z.literal("short"), rows: count }),
  /** The right rows, without `has_more`. */
  z.strictObject({ kind: z.literal("no-has-more") }),
  /** Success without a row, although there are some. */
  z.strictObject({ kind: z.literal("empty") }),
  /** Success with `data: null`. */
  z.strictObject({ kind: z.literal("null-data") }),
  /** An error text; see REFUSALS for recorded ones. */
  z.strictObject({ kind: z.literal("refused"), code: z.int(), msg: z.string() }),
  /** HTTP 200 with this text in place of the answer. */
  z.strictObject({ kind: z.literal("garbage"), body: z.string() }),
]);

export type Fault = z.input<typeof faultSchema>;
export type SettledFault = z.output<typeof faultSchema>;

/** Which calls a fault is for: the next `times` ones of an API (of any, when absent), after `skip` others. */
export interface FaultMatch extends FaultTimes {
  readonly api?: ApiName | undefined;
}

/** A fault that befalls calls by chance. */
export interface RandomFault extends FaultOdds {
  readonly fault: Fault;
  readonly api?: ApiName;
  /** The very same call meets it so often in a row at most: who asks once more than that is told the truth. */
  readonly inARowMax?: number;
}

const orderSchema = z.strictObject({ fault: faultSchema, api: api.optional(), ...faultTimesShape });

/** What `POST /_sim/faults` takes; throws on anything else. */
export function parseFaultOrder(input: unknown): { readonly fault: Fault; readonly match: FaultMatch } {
  const { fault, ...match } = orderSchema.parse(input);
  return { fault, match };
}

/** Decides which call meets which fault: ordered ones first come first served, then chance. */
export class FaultPlan extends FaultQueue<SettledFault, ApiName> {
  constructor(byChance: readonly RandomFault[], random: Random) {
    super(
      byChance.map(({ fault, api, ...chance }) => ({ ...chance, fault: faultSchema.parse(fault), name: api })),
      random,
    );
  }

  order(fault: Fault, { api, ...match }: FaultMatch = {}): void {
    this.add({ ...match, fault: faultSchema.parse(fault), name: api });
  }
}
