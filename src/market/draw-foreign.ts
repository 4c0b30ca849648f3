import type { Day } from "../domain/day.ts";
import { SESSION_VOLUME_MIN } from "./draw-session.ts";
import type { ForeignSecurity } from "./foreign-securities.ts";
import { divideHalfUp } from "./price-rules.ts";
import type { Random } from "./random.ts";

/** A day's bar as traded, in whole units of the security's prices and whole shares. */
export interface ForeignBar {
  readonly day: Day;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

/** On its ex-day. Cash is for one share as it was before that day, in ten-thousandths of the currency. */
export type ForeignAction =
  | { readonly kind: "split"; readonly exDay: Day; readonly numerator: number; readonly denominator: number }
  | { readonly kind: "dividend" | "capital-gain"; readonly exDay: Day; readonly amountE4: number };

export interface ForeignDays {
  readonly bars: readonly ForeignBar[];
  readonly actions: readonly ForeignAction[];
  readonly suspended: readonly Day[];
}

/** Draws a security's days one after the other. No two actions fall on one day, and none on a suspended one. */
export function drawForeignHistory(security: ForeignSecurity, days: readonly Day[], random: Random): ForeignDays {
  const bars: ForeignBar[] = [];
  const actions: ForeignAction[] = [];
  const suspended: Day[] = [];
  const planned = planDays(security, days.length);
  const size = random.between(20_000, 2_000_000) * (security.kind === "index" ? 100 : 1);
  let close = divideHalfUp(security.startsAt * random.between(90, 110), 100);
  days.forEach((day, position) => {
    const plan = planned.get(position);
    if (plan === "suspended") {
      suspended.push(day);
      return;
    }
    const action = plan === undefined ? undefined : toAction(plan, day, close, security.decimals, random);
    if (action !== undefined) {
      actions.push(action);
      close = referenceOf(close, action, security.decimals);
    }
    const bar = drawBar(day, close, size, random);
    bars.push(bar);
    close = bar.close;
  });
  return { bars, actions, suspended };
}

type Planned = "suspended" | "dividend" | "capital-gain" | readonly [numerator: number, denominator: number];

/** Too few days leave no room for anything to happen. */
const PLAN_DAYS_MIN = 20;

function planDays({ plan }: ForeignSecurity, count: number): ReadonlyMap<number, Planned> {
  const planned = new Map<number, Planned>();
  if (count < PLAN_DAYS_MIN) {
    return planned;
  }
  if (plan.dividendEvery !== undefined) {
    for (let position = 7; position < count; position += plan.dividendEvery) {
      planned.set(position, "dividend");
    }
  }
  if (plan.hasCapitalGain) {
    planned.set(Math.floor(count / 2) + 3, "capital-gain");
  }
  plan.splits.forEach((split, index) => {
    const position = Math.floor((count * (index + 1)) / (plan.splits.length + 1));
    planned.set(planned.has(position) ? position + 1 : position, split);
  });
  for (let index = 0; index < plan.suspendedDays; index += 1) {
    planned.set(Math.floor(count / 3) + index, "suspended");
  }
  return planned;
}

function toAction(
  planned: Exclude<Planned, "suspended">,
  exDay: Day,
  close: number,
  decimals: 2 | 3,
  random: Random,
): ForeignAction {
  if (planned === "dividend" || planned === "capital-gain") {
    // About half a percent to one and a half of the price, to a quarter of a cent.
    const closeE4 = close * 10 ** (4 - decimals);
    return {
      kind: planned,
      exDay,
      amountE4: 25 * Math.max(1, divideHalfUp(closeE4 * random.between(5, 15), 25_000)),
    };
  }
  const [numerator, denominator] = planned;
  return { kind: "split", exDay, numerator, denominator };
}

function referenceOf(close: number, action: ForeignAction, decimals: 2 | 3): number {
  return action.kind === "split"
    ? divideHalfUp(close * action.denominator, action.numerator)
    : Math.max(1, close - divideHalfUp(action.amountE4, 10 ** (4 - decimals)));
}

const SPREAD = 110;

function drawBar(day: Day, reference: number, size: number, random: Random): ForeignBar {
  const at = (basisPoints: number): number => Math.max(1, divideHalfUp(reference * (10_000 + basisPoints), 10_000));
  const open = at(random.bell(Math.floor(SPREAD / 3)));
  const close = at(random.bell(Math.floor(SPREAD / 2)) + 3);
  return {
    day,
    open,
    close,
    high: Math.max(open, close) + at(random.below(SPREAD) - 10_000),
    low: Math.max(1, Math.min(open, close) - at(random.below(SPREAD) - 10_000)),
    volume: SESSION_VOLUME_MIN + divideHalfUp(size * random.between(20, 180), 100) + random.below(97),
  };
}
