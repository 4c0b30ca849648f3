import { maxDay, minDay, type Day } from "../domain/day.ts";
import type { RejectedRow, Suspension } from "../domain/rows.ts";
import type { Call, Selection, Unit } from "../domain/unit.ts";
import { isShortMarket } from "../planning/list-faults.ts";
import type { Answer, LostRow } from "../planning/verdict.ts";

/** Of several units of one code the one with the row's day; a row whose day cannot be read is the first one's. */
export function ownerOf<Waiting extends { readonly unit: Unit }>(
  { code, day }: RejectedRow,
  waiting: readonly Waiting[],
): Waiting | undefined {
  return waiting.find(({ unit }) => unit.code === code && (day === undefined || (day >= unit.from && day <= unit.to)));
}

/** A code of any market, ours or not (`T00018.SH`, `00700.HK`, `BRK-B.US`): a rejected row with one is that code's and nobody else's. */
const CODE_FORM = /^[A-Z\d-]{1,9}\.[A-Z]{2}$/;

/** Nobody can say whose it is. */
export function isNobodys({ code }: RejectedRow): boolean {
  return !CODE_FORM.test(code);
}

export function toLostRow({ day, reason }: RejectedRow): LostRow {
  return { day, reason };
}

interface Received {
  readonly evidence: Answer["evidence"];
  readonly received: number;
  /** What is still to come of it. */
  readonly rest: readonly Call[];
}

/** `listed` is how many codes a market has; 0 where that is not known. */
export function toAnswer(call: Call, { evidence, received, rest }: Received, listed: number): Omit<Answer, "lostRows"> {
  const { selection } = call;
  // The last page of a market of exactly the cap is empty.
  const marketRows = (call.offset ?? 0) + received;
  switch (selection.by) {
    case "codes":
      return {
        from: selection.from,
        to: selection.to,
        marketRows: undefined,
        evidence,
        ...(rest.length > 0 ? { isCut: true } : {}),
      };
    case "day": {
      const isShort = rest.length === 0 && isShortMarket(marketRows, listed);
      return { from: selection.day, to: selection.day, marketRows, evidence, ...(isShort ? { isShort } : {}) };
    }
    case "range":
      return { from: selection.from, to: selection.to, marketRows, evidence };
    case "status":
      throw new RangeError("a list without days answers no unit");
  }
}

/** The part of a range of days that a unit wants. */
export function clip(selection: Extract<Selection, { readonly by: "codes" }>, unit: Unit): Selection {
  return { ...selection, from: maxDay(selection.from, unit.from), to: minDay(selection.to, unit.to) };
}

export function groupByCode<Row extends { readonly code: string }>(
  rows: readonly Row[],
): ReadonlyMap<string, readonly Row[]> {
  return Map.groupBy(rows, ({ code }) => code);
}

export function isWantedBy(call: Call, unit: Unit): boolean {
  const { selection } = call;
  switch (selection.by) {
    case "codes":
      return selection.codes.includes(unit.code) && selection.from <= unit.to && selection.to >= unit.from;
    case "day":
      return selection.day >= unit.from && selection.day <= unit.to;
    case "range":
      return selection.from <= unit.to && selection.to >= unit.from;
    case "status":
      return false;
  }
}

/** An answer with what it says of one code; the same object where it says nothing more. */
export function ofCode(
  answer: Answer,
  rows: readonly { readonly tradingDay: Day }[],
  suspensions: readonly Suspension[],
): Answer {
  const suspended = suspensions.map(({ day }) => day);
  const isOfMarket = answer.marketRows !== undefined;
  const [any, ...others] = isOfMarket ? [] : [...rows.map(({ tradingDay }) => tradingDay), ...suspended];
  if (any === undefined && suspended.length === 0) {
    return answer;
  }
  return {
    ...answer,
    ...(suspended.length === 0 ? {} : { suspended: new Set(suspended) }),
    ...(any === undefined ? {} : { reach: { from: others.reduce(earlier, any), to: others.reduce(later, any) } }),
  };
}

const earlier = (left: Day, right: Day): Day => minDay(left, right);
const later = (left: Day, right: Day): Day => maxDay(left, right);
