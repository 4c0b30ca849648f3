import { createGatherer, type Gatherer } from "../base/gather.ts";
import { PermanentError } from "../base/errors.ts";
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
  readonly #write: Gatherer<LedgerChange, PromiseSettledResult<void>>;

  constructor(ledger: Ledger, retry: Omit<RetryParts, "doing">, work: AbortSignal) {
    this.#read = createGatherer(async (keys) => {
      const known = await untilPassed(() => ledger.read(keys, work), { ...retry, doing: "reading the ledger" }, work);
      return keys.map((key) => known.get(ledgerKeyText(key)) ?? []);
    }, KEYS_MAX);
    const write = async (changes: readonly LedgerChange[]): Promise<readonly PromiseSettledResult<void>[]> => {
      const [all] = await Promise.allSettled([
        untilPassed(() => ledger.write(changes, work), { ...retry, doing: "writing the ledger" }, work),
      ]);
      const isOwnFault = all.status === "rejected" && !work.aborted && !(all.reason instanceof PermanentError);
      if (!isOwnFault || changes.length === 1) {
        return changes.map(() => all);
      }
      // One of them cannot be written: halving finds it, and it fails only the message that it came from.
      const half = Math.ceil(changes.length / 2);
      return [...(await write(changes.slice(0, half))), ...(await write(changes.slice(half)))];
    };
    this.#write = createGatherer(write, KEYS_MAX);
  }

  async spans(key: LedgerKey): Promise<readonly Span[]> {
    return await this.#read(key);
  }

  /** Lays what was learned over what is stored by then, so that nobody else's word on other days is undone. Durable when it resolves. */
  async learn(key: LedgerKey, learned: readonly Span[], calendar: TradingCalendar): Promise<void> {
    if (learned.length > 0) {
      const written = await this.#write({ key, change: (stored) => laySpans(stored, learned, calendar) });
      if (written.status === "rejected") {
        throw written.reason;
      }
    }
  }
}
