import type { AkshareListing } from "./akshare-data.ts";
import type { Answer } from "./answer.ts";
import type { SettledFault } from "./faults.ts";
import type { Upstream } from "./upstreams.ts";
import type { View } from "./view.ts";

/** A request that found its endpoint. */
export interface Inquiry {
  /** Of the path, as the endpoint's pattern found them. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  /** Fields of a posted form. */
  readonly form: URLSearchParams;
  readonly hasCookie: boolean;
  readonly view: View;
  readonly fault: SettledFault | undefined;
  readonly rules: ServingRules;
}

/** How far back the upstreams keep what is shorter than a day, and how they page. */
export interface ServingRules {
  /** Trading days of bars of 5 to 60 minutes. */
  readonly minuteDays: number;
  /** Rows in a page of the spot list. */
  readonly spotRowsMax: number;
  /** Whether the Beijing exchange first sends a redirection with a cookie. */
  readonly redirectsFirst: boolean;
  /** Whether AKTools' daily rows have the code, as those of newer versions do. */
  readonly hasCodeColumn: boolean;
}

export interface Route {
  readonly upstream: Upstream;
  readonly method: "GET" | "POST";
  /** Of the whole path. */
  readonly pattern: RegExp;
  readonly answer: (inquiry: Inquiry) => Answer;
}

/** What a code stands for at the moment, or where a fault says so, what another one does. */
export function findListing({ view, fault }: Inquiry, codes: readonly string[]): AkshareListing | undefined {
  const found = codes.map((code) => view.listing(code)).find((listing) => listing !== undefined);
  if (found === undefined || fault?.kind !== "wrong-code") {
    return found;
  }
  const { listings } = view;
  const alike = listings.filter(({ kind, code }) => kind === found.kind && code !== found.code);
  return alike.find(({ code }) => code > found.code) ?? alike[0] ?? found;
}

/** `600000.SH` for `sh600000`; undefined for what has not that form. */
export function codeOfPrefixed(symbol: string): string | undefined {
  const match = /^(sh|sz|bj)(\d{6})$/.exec(symbol);
  return match === null ? undefined : `${match[2]}.${match[1]?.toUpperCase()}`;
}

/** `sh600000` for `600000.SH`. */
export function prefixedOf(code: string): string {
  return `${code.slice(7).toLowerCase()}${code.slice(0, 6)}`;
}

/** A whole number of 0 or more, else the fallback. */
export function numberOf(text: string | null, fallback: number): number {
  return text !== null && /^\d{1,15}$/.test(text) ? Number.parseInt(text, 10) : fallback;
}
