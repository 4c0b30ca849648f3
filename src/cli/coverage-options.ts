import type { Clock } from "../base/clock.ts";
import { dayAt, SHANGHAI } from "../domain/day.ts";
import { MARKET_NAMES } from "../domain/market.ts";
import { parseFrequency, type Frequency } from "../domain/frequency.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { CodeDataSet } from "../domain/unit.ts";
import type { CoverageOptions } from "../app/app-api.ts";
import { oneOf } from "./data-output.ts";
import { readCodeList } from "./read-codes.ts";
import { fromFlag, readDay, readFromTo } from "./read-days.ts";
import { UsageError } from "./usage-error.ts";

/** As people say it; the ledger's own word is longer. */
export const DATA_SET_WORDS = ["bars", "ticks", "factors"] as const;
const DATA_SETS: Readonly<Record<(typeof DATA_SET_WORDS)[number], CodeDataSet>> = {
  bars: "bars",
  ticks: "ticks",
  factors: "adjustment-factors",
};

/** The flags of `coverage` and `gaps` as they were typed. */
export interface TypedCoverage {
  readonly dataSet: string;
  readonly frequency?: string;
  readonly code?: string;
  readonly codes?: string;
  readonly market?: boolean;
  readonly date?: string;
  readonly from?: string;
  readonly to?: string;
  readonly of?: string;
}

/** UsageError says what does not fit together. */
export function toCoverageOptions(typed: TypedCoverage, clock: Clock): CoverageOptions {
  const market = typed.of === undefined ? undefined : oneOf("--of", typed.of.toUpperCase(), MARKET_NAMES);
  const dataSet = DATA_SETS[oneOf("--data-set", typed.dataSet, DATA_SET_WORDS)];
  const date = readDay("--date", typed.date);
  const range = readFromTo(typed);
  if (date !== undefined && (range.from !== undefined || range.to !== undefined)) {
    throw new UsageError("--date is one day: leave --from and --to out");
  }
  const { from, to } = date === undefined ? range : { from: date, to: date };
  const today = dayAt(clock.now(), SHANGHAI);
  const future = [from, to].find((day) => day !== undefined && day > today);
  if (future !== undefined) {
    throw new UsageError(`${future} lies in the future: today is ${today} in Shanghai`);
  }
  return {
    dataSet,
    frequency: readFrequency(dataSet, typed.frequency),
    codes: readCodes(typed),
    from,
    to,
    ...(market === undefined ? {} : { market }),
  };
}

export function readFrequency(dataSet: CodeDataSet, typed: string | undefined): Frequency {
  if (typed === undefined) {
    return "1d";
  }
  const frequency = fromFlag("--frequency", () => parseFrequency(typed));
  if (dataSet !== "bars") {
    throw new UsageError("--frequency is of bars: leave it out");
  }
  if (frequency === "1w" || frequency === "1M") {
    throw new UsageError(`--frequency ${frequency} is a view over daily bars: look at 1d`);
  }
  return frequency;
}

function readCodes({ code, codes, market, date }: TypedCoverage): readonly SecurityCode[] | "asked" | "listed" {
  const named = [...readCodeList(code ?? "", "--code"), ...readCodeList(codes ?? "", "--codes")];
  if (market === true && (code ?? codes) !== undefined) {
    throw new UsageError("--market is every listed security: leave --code and --codes out");
  }
  if (named.length > 0) {
    return [...new Set(named)];
  }
  if ((code ?? codes) !== undefined) {
    throw new UsageError("there is no code after --codes");
  }
  return market === true || date !== undefined ? "listed" : "asked";
}
