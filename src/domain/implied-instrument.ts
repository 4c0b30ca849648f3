import { CN_TRADING_DAYS_FROM } from "./cn-trading-days.ts";
import { CURRENCY, MARKET, type SourceNumber } from "./enums.ts";
import type { Instrument } from "./rows.ts";
import type { SecurityCode } from "./security-code.ts";

/** A code of a kind or an exchange that no list names: nothing is known of it but that somebody asks for it. */
export function impliedInstrument(code: SecurityCode, source: SourceNumber): Instrument {
  return {
    code,
    name: "",
    industry: "",
    market: MARKET.CHINA,
    currency: CURRENCY.CNY,
    status: "listed",
    listedOn: CN_TRADING_DAYS_FROM,
    delistedOn: undefined,
    source,
    isImplied: true,
  };
}
