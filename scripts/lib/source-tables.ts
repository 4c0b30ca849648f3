import { servedProvider } from "../../src/app/provider-table.ts";
import { loadConfig, type Config } from "../../src/config.ts";
import { MARKETS } from "../../src/domain/market.ts";
import { PROVIDERS } from "../../src/domain/provider.ts";
import type { ProviderFacts, Quota, UnitFact } from "../../src/ports/provider-facts.ts";
import type { Capability } from "../../src/ports/source.ts";
import { code, markdownTable } from "./markdown-table.ts";

/** The generated parts of docs/sources.md by name: what the sources declare, and what the settings are without any said. */
export function sourcesParts(): ReadonlyMap<string, string> {
  const { config } = loadConfig({ flags: new Map(), env: {}, settings: {}, readFile: () => undefined });
  return new Map([
    ["data-sets", dataSets(config)],
    ["bounds", bounds(config)],
    ["access", access(config)],
    ["quotas", quotas()],
    ["units", units()],
  ]);
}

function dataSets(config: Config): string {
  const rows = PROVIDERS.flatMap((provider) =>
    merged(servedProvider(provider).capabilities(config), whatItIs).map(([first, all]) => [
      code(provider),
      first.dataSet,
      namesFrequency(first) ? all.map(({ frequency }) => frequency).join(", ") : "",
      ofWhat(first),
      first.codesMax === 0 ? "" : first.exchanges.join(", "),
      reach(first),
      `${first.completeFrom}, ${first.zone}`,
    ]),
  );
  return markdownTable(["Provider", "Data set", "Frequency", "Of", "Exchanges", "Reaches back", "Complete from"], rows);
}

function bounds(config: Config): string {
  const rows = PROVIDERS.flatMap((provider) =>
    merged(servedProvider(provider).capabilities(config), whatBinds).map(([first, all]) => [
      code(provider),
      first.dataSet,
      namesFrequency(first) ? [...new Set(all.map(({ frequency }) => frequency))].join(", ") : "",
      code(first.api),
      amount(first.pageRowsMax ?? first.rowsMax),
      first.codesMax === 0 ? "names none" : amount(first.codesMax),
      first.byDay ? `yes, up to ${amount(first.dayRowsMax ?? first.rowsMax)} rows` : "",
    ]),
  );
  return markdownTable(
    [
      "Provider",
      "Data set",
      "Frequency",
      "Counted as",
      "Rows a call",
      "Codes a call",
      "The market of a day in one call",
    ],
    rows,
  );
}

function access(config: Config): string {
  const rows = PROVIDERS.map((provider) => {
    const { facts, limits, callsAtOnce } = servedProvider(provider);
    return [
      code(provider),
      facts.title,
      facts.protocol,
      facts.needs === "token" ? "a token" : "nothing",
      facts.price,
      limits(config).map(perWindow).join(", "),
      amount(callsAtOnce(config)),
    ];
  });
  return markdownTable(
    ["Name", "Provider", "Spoken to by", "Needs", "Price", "Calls we make at most", "At once, per worker"],
    rows,
  );
}

function quotas(): string {
  const rows = PROVIDERS.flatMap((provider) => {
    const { facts } = servedProvider(provider);
    const ofConnections = connectionsOf(facts);
    const ofCalls = facts.quotas.map((quota: Quota) => [code(provider), perWindow(quota), quota.says, quota.certainty]);
    return ofCalls.length + ofConnections.length === 0
      ? [[code(provider), "none published", "servers drop clients that leave no pause", "reported"]]
      : [...ofCalls, ...ofConnections];
  });
  return markdownTable(["Provider", "It grants", "Of whom, and beyond it", "How sure"], rows);
}

function connectionsOf({ provider, connectionsMax }: ProviderFacts): readonly (readonly string[])[] {
  return connectionsMax === undefined
    ? []
    : [
        [
          code(provider),
          `${amount(connectionsMax)} ${connectionsMax === 1 ? "connection" : "connections"} at a time`,
          "of one address; more got it banned",
          "reported",
        ],
      ];
}

export function ofMarket(kinds: string, market: UnitFact["market"]): string {
  return market === undefined || market === "CN" ? kinds : `${kinds} of ${MARKETS[market].title}`;
}

function units(): string {
  const rows = PROVIDERS.flatMap((provider) =>
    servedProvider(provider).facts.units.map((fact) => [
      code(provider),
      fact.rows,
      ofMarket(fact.kinds.join(", "), fact.market),
      VOLUME_WORDS[fact.volume],
      AMOUNT_WORDS[fact.amount],
      NUMBER_WORDS[fact.numbers],
      fact.certainty,
    ]),
  );
  return markdownTable(
    ["Provider", "Rows", "Of", "Volume comes in", "Turnover comes in", "Written as", "How sure"],
    rows,
  );
}

const VOLUME_WORDS: Readonly<Record<UnitFact["volume"], string>> = {
  shares: "shares",
  lots: "lots, × 100",
  "hundred-lots": "hundreds of lots, × 10,000",
  "told-by-turnover": "a unit that only the turnover tells",
};

const AMOUNT_WORDS: Readonly<Record<UnitFact["amount"], string>> = {
  yuan: "yuan",
  "thousand-yuan": "thousands of yuan, × 1,000",
  none: "no turnover",
};

const NUMBER_WORDS: Readonly<Record<UnitFact["numbers"], string>> = {
  decimal: "decimals, exact",
  float32: "floats of 32 bits",
  integer: "whole numbers, exact",
};

/** Capabilities that say the same by `key`, each group with its first. */
function merged(
  capabilities: readonly Capability[],
  key: (capability: Capability) => string,
): readonly (readonly [Capability, readonly Capability[]])[] {
  return [...Map.groupBy(capabilities, key).values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [[first, group] as const];
  });
}

function whatItIs(capability: Capability): string {
  const { dataSet, exchanges, completeFrom, zone } = capability;
  return JSON.stringify([dataSet, ofWhat(capability), exchanges, reach(capability), completeFrom, zone]);
}

function whatBinds({ dataSet, api, rowsMax, pageRowsMax, codesMax, byDay, dayRowsMax }: Capability): string {
  return JSON.stringify([dataSet, api, pageRowsMax ?? rowsMax, codesMax, byDay, dayRowsMax]);
}

function namesFrequency({ dataSet }: Capability): boolean {
  return dataSet === "bars";
}

function ofWhat({ codesMax, kinds }: Capability): string {
  return codesMax === 0 ? "" : kinds.join(", ");
}

function reach({ codesMax, since, daysKept }: Capability): string {
  if (codesMax === 0) {
    return "";
  }
  if (daysKept !== undefined) {
    return daysKept === 1 ? "the newest trading day" : `the newest ${amount(daysKept)} trading days`;
  }
  return since === undefined ? "the listing" : since;
}

function perWindow({ calls, windowMs }: { readonly calls: number; readonly windowMs: number }): string {
  const hours = windowMs / 3_600_000;
  return `${amount(calls)} in any ${hours >= 1 ? `${hours} h` : `${windowMs / 1_000} s`}`;
}

function amount(number: number): string {
  return number.toLocaleString("en");
}
