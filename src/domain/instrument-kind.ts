import { digitsOf, EXCHANGES, exchangeOf, type Exchange, type SecurityCode } from "./security-code.ts";

/** What a code stands for. `fund` is every listed fund that is no ETF (LOF, closed-end, REIT). */
export const INSTRUMENT_KINDS = ["stock", "index", "etf", "fund", "bond"] as const;
export type InstrumentKind = (typeof INSTRUMENT_KINDS)[number];

/**
 * The kind of a code by the exchanges' own number ranges: the same six digits are another thing on another exchange
 * (000001.SH is the composite index of Shanghai, 000001.SZ a bank). What no range claims counts as a stock: then the
 * stock list decides whether there is such a thing.
 */
export function kindOf(code: SecurityCode): InstrumentKind {
  const digits = digitsOf(code);
  for (const [kind, pattern] of RANGES[exchangeOf(code)]) {
    if (pattern.test(digits)) {
      return kind;
    }
  }
  return "stock";
}

/** The ranges of `kindOf` in the order in which they are looked at, for whoever asks a database the same. */
export function kindRanges(): readonly {
  readonly exchange: Exchange;
  readonly kind: InstrumentKind;
  readonly pattern: string;
}[] {
  return EXCHANGES.flatMap((exchange) =>
    RANGES[exchange].map(([kind, { source }]) => ({ exchange, kind, pattern: source })),
  );
}

const RANGES: { readonly [E in Exchange]: readonly (readonly [InstrumentKind, RegExp])[] } = {
  SH: [
    ["index", /^(?:000|88\d|99\d|93\d|95\d|98\d)/],
    ["stock", /^(?:60\d|68[89]|900)/],
    ["etf", /^5(?:[12368]\d|51)/],
    ["fund", /^50\d/],
    ["bond", /^(?:0[1-2]\d|1\d\d|2[0-7]\d)/],
  ],
  SZ: [
    ["index", /^39\d/],
    ["stock", /^(?:00[0-4]|30[0-9]|20\d)/],
    ["etf", /^159/],
    ["fund", /^1(?:50|[68]\d)/],
    ["bond", /^1[0-49]\d/],
  ],
  BJ: [
    ["index", /^899/],
    ["bond", /^8[12]/],
  ],
  // Tracker funds are bought and sold as shares are, and no number range or letter tells them apart.
  HK: [],
  US: [],
};

const NAMES: { readonly [K in InstrumentKind]: string } = {
  stock: "a stock",
  index: "an index",
  etf: "an ETF",
  fund: "a fund",
  bond: "a bond",
};

/** With its article, for messages. */
export function nameOfKind(kind: InstrumentKind): string {
  return NAMES[kind];
}
