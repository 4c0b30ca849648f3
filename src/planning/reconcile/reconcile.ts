import type { Span } from "../../domain/ledger.ts";
import type { Frequency } from "../../domain/frequency.ts";
import { kindOf, type InstrumentKind } from "../../domain/instrument-kind.ts";
import { type MarketName, marketOf } from "../../domain/market.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import type { ProviderFacts } from "../../ports/provider-facts.ts";
import type { StoredPair } from "../../ports/stored-pair.ts";
import { compareWorst, WorstFindings, type CodeReconciled, type Finding } from "./findings.ts";
import { CodeReconciliation, type ReconciledSide } from "./reconcile-code.ts";

export interface ReconciliationOptions {
  readonly frequency: Frequency;
  readonly facts: readonly [ProviderFacts, ProviderFacts];
  /** So many findings are kept, of the worst codes. */
  readonly listMax: number;
  /** Hears of every finding, in the order of codes and days. */
  readonly found?: ((finding: Finding) => void) | undefined;
}

export interface Reconciled {
  /** The worst first. */
  readonly codes: readonly CodeReconciled[];
  readonly listed: readonly Finding[];
}

/** Holds what two providers said against each other, code after code; what is kept of a code is a line and its first findings. */
export class Reconciliation {
  readonly #options: ReconciliationOptions;
  readonly #worst: WorstFindings;
  readonly #codes: CodeReconciled[] = [];
  #open: { readonly code: CodeReconciliation; readonly first: Finding[]; spans: readonly Span[] } | undefined;
  #findings = 0;

  constructor(options: ReconciliationOptions) {
    this.#options = options;
    this.#worst = new WorstFindings(options.listMax);
  }

  get findings(): number {
    return this.#findings;
  }

  /** Pairs sorted by code and time. `spansOf` is asked for the codes of these. */
  take(pairs: readonly StoredPair[], spansOf: (code: SecurityCode) => readonly Span[]): void {
    const [first] = pairs;
    if (this.#open !== undefined && this.#open.code.code === first?.code) {
      const spans = spansOf(first.code);
      // Its last day may still be open, of which the part before knew something.
      this.#open.spans = spans.length > 0 ? spans : this.#open.spans;
    }
    for (const pair of pairs) {
      if (this.#open?.code.code !== pair.code) {
        this.#end();
        this.#begin(pair.code, spansOf(pair.code));
      }
      this.#open?.code.take(pair, this.#open.spans);
    }
  }

  end(): Reconciled {
    this.#end();
    return { codes: this.#codes.toSorted(compareWorst), listed: this.#worst.list() };
  }

  #begin(code: SecurityCode, spans: readonly Span[]): void {
    const { facts, frequency, listMax, found } = this.#options;
    const first: Finding[] = [];
    const sides = facts.map((one) => toSide(one, frequency, kindOf(code), marketOf(code)));
    const [left, right] = sides;
    if (left === undefined || right === undefined) {
      throw new RangeError("reconciling needs the facts of two providers");
    }
    const reconciliation = new CodeReconciliation(code, [left, right], (finding) => {
      this.#findings += 1;
      if (first.length < listMax) {
        first.push(finding);
      }
      found?.(finding);
    });
    this.#open = { code: reconciliation, first, spans };
  }

  #end(): void {
    if (this.#open !== undefined) {
      const { code, first, spans } = this.#open;
      this.#open = undefined;
      const reconciled = code.end(spans);
      this.#codes.push(reconciled);
      this.#worst.add(reconciled, first);
    }
  }
}

/** What the rows of a provider of one kind and length went through. */
export function toSide(
  { provider, units, factorRounding }: ProviderFacts,
  frequency: Frequency,
  kind: InstrumentKind,
  market: MarketName = "CN",
): ReconciledSide {
  const rows = frequency === "1d" ? "daily bars" : "minute bars";
  const roundings = units
    .filter((unit) => unit.rows === rows && unit.kinds.includes(kind) && (unit.market ?? market) === market)
    .flatMap(({ rounding = [] }) => rounding);
  return { provider, roundings, factorRounding };
}
