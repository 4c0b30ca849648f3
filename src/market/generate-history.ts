import type { Day } from "../domain/day.ts";
import { drawActionTerms, drawBar, drawFirstClose, drawIssuePrice } from "./draw-day.ts";
import type { SecurityPlan } from "./plan-securities.ts";
import { exRightPrice, limitsOf, nextFactorE4 } from "./price-rules.ts";
import { createRandom, type Random } from "./random.ts";
import type {
  CorporateAction,
  MarketBar,
  MarketFactor,
  MarketSecurity,
  MarketSuspension,
  SecurityHistory,
} from "./security.ts";

/** A cumulative factor of 1. */
const FACTOR_ONE_E4 = 10_000;

/** Draws a security's days one after the other; the same seed and plan give the same history, whatever was drawn before. */
export function generateHistory(seed: number, plan: SecurityPlan, days: readonly Day[]): SecurityHistory {
  const { security, listed } = plan;
  const random = createRandom(seed, `history ${security.code}`);
  const isWholeDay = wholeDaysOf(plan);
  const exPositions = drawExPositions(plan, isWholeDay, random);
  const sizeLots = 2 ** random.between(8, 16);

  const bars: MarketBar[] = [];
  const factors: MarketFactor[] = [];
  const suspensions: MarketSuspension[] = [];
  const resumptions: Day[] = [];
  const actions: CorporateAction[] = [];
  let closeCents = plan.isNew ? drawIssuePrice(random) : drawFirstClose(random);
  let factorE4 = plan.isNew ? FACTOR_ONE_E4 : FACTOR_ONE_E4 + random.below(400_000);

  for (let position = listed.from; position < listed.to; position += 1) {
    const day = dayAt(days, position);
    if (isWholeDay.has(position)) {
      suspensions.push({ code: security.code, day, timing: undefined });
      factors.push({ code: security.code, day, factorE4 });
      continue;
    }
    if (isWholeDay.has(position - 1)) {
      resumptions.push(day);
    }
    let preCloseCents = closeCents;
    if (exPositions.has(position)) {
      const action = drawAction(security, days, position, closeCents, random);
      preCloseCents = exRightPrice(closeCents, action.terms);
      factorE4 = nextFactorE4(factorE4, closeCents, preCloseCents);
      actions.push(action);
    }
    const isWithoutLimit = plan.isNew && position - listed.from < security.board.daysWithoutLimit;
    const limits = isWithoutLimit ? undefined : limitsOf(preCloseCents, limitPercentOf(security));
    const drawn = drawBar({ preCloseCents, limits, sizeLots, hasSingleShares: security.board.hasSingleShares }, random);
    bars.push({ code: security.code, day, preCloseCents, limits, ...drawn });
    factors.push({ code: security.code, day, factorE4 });
    closeCents = drawn.closeCents;
    if (random.chance(1, PART_SUSPENDED_ONE_IN)) {
      suspensions.push({ code: security.code, day, timing: random.pick(TIMINGS) });
    }
  }
  return { security, bars, factors, suspensions, resumptions, actions };
}

/** One day in so many has a suspension of minutes or hours, and a bar all the same. */
const PART_SUSPENDED_ONE_IN = 1_500;
const TIMINGS = ["09:30-10:00", "09:30-10:30", "10:15-10:25", "13:00-15:00", "14:47-14:57"] as const;

/** Two draws in so many days, each of which gives an event in one case of two. */
const EVENT_DAYS = 250;

export function limitPercentOf(security: MarketSecurity): number {
  return security.isSpecialTreatment ? security.board.limitPercentSpecial : security.board.limitPercent;
}

function wholeDaysOf(plan: SecurityPlan): ReadonlySet<number> {
  const positions = new Set<number>();
  for (const { from, to } of plan.suspended) {
    for (let position = Math.max(from, plan.listed.from); position < Math.min(to, plan.listed.to); position += 1) {
      positions.add(position);
    }
  }
  return positions;
}

/** Ex-days fall on days with a bar, after the first bar within the market, at least ten days after a listing. */
function drawExPositions(
  { listed, isNew }: SecurityPlan,
  isWholeDay: ReadonlySet<number>,
  random: Random,
): ReadonlySet<number> {
  let firstTraded = listed.from;
  while (isWholeDay.has(firstTraded)) {
    firstTraded += 1;
  }
  const from = firstTraded + (isNew ? 10 : 1);
  const span = listed.to - from;
  const positions = new Set<number>();
  for (let draws = Math.ceil((2 * span) / EVENT_DAYS); draws > 0; draws -= 1) {
    const position = from + random.below(span);
    if (random.chance(1, 2) && !isWholeDay.has(position)) {
      positions.add(position);
    }
  }
  return positions;
}

function drawAction(
  { code }: MarketSecurity,
  days: readonly Day[],
  position: number,
  closeCents: number,
  random: Random,
): CorporateAction {
  return {
    code,
    announcedOn: dayAt(days, Math.max(0, position - random.between(3, 8))),
    recordedOn: dayAt(days, position - 1),
    exDay: dayAt(days, position),
    terms: drawActionTerms(closeCents, random),
  };
}

function dayAt(days: readonly Day[], position: number): Day {
  const day = days[position];
  if (day === undefined) {
    throw new RangeError(`generating a security: position ${position} lies outside its market's ${days.length} days`);
  }
  return day;
}
