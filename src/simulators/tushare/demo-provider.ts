import { generateMarket } from "../../market/generate-market.ts";
import type { Day } from "../../domain/day.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { truthRows, type TruthRow } from "../../market/truth-rows.ts";
import { LIMIT_DEFAULT } from "./limit-gate.ts";
import { marketData } from "./market-data.ts";
import { startTushareSimulator } from "./simulator.ts";

export interface DemoProviderOptions {
  readonly seed: number;
  readonly codes: number;
  readonly tradingDays: number;
}

/** A simulated provider over a generated market, and the truth that the market is made of. */
export interface DemoProvider extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  readonly codes: readonly SecurityCode[];
  readonly from: Day;
  readonly to: Day;
  /** How fast and how often it may be asked, in words. */
  readonly terms: string;
  /** Every bar that a complete store has of these codes: listed days without the suspended ones. */
  truth(codes: readonly SecurityCode[]): Iterable<TruthRow>;
  /** Calls that arrived, by the provider's own log. */
  calls(): number;
}

const LATENCY = { fromMs: 80, toMs: 200 };

/** As strict as the real provider: 200 calls in any 60 s, and answers that take their time. */
export async function openDemoProvider(options: DemoProviderOptions): Promise<DemoProvider> {
  const market = generateMarket(options);
  const simulator = await startTushareSimulator({
    data: marketData(market),
    seed: options.seed,
    limits: [LIMIT_DEFAULT],
    latency: LATENCY,
  });
  const [from] = market.days;
  const to = market.days.at(-1);
  if (from === undefined || to === undefined) {
    throw new RangeError("opening the demo's provider: its market has no day");
  }
  return {
    url: simulator.url,
    token: simulator.token,
    codes: market.securities.map(({ code }) => code),
    from,
    to,
    terms: `answers take ${LATENCY.fromMs} to ${LATENCY.toMs} ms, ${LIMIT_DEFAULT.calls} calls in any ${LIMIT_DEFAULT.windowMs / 1_000} s`,
    truth: (codes) => truthRows(market, codes),
    calls: () => simulator.requests.length,
    [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose](),
  };
}
