import { DataError } from "../base/errors.ts";

/**
 * A security code qualified by where it is listed: `600000.SH`, `000001.SZ`, `920002.BJ`, `00700.HK` (five digits),
 * `AAPL.US`, `BRK-B.US` (a class of shares behind a hyphen). Upper case.
 */
export type SecurityCode = string & { readonly __securityCode: unique symbol };

/** Shanghai, Shenzhen, Beijing, as the ends of codes: one market with one calendar. */
export const MAINLAND_EXCHANGES = ["SH", "SZ", "BJ"] as const;
export type MainlandExchange = (typeof MAINLAND_EXCHANGES)[number];

/** Those, Hong Kong, and all exchanges of the United States together, whose symbols are one name space. */
export const EXCHANGES = [...MAINLAND_EXCHANGES, "HK", "US"] as const;
export type Exchange = (typeof EXCHANGES)[number];

const PATTERN = /^(?:\d{6}\.(?:SH|SZ|BJ)|\d{5}\.HK|[A-Z][A-Z0-9]{0,5}(?:-[A-Z]{1,2})?\.US)$/;

export function parseSecurityCode(input: unknown, path = ""): SecurityCode {
  if (!isSecurityCode(input)) {
    throw new DataError(
      `expected a code such as 600000.SH, 00700.HK or AAPL.US, got ${JSON.stringify(input)?.slice(0, 60)}`,
      path,
    );
  }
  return input;
}

export function isSecurityCode(input: unknown): input is SecurityCode {
  return typeof input === "string" && PATTERN.test(input);
}

export function exchangeOf(code: SecurityCode): Exchange {
  const end = code.slice(code.lastIndexOf(".") + 1);
  return EXCHANGES.find((exchange) => exchange === end) ?? "US";
}

export function isMainland(exchange: Exchange): exchange is MainlandExchange {
  return exchange !== "HK" && exchange !== "US";
}

/** What stands before the exchange: six digits on the mainland, five in Hong Kong, else the ticker symbol. */
export function digitsOf(code: SecurityCode): string {
  return code.slice(0, code.lastIndexOf("."));
}
