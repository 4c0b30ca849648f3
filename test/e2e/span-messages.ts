import { generateMarket, type Market } from "../../src/market/generate-market.ts";
import { createRandom, type Random } from "../../src/market/random.ts";
import type { RigMessage, WorkerRig } from "./worker-rig.ts";

/** `fresh` asks for a span for the first time, `complete` for one that is there by then, `forced` for such a one again. */
export type SpanKind = "fresh" | "complete" | "forced";

export interface SpanMessages {
  readonly market: Market;
  /** Each code's messages in their order, those of all codes mixed; the key is the code. */
  readonly messages: readonly RigMessage[];
}

const SPAN_DAYS = 3;
/** A call may reach a few days into the neighbouring spans, for rows on both sides of a day without one. */
const ROWS_MAX = 2 * SPAN_DAYS;
/** The simulator's caps for it. */
export const CALL_ROWS_MAX = { daily: ROWS_MAX } as const;

/**
 * Settings under which a call for bars is one message's: it names one code, and the whole market on one day is not asked
 * for unless that saves calls, for which it takes a small market and many messages about the same days.
 */
export const CALL_A_MESSAGE = {
  GINKGO_TUSHARE_CODES_MAX: "1",
  GINKGO_TUSHARE_ROWS_MAX: String(ROWS_MAX),
  GINKGO_TUSHARE_CALLS_PER_MINUTE: "100000",
} as const;

/**
 * Messages that bring a market span by span: for each code one for each of `kinds`, in that order, each code taking the
 * spans in an order of its own. Every span is asked for by exactly one fresh message.
 */
export function spanMessages(options: {
  readonly seed: number;
  readonly codes: number;
  readonly kinds: readonly SpanKind[];
}): SpanMessages {
  const { seed, codes, kinds } = options;
  const spans = kinds.filter((kind) => kind === "fresh").length;
  const market = generateMarket({ seed, codes, tradingDays: spans * SPAN_DAYS });
  const random = createRandom(seed, "span messages");
  const lists = market.securities.map(({ code }) => {
    const left = shuffle(spans, random);
    const brought: number[] = [];
    return kinds.map((kind): RigMessage => {
      const span = kind === "fresh" ? left.pop() : brought[random.below(brought.length)];
      if (span === undefined) {
        throw new RangeError(`the first message of a code must be a fresh one, not ${kind}`);
      }
      if (kind === "fresh") {
        brought.push(span);
      }
      const [from, to] = [market.days[span * SPAN_DAYS], market.days[(span + 1) * SPAN_DAYS - 1]];
      const params = { code, start_date: from, end_date: to, ...(kind === "forced" ? { force: true } : {}) };
      return { key: code, value: { command: "bar_snapshot", params } };
    });
  });
  return { market, messages: kinds.flatMap((_, index) => lists.flatMap((list) => list[index] ?? [])) };
}

export interface CallCount {
  /** Calls for bars that the provider got. */
  readonly made: number;
  /** Of these: calls for the whole market, which may serve several messages. */
  readonly shared: number;
  /** Calls that no outcome names: whoever made them ended before, and the message was handled, and may have called, again. */
  readonly again: number;
}

export async function countCalls(rig: WorkerRig): Promise<CallCount> {
  const made = rig.simulator.requests.filter(({ api }) => api === "daily");
  const [told] = await rig.select<{ readonly calls: string }>(
    "SELECT toString(uniqExact(arrayJoin(call_ids))) AS calls FROM @outcome_row FINAL",
  );
  return {
    made: made.length,
    shared: made.filter(({ params }) => params["trade_date"] !== undefined).length,
    again: made.length - Number.parseInt(told?.calls ?? "0", 10),
  };
}

function shuffle(length: number, random: Random): number[] {
  const numbers = Array.from({ length }, (_, index) => index);
  for (let index = length - 1; index > 0; index -= 1) {
    const other = random.below(index + 1);
    [numbers[index], numbers[other]] = [numbers[other] ?? 0, numbers[index] ?? 0];
  }
  return numbers;
}
