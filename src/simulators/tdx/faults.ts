import { z } from "zod";

import type { Random } from "../../market/random.ts";
import { FaultQueue, faultTimesShape, type FaultOdds, type FaultTimes } from "../fault-queue.ts";
import { isCommandName, type CommandName } from "./commands.ts";

const command = z.custom<CommandName>(isCommandName, "expected the name of a command that the simulator has");
const count = z.int().min(0);
const hollowRows = z.enum(["zero", "asked"]);

/** What can go wrong with an answer, as data. */
export const faultSchema = z.discriminatedUnion("kind", [
  /** The right answer, later. */
  z.strictObject({ kind: z.literal("slow"), ms: count }),
  /** No answer at all. */
  z.strictObject({ kind: z.literal("silence") }),
  /** A count without rows behind it: 0, or as many as were asked for. */
  z.strictObject({ kind: z.literal("hollow"), rows: hollowRows.default("asked") }),
  /** A well-formed answer without a row, as for a code that does not exist. */
  z.strictObject({ kind: z.literal("empty") }),
  /** A refusal in words; every later request for market data on this connection is answered hollow. */
  z.strictObject({ kind: z.literal("refused"), rows: hollowRows.default("asked") }),
  /** The connection ends after so many bytes of the answer. */
  z.strictObject({ kind: z.literal("close"), afterBytes: count.default(20) }),
  z.strictObject({ kind: z.literal("reset"), afterBytes: count.default(0) }),
  /** The right answer in pieces. */
  z.strictObject({ kind: z.literal("drip"), bytes: count.min(1).default(1), ms: count.default(0) }),
  /** The answer waits for the next one, or so long, and both leave in one write. */
  z.strictObject({ kind: z.literal("merged"), msMax: count.default(200) }),
  z.strictObject({ kind: z.literal("wrong-magic") }),
  /** So much is added to the header's size on the wire and to its size after inflation. */
  z.strictObject({ kind: z.literal("wrong-length"), wire: z.int().default(0), inflated: z.int().default(0) }),
  /** A compressed body with one byte changed. */
  z.strictObject({ kind: z.literal("corrupt-zlib") }),
  /** So many bytes that belong to nothing, before the right answer. */
  z.strictObject({ kind: z.literal("garbage"), bytes: count.min(1).default(7) }),
  /** An answer to the request before comes first. */
  z.strictObject({ kind: z.literal("late") }),
  /** So many of the newest trading days are missing. */
  z.strictObject({ kind: z.literal("stale"), days: count.min(1).default(1) }),
  /** The page behind the one asked for, so that rows in the middle are lost without a short page. */
  z.strictObject({ kind: z.literal("missing-page") }),
  /** Fewer rows than asked for although there are more. */
  z.strictObject({ kind: z.literal("short-page"), rows: count }),
  /** Names with a byte in them that begins no character. */
  z.strictObject({ kind: z.literal("bad-charset") }),
]);

export type Fault = z.input<typeof faultSchema>;
export type SettledFault = z.output<typeof faultSchema>;

/** Which requests a fault is for: the next `times` ones of a command (of any, when absent), after `skip` others. */
export interface FaultMatch extends FaultTimes {
  readonly command?: CommandName | undefined;
}

/** A fault that befalls requests by chance. */
export interface RandomFault extends FaultOdds {
  readonly fault: Fault;
  readonly command?: CommandName;
}

const orderSchema = z.strictObject({ fault: faultSchema, command: command.optional(), ...faultTimesShape });

/** What `POST /_sim/faults` takes; throws on anything else. */
export function parseFaultOrder(input: unknown): { readonly fault: Fault; readonly match: FaultMatch } {
  const { fault, ...match } = orderSchema.parse(input);
  return { fault, match };
}

/** Decides which request meets which fault: ordered ones first come first served, then chance. */
export class FaultPlan extends FaultQueue<SettledFault, CommandName> {
  constructor(byChance: readonly RandomFault[], random: Random) {
    super(
      byChance.map(({ fault, command, ...chance }) => ({ ...chance, fault: faultSchema.parse(fault), name: command })),
      random,
    );
  }

  order(fault: Fault, { command, ...match }: FaultMatch = {}): void {
    this.add({ ...match, fault: faultSchema.parse(fault), name: command });
  }
}
