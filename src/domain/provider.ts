import { DataError } from "../base/errors.ts";
import { SOURCE, type SourceNumber } from "./enums.ts";

/** The companies and projects data comes from, and the number each is stored under. */
export const PROVIDER_SOURCES = {
  tushare: SOURCE.TUSHARE,
  yahoo: SOURCE.YAHOO,
  akshare: SOURCE.AKSHARE,
  baostock: SOURCE.BAOSTOCK,
  tdx: SOURCE.TDX,
} as const satisfies Readonly<Record<string, SourceNumber>>;

/** Besides: rows that a provider has from an upstream which counts and rounds in a way of its own. */
const UPSTREAM_SOURCES: Readonly<Partial<Record<string, readonly SourceNumber[]>>> = { akshare: [SOURCE.SINA] };

/** Every number that rows of a provider are stored under, the preferred one first. */
export function sourcesOf(provider: ProviderName): readonly SourceNumber[] {
  return [PROVIDER_SOURCES[provider], ...(UPSTREAM_SOURCES[provider] ?? [])];
}

export type ProviderName = keyof typeof PROVIDER_SOURCES;

/** In the order in which documents list them. */
export const PROVIDERS = ["tushare", "baostock", "tdx", "akshare", "yahoo"] as const satisfies readonly ProviderName[];

export function isProviderName(input: unknown): input is ProviderName {
  return typeof input === "string" && Object.hasOwn(PROVIDER_SOURCES, input);
}

export function parseProviderName(input: unknown, path = ""): ProviderName {
  if (!isProviderName(input)) {
    const known = Object.keys(PROVIDER_SOURCES).join(", ");
    throw new DataError(`expected a provider (${known}), got ${JSON.stringify(input)?.slice(0, 40)}`, path);
  }
  return input;
}
