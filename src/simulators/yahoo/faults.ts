import { z } from "zod";

import type { Random } from "../../market/random.ts";
import { FaultQueue, faultTimesShape, type FaultOdds, type FaultTimes } from "../fault-queue.ts";
import { QUOTE_KEYS } from "./chart.ts";
import { isIntervalName, type IntervalName } from "./intervals.ts";

const count = z.int().min(0);
const interval = z.custom<IntervalName>(
  (value) => typeof value === "string" && isIntervalName(value),
  "expected an interval of the provider",
);

/** The right answer, badly sent. */
const ofConnection = z.discriminatedUnion("kind", [
  /** The right answer, later. */
  z.strictObject({ kind: z.literal("slow"), ms: count }),
  /** The connection is reset after so many bytes of the body; with 0 before the answer begins. */
  z.strictObject({ kind: z.literal("reset"), afterBytes: count.default(0) }),
  /** The body ends after so many bytes, with a length that says so. */
  z.strictObject({ kind: z.literal("truncated"), bytes: count.default(200) }),
]);

/** Something else in place of any answer. */
const inPlace = z.discriminatedUnion("kind", [
  /** Another HTTP status with a body of HTML, as a gateway under load gives. */
  z.strictObject({ kind: z.literal("gateway"), status: z.int().min(400).max(599).default(502) }),
  /** 429 for this request alone, as text; of old servers without `Edge: `. */
  z.strictObject({ kind: z.literal("rate-limited"), body: z.string().default("Edge: Too Many Requests") }),
  /** 429 for this request and all that follow from its address, for so long or until faults are cleared. */
  z.strictObject({ kind: z.literal("ban"), ms: count.optional() }),
  /** HTTP 200 with this text in place of the answer. */
  z.strictObject({ kind: z.literal("garbage"), body: z.string().default("Will be right back...") }),
  /** A page that asks for consent: HTTP 200, or a redirection to it. */
  z.strictObject({ kind: z.literal("consent"), isRedirect: z.boolean().default(false) }),
  /** An error of the provider's form. */
  z.strictObject({
    kind: z.literal("refused"),
    status: z.int().min(400).max(599),
    code: z.string(),
    description: z.string(),
  }),
]);

/** The answer to something else than what was asked. */
const ofQuery = z.discriminatedUnion("kind", [
  /** As if nobody knew the symbol. */
  z.strictObject({ kind: z.literal("not-found") }),
  /** The answer of another symbol: of the one named, or of the next in the list. */
  z.strictObject({ kind: z.literal("wrong-symbol"), symbol: z.string().optional() }),
  /** Bars of another interval; `dataGranularity` tells it or tells the one that was asked for. */
  z.strictObject({
    kind: z.literal("coarse"),
    interval: interval.default("60m"),
    isTold: z.boolean().default(true),
  }),
]);

/** The right answer, changed. */
const ofRows = z.discriminatedUnion("kind", [
  /** Success without a row, although there are some. */
  z.strictObject({ kind: z.literal("empty") }),
  /** The rows without those of their newest days. */
  z.strictObject({ kind: z.literal("stale"), days: count.default(1) }),
  /** The rows without those of so many days in their middle. */
  z.strictObject({ kind: z.literal("gaps"), days: count.default(1) }),
  /** Nulls in place of the rows of so many traded days in their middle. */
  z.strictObject({ kind: z.literal("null-rows"), days: count.default(1) }),
  /** The last row once more, stamped with the closing trade. */
  z.strictObject({ kind: z.literal("live-row") }),
  /** A row of the next trading day behind the last, as a live one: it lies after what was asked for. */
  z.strictObject({ kind: z.literal("beyond") }),
  /** A row half an hour after the session's close. */
  z.strictObject({ kind: z.literal("after-hours") }),
  /** The right rows without splits, dividends and capital gains. */
  z.strictObject({ kind: z.literal("missing-events") }),
  /** One of the arrays lacks so many values at its end. */
  z.strictObject({
    kind: z.literal("half-arrays"),
    key: z.enum(QUOTE_KEYS).default("volume"),
    count: count.default(1),
  }),
  /** A value of the middle row that is no price; `@` before a number writes it bare, as JSON lets one be. */
  z.strictObject({
    kind: z.literal("bad-number"),
    key: z.enum([...QUOTE_KEYS, "adjclose"]).default("close"),
    value: z.string().default("@1e400"),
  }),
  /** The first of every day's bars without volume, as those of hours often are. */
  z.strictObject({ kind: z.literal("no-first-volume") }),
]);

/** What can go wrong with an answer, as data, so that it can also be ordered over HTTP. */
export const faultSchema = z.discriminatedUnion("kind", [ofConnection, inPlace, ofQuery, ofRows]);

export type FaultInPlace = z.output<typeof inPlace>;
export type RowFault = z.output<typeof ofRows>;

export function isInPlace(fault: SettledFault): fault is FaultInPlace {
  return inPlace.options.some(({ shape }) => shape.kind.value === fault.kind);
}

export function isRowFault(fault: SettledFault): fault is RowFault {
  return ofRows.options.some(({ shape }) => shape.kind.value === fault.kind);
}

export type Fault = z.input<typeof faultSchema>;
export type SettledFault = z.output<typeof faultSchema>;

/**
 * Which requests a fault is for: the next `times` ones for a symbol (`0700.HK`), or for a path that is no chart's
 * (`/v1/test/getcrumb`), or for any when absent, after `skip` others.
 */
export interface FaultMatch extends FaultTimes {
  readonly target?: string | undefined;
}

/** A fault that befalls requests by chance. */
export interface RandomFault extends FaultOdds {
  readonly fault: Fault;
  readonly target?: string;
}

const orderSchema = z.strictObject({ fault: faultSchema, target: z.string().optional(), ...faultTimesShape });

/** What `POST /_sim/faults` takes; throws on anything else. */
export function parseFaultOrder(input: unknown): { readonly fault: Fault; readonly match: FaultMatch } {
  const { fault, ...match } = orderSchema.parse(input);
  return { fault, match };
}

/** Decides which request meets which fault: ordered ones first come first served, then chance. */
export class FaultPlan extends FaultQueue<SettledFault, string> {
  constructor(byChance: readonly RandomFault[], random: Random) {
    super(
      byChance.map(({ fault, target, ...chance }) => ({ ...chance, fault: faultSchema.parse(fault), name: target })),
      random,
    );
  }

  order(fault: Fault, { target, ...match }: FaultMatch = {}): void {
    this.add({ ...match, fault: faultSchema.parse(fault), name: target });
  }
}
