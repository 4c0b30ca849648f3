import { marketOf, type MarketName } from "../../domain/market.ts";
import { digitsOf, exchangeOf, type Exchange, type SecurityCode } from "../../domain/security-code.ts";

/** Exchanges that the provider covers well enough to be asked about. */
export const YAHOO_EXCHANGES = ["SH", "SZ", "HK", "US"] as const satisfies readonly Exchange[];

/** `600000.SS`, `000001.SZ`, `0700.HK` (five digits from 10000 on), `AAPL`, `BRK-B`. RangeError on any other exchange. */
export function toWireSymbol(code: SecurityCode): string {
  const digits = digitsOf(code);
  switch (exchangeOf(code)) {
    case "SH":
      return `${digits}.SS`;
    case "SZ":
      return `${digits}.SZ`;
    case "HK":
      return `${digits.replace(/^0/, "")}.HK`;
    case "US":
      return digits;
    case "BJ":
      throw new RangeError(`calling yahoo: it has nothing of ${code}`);
  }
}

/** What prices of a code are in; the B-shares of Shanghai are quoted in USD, those of Shenzhen in HKD. */
export function currencyOf(code: SecurityCode): string {
  const market = marketOf(code);
  if (market === "CN") {
    return /^900\d{3}\.SH$/.test(code) ? "USD" : /^20\d{4}\.SZ$/.test(code) ? "HKD" : "CNY";
  }
  return market === "HK" ? "HKD" : "USD";
}

/** The index that has a bar on every day on which the market is open. */
export const REFERENCE_INDICES: { readonly [M in Exclude<MarketName, "CN">]: string } = { HK: "^HSI", US: "^GSPC" };
