import { CN_TRADING_DAYS_FROM } from "./cn-trading-days.ts";
import type { SourceNumber } from "./enums.ts";
import { MARKETS, marketOf } from "./market.ts";
import type { Instrument } from "./rows.ts";
import type { SecurityCode } from "./security-code.ts";

/** A code of a kind or an exchange that no list names: nothing is known of it but that somebody asks for it. */
export function impliedInstrument(code: SecurityCode, source: SourceNumber): Instrument {
  const market = marketOf(code);
  const { number, currency, since } = MARKETS[market];
  return {
    code,
    name: "",
    industry: "",
    market: number,
    currency,
    status: "listed",
    listedOn: market === "CN" ? CN_TRADING_DAYS_FROM : since,
    delistedOn: undefined,
    source,
    isImplied: true,
  };
}
