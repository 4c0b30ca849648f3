import { parseDecimal } from "../../base/decimal.ts";
import type { Day } from "../../domain/day.ts";
import type { Span } from "../../domain/ledger.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import type { RoundingStep } from "../../ports/provider-facts.ts";
import { BAR_CELLS, type CellName, type StoredPair, type StoredSide } from "../../ports/stored-pair.ts";
import { spanOn } from "../spans.ts";
import { compareBarCell, describeWays, type CellVerdict, type RoundingSide } from "./cells.ts";
import { compareFactors, type FactorBase } from "./factors.ts";
import { noCells, type CodeReconciled, type Finding, type LoneRange, type Said } from "./findings.ts";

/** A provider, and what its rows of this code went through. */
export interface ReconciledSide extends RoundingSide {
  readonly factorRounding: readonly RoundingStep[];
}

type LoneDays = Extract<Finding, { readonly kind: "days" }>;

/**
 * One code: takes what two providers said of it, by time, and gives findings in the order of their days. A day is looked at
 * as a whole: one that a side has nothing of is found once, with the days after it that are alike.
 */
export class CodeReconciliation {
  readonly code: SecurityCode;
  readonly #sides: readonly [ReconciledSide, ReconciledSide];
  readonly #found: (finding: Finding) => void;
  readonly #cells: Partial<Record<CellName, Record<CellVerdict, number>>> = {};
  readonly #loneBars: [number, number] = [0, 0];
  readonly #loneDays: [number, number] = [0, 0];
  readonly #lone: [LoneRange | undefined, LoneRange | undefined] = [undefined, undefined];
  #day: StoredPair[] = [];
  #run: LoneDays | undefined;
  #base: FactorBase | undefined;
  #common = 0;
  #different = 0;
  #findings = 0;

  constructor(code: SecurityCode, sides: readonly [ReconciledSide, ReconciledSide], found: (finding: Finding) => void) {
    this.code = code;
    this.#sides = sides;
    this.#found = found;
  }

  /** `spans` is what the ledger knows of the code, which is looked at for days that only one side has. */
  take(pair: StoredPair, spans: readonly Span[]): void {
    if (this.#day[0] !== undefined && this.#day[0].day !== pair.day) {
      this.#endDay(spans);
    }
    this.#day.push(pair);
  }

  end(spans: readonly Span[]): CodeReconciled {
    this.#endDay(spans);
    this.#endRun();
    return {
      code: this.code,
      common: this.#common,
      cells: this.#cells,
      different: this.#different,
      loneBars: this.#loneBars,
      loneDays: this.#loneDays,
      lone: this.#lone,
      findings: this.#findings,
    };
  }

  #endDay(spans: readonly Span[]): void {
    const pairs = this.#day;
    this.#day = [];
    const [first] = pairs;
    if (first === undefined) {
      return;
    }
    const hasLeft = pairs.some(({ left }) => left !== undefined);
    const hasRight = pairs.some(({ right }) => right !== undefined);
    if (!hasLeft || !hasRight) {
      this.#takeLoneDay(first.day, hasLeft ? 0 : 1, spans);
      return;
    }
    this.#endRun();
    for (const { day, time, left, right } of pairs) {
      if (left !== undefined && right !== undefined) {
        this.#common += 1;
        this.#compare(day, time, left, right);
      } else {
        this.#takeLoneBar(day, time, left === undefined ? 1 : 0, left ?? right);
      }
    }
  }

  #takeLoneBar(day: Day, time: string, side: 0 | 1, stored: StoredSide | undefined): void {
    this.#loneBars[side] += 1;
    this.#widen(side, day);
    const said = toSaid(this.#sides[side], stored?.cells.close ?? "", stored);
    const missing = this.#sides[side === 0 ? 1 : 0].provider;
    this.#say({ kind: "bar", code: this.code, day, time, said, missing });
  }

  #takeLoneDay(day: Day, side: 0 | 1, spans: readonly Span[]): void {
    this.#loneDays[side] += 1;
    this.#widen(side, day);
    const only = this.#sides[side].provider;
    const missing = this.#sides[side === 0 ? 1 : 0].provider;
    const ledger = describeSpan(spanOn(spans, day));
    const run = this.#run;
    if (run !== undefined && run.only === only && run.ledger === ledger) {
      this.#run = { ...run, to: day, days: run.days + 1 };
      return;
    }
    this.#endRun();
    this.#run = { kind: "days", code: this.code, day, to: day, days: 1, only, missing, ledger };
  }

  #widen(side: 0 | 1, day: Day): void {
    this.#lone[side] = { from: this.#lone[side]?.from ?? day, to: day };
  }

  #endRun(): void {
    if (this.#run !== undefined) {
      this.#say(this.#run);
      this.#run = undefined;
    }
  }

  #compare(day: Day, time: string, left: StoredSide, right: StoredSide): void {
    if (left.cells.factor !== undefined) {
      this.#compareFactor(day, time, left, right);
      return;
    }
    const [one, other] = this.#sides;
    for (const cell of BAR_CELLS) {
      const { verdict, roundings } = compareBarCell(cell, day, [left.cells[cell], one], [right.cells[cell], other]);
      this.#count(cell, verdict);
      if (verdict === "different") {
        const said = [
          toSaid(one, left.cells[cell] ?? "", left, roundings[0]),
          toSaid(other, right.cells[cell] ?? "", right, roundings[1]),
        ] as const;
        this.#say({ kind: "cell", code: this.code, day, time, cell, said });
      }
    }
  }

  #compareFactor(day: Day, time: string, left: StoredSide, right: StoredSide): void {
    const [one, other] = this.#sides;
    const texts = [left.cells.factor ?? "", right.cells.factor ?? ""] as const;
    this.#base ??= { left: parseDecimal(texts[0], "factor"), right: parseDecimal(texts[1], "factor") };
    const { verdict, ratios, steps } = compareFactors(texts, this.#base, [one.factorRounding, other.factorRounding]);
    this.#count("factor", verdict);
    if (verdict === "different") {
      const said = [
        { ...toSaid(one, texts[0], left, describeWays([{ steps: steps[0] }])), ratio: ratios[0] },
        { ...toSaid(other, texts[1], right, describeWays([{ steps: steps[1] }])), ratio: ratios[1] },
      ] as const;
      this.#say({ kind: "cell", code: this.code, day, time, cell: "factor", said });
    }
  }

  #count(cell: CellName, verdict: CellVerdict): void {
    (this.#cells[cell] ??= noCells())[verdict] += 1;
    this.#different += verdict === "different" ? 1 : 0;
  }

  #say(finding: Finding): void {
    this.#findings += 1;
    this.#found(finding);
  }
}

function toSaid({ provider }: RoundingSide, value: string, side: StoredSide | undefined, rounding = ""): Said {
  const { fetchedAt = "", callId = "", requestId = "" } = side ?? {};
  return { provider, value, fetchedAt, callId, requestId, rounding };
}

function describeSpan(span: Span | undefined): string {
  if (span === undefined) {
    return "never asked for";
  }
  const { provider, callId, note } = span.evidence;
  return `${span.state}, ${provider}${callId === "" ? "" : `, call ${callId}`}: ${note}`;
}
