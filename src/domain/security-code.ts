import { DataError } from "../base/errors.ts";

/** A security code qualified by its exchange: `600000.SH`, `000001.SZ`, `920002.BJ`. Upper case. */
export type SecurityCode = string & { readonly __securityCode: unique symbol };

/** Shanghai, Shenzhen, Beijing, as the ends of codes. */
export const EXCHANGES = ["SH", "SZ", "BJ"] as const;
export type Exchange = (typeof EXCHANGES)[number];

const PATTERN = /^\d{6}\.(?:SH|SZ|BJ)$/;

export function parseSecurityCode(input: unknown, path = ""): SecurityCode {
  if (!isSecurityCode(input)) {
    throw new DataError(`expected a code such as 600000.SH, got ${JSON.stringify(input)?.slice(0, 60)}`, path);
  }
  return input;
}

export function isSecurityCode(input: unknown): input is SecurityCode {
  return typeof input === "string" && PATTERN.test(input);
}

export function exchangeOf(code: SecurityCode): Exchange {
  return code.endsWith(".SH") ? "SH" : code.endsWith(".SZ") ? "SZ" : "BJ";
}

/** The six digits. */
export function digitsOf(code: SecurityCode): string {
  return code.slice(0, 6);
}
