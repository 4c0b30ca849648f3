import {
  digitsOf,
  exchangeOf,
  isSecurityCode,
  type MainlandExchange,
  type SecurityCode,
} from "../../domain/security-code.ts";

/** Eastmoney's own name of a security: what it asks for and what its answers repeat. */
export interface EastmoneyId {
  readonly market: string;
  readonly digits: string;
}

/** Beijing shares the number of Shenzhen; 116 is Hong Kong. RangeError for the United States, whose number the code does not tell. */
const MARKETS = { SH: "1", SZ: "0", BJ: "0", HK: "116" } as const;

export function toEastmoneyId(code: SecurityCode): EastmoneyId {
  const exchange = exchangeOf(code);
  if (exchange === "US") {
    throw new RangeError(`calling akshare: eastmoney is not asked for ${code}`);
  }
  return { market: MARKETS[exchange], digits: digitsOf(code) };
}

/** `1.600000`. */
export function toSecid(code: SecurityCode): string {
  const { market, digits } = toEastmoneyId(code);
  return `${market}.${digits}`;
}

/** `sh600000`, as Sina and Tencent write 600000.SH. */
export function toPrefixedCode(code: SecurityCode): string {
  return `${exchangeOf(code).toLowerCase()}${digitsOf(code)}`;
}

/** Undefined on digits that make no code of the exchange. */
export function codeOf(digits: string, exchange: MainlandExchange): SecurityCode | undefined {
  const code = `${digits}.${exchange}`;
  return isSecurityCode(code) ? code : undefined;
}

/**
 * The exchange of six digits of Eastmoney's market 0, which has Shenzhen and Beijing: Beijing's begin with 92 (and, until
 * they were given up, 43, 83 and 87), which Shenzhen never used for shares.
 */
export function exchangeOfDigits(market: string, digits: string): MainlandExchange {
  if (market === "1") {
    return "SH";
  }
  return /^(?:92|4[0-9]|8[0-9])/.test(digits) ? "BJ" : "SZ";
}

/** Shares of Shanghai's board for science, for which upstreams do not agree on the unit of volume. */
export function isStarShare(code: SecurityCode): boolean {
  return exchangeOf(code) === "SH" && /^68[89]/.test(digitsOf(code));
}
