import { servedProvider } from "../../src/app/provider-table.ts";
import { PROVIDERS } from "../../src/domain/provider.ts";
import { describeSteps } from "../../src/planning/reconcile/rounding.ts";
import type { RoundedColumn } from "../../src/ports/provider-facts.ts";
import { code, markdownTable } from "./markdown-table.ts";

/** The generated part of docs/reading.md: what `gdw reconcile` takes back from a value before two of them differ. */
export function readingParts(): ReadonlyMap<string, string> {
  const ofBars = PROVIDERS.flatMap((provider) =>
    servedProvider(provider).facts.units.flatMap(({ rows, kinds, rounding = [] }) =>
      rounding.map((one) => [
        code(provider),
        rows,
        kinds.join(", "),
        COLUMN_WORDS[one.column],
        describeSteps(one.steps),
        one.before === undefined ? "all" : `before ${one.before}`,
        one.certainty,
      ]),
    ),
  );
  const ofFactors = PROVIDERS.flatMap((provider) => {
    const { factorRounding } = servedProvider(provider).facts;
    return factorRounding.length === 0
      ? []
      : [[code(provider), "factors", "stock", "factor", describeSteps(factorRounding), "all", "seen"]];
  });
  const head = ["Provider", "Rows", "Of", "Column", "What happened to it", "Days", "How sure"];
  return new Map([["rounding", markdownTable(head, [...ofBars, ...ofFactors])]]);
}

const COLUMN_WORDS: Readonly<Record<RoundedColumn, string>> = {
  price: "open, high, low, close",
  pre_close: "pre_close",
  volume: "volume",
  amount: "amount",
};
