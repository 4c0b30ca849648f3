import assert from "node:assert/strict";
import test from "node:test";

import { parseDay, SHANGHAI } from "../domain/day.ts";
import type { InstrumentKind } from "../domain/instrument-kind.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import type { ProviderName } from "../domain/provider.ts";
import { type Abilities, covers } from "../planning/covers.ts";
import type { Capability } from "../ports/source.ts";
import { type AbleLine, groupByLines, noProvider } from "./able-lines.ts";

function bars(kinds: readonly InstrumentKind[], frequency: "1d" | "1m" = "1d"): Capability {
  const bounds = { rowsMax: 10, rowsPerDay: 1, codesMax: 1, byDay: false, since: undefined };
  const shared = { completeFrom: "17:00", zone: SHANGHAI, exchanges: ["SH", "SZ"] as const, kinds };
  return { dataSet: "bars", frequency, api: "any", ...bounds, ...shared };
}

const abilities: Abilities = new Map([
  ["tushare", [bars(["stock"])]],
  ["baostock", [bars(["stock", "index"])]],
  ["tdx", [bars(["stock", "index", "bond"]), bars(["stock"], "1m")]],
]);
const [stock, index, bond] = ["000001.SZ", "000001.SH", "113050.SH"].map((code) => parseSecurityCode(code));

function linesOf(chain: readonly ProviderName[], known: Abilities): readonly AbleLine[] {
  return chain.flatMap((provider) => (known.get(provider) ?? []).map((capability) => ({ provider, capability })));
}

test("codes are grouped by who can serve them, in the order of the settings", () => {
  assert.ok(stock !== undefined && index !== undefined && bond !== undefined);
  const lines = linesOf(["baostock", "tushare"], abilities);
  const [baostock, tushare] = lines;
  const groups = groupByLines({
    codes: [stock, index, bond],
    linesOf: (code) => lines.filter(({ capability }) => covers(capability, code)),
  });
  assert.deepEqual(groups, {
    able: [
      { codes: [stock], lines: [baostock, tushare] },
      { codes: [index], lines: [baostock] },
    ],
    unable: [bond],
  });
});

test("a code that nobody of the chain has becomes a dead letter that names who would", () => {
  assert.ok(index !== undefined && bond !== undefined && stock !== undefined);
  const parts = { chains: { chain: ["tushare"] as const, chains: [] }, abilities };
  const places = { params: "$.params", codes: "$.params.code" };
  const error = noProvider([index], "bars", "1d", places, parts);
  assert.equal(error.reason, "not-supported");
  assert.equal(error.path, "$.params.code");
  assert.equal(
    error.message,
    "1d bars of an index such as 000001.SH are not served by tushare; baostock and tdx have them: see providers.chain",
  );
  assert.match(
    noProvider([bond, index], "bars", "1d", places, parts).message,
    /a bond such as 113050\.SH \(and 1 more\).*tdx has them/,
  );
  assert.match(
    noProvider([stock], "ticks", "1d", places, parts).message,
    /^ticks of a stock .* no provider that this version knows has them$/,
  );
});

test("who reaches back to the first day wanted comes first, and where nobody does who reaches further", () => {
  assert.ok(stock !== undefined);
  const day = parseDay;
  const reach: Readonly<Record<string, string | undefined>> = {
    tushare: "2026-01-05",
    baostock: "2020-01-03",
    tdx: undefined,
  };
  const known: Abilities = new Map(
    (["tushare", "baostock", "tdx"] as const).map((provider) => [provider, [{ ...bars(["stock"]), api: provider }]]),
  );
  const order = (wanted: string | undefined, chain: readonly ProviderName[]): readonly string[] => {
    const lines = linesOf(chain, known);
    const groups = groupByLines({
      codes: [stock],
      linesOf: () => lines,
      wantedFrom: () => (wanted === undefined ? undefined : day(wanted)),
      reachOf: ({ api }) => (reach[api] === undefined ? undefined : day(reach[api])),
    });
    return groups.able[0]?.lines.map(({ provider }) => provider) ?? [];
  };
  assert.deepEqual(order("2026-06-01", ["tushare", "baostock", "tdx"]), ["tushare", "baostock", "tdx"]);
  assert.deepEqual(order("2021-01-04", ["tushare", "baostock", "tdx"]), ["baostock", "tdx", "tushare"]);
  assert.deepEqual(order(undefined, ["tushare", "baostock", "tdx"]), ["tdx", "baostock", "tushare"]);
  assert.deepEqual(order("2015-01-05", ["tushare", "baostock"]), ["baostock", "tushare"]);
});
