import { createGatherer, type Gatherer } from "../base/gather.ts";
import { untilPassed, type RetryParts } from "../base/retry.ts";
import { type LedgerKey, ledgerKeyText, type Span } from "../domain/ledger.ts";
import { laySpans } from "../planning/spans.ts";
import type { TradingCalendar } from "../planning/trading-calendar.ts";
import type { Ledger, LedgerChange } from "../ports/store.ts";

/** Keys or changes that share one query. */
const KEYS_MAX = 8_192;

/** The ledger for handlers that run side by side: what many of them ask or say at once is one query. */
export class LedgerBook {
  readonly #read: Gatherer<LedgerKey, readonly Span[]>;
  readonly #write: Gatherer<LedgerChange, void>;

  constructor(ledger: Ledger, retry: Omit<RetryParts, "doing">, work: AbortSignal) {
    this.#read = createGatherer(async (keys) => {
      const known = await untilPassed(() => ledger.read(keys, work), { ...retry, doing: "reading the ledger" }, work);
      return keys.map((key) => known.get(ledgerKeyText(key)) ?? []);
    }, KEYS_MAX);
    this.#write = createGatherer(async (changes) => {
      await untilPassed(() => ledger.write(changes, work), { ...retry, doing: "writing the ledger" }, work);
      return changes.map(() => undefined);
    }, KEYS_MAX);
  }

  async spans(key: LedgerKey): Promise<readonly Span[]> {
    return await this.#read(key);
  }

  /** Lays what was learned over what is stored by then, so that nobody else's word on other days is undone. Durable when it resolves. */
  async learn(key: LedgerKey, learned: readonly Span[], calendar: TradingCalendar): Promise<void> {
    if (learned.length > 0) {
      await this.#write({ key, change: (stored) => laySpans(stored, learned, calendar) });
    }
  }
}
