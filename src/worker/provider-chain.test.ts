import assert from "node:assert/strict";
import { test } from "node:test";

import { PermanentError, TransientError } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { MessageError } from "../domain/message-error.ts";
import type { ProviderName } from "../domain/provider.ts";
import { ProviderChain } from "./provider-chain.ts";

const REFUSED = new PermanentError("the token was refused", "provider", { isCredentials: true });

test("work goes to the first of the chain that is not out, and waits for the first where all are", async () => {
  const { chain, out } = openChain(["tushare", "yahoo"]);
  const ask = (): Promise<ProviderName> => chain.ask(undefined, async ({ provider }) => provider);
  assert.equal(await ask(), "tushare");
  out.add("tushare");
  assert.equal(await ask(), "yahoo");
  out.add("yahoo");
  assert.equal(await ask(), "tushare");
});

test("a provider that refuses us is asked no more: the next one serves, and what is pinned to it is set aside", async () => {
  const { chain, said } = openChain(["tushare", "yahoo"]);
  const asked: ProviderName[] = [];
  const act = async ({ provider }: Lines): Promise<ProviderName> => {
    asked.push(provider);
    if (provider === "tushare") {
      throw REFUSED;
    }
    return provider;
  };
  assert.equal(await chain.ask(undefined, act), "yahoo");
  assert.equal(await chain.ask(undefined, act), "yahoo");
  assert.deepEqual(asked, ["tushare", "yahoo", "yahoo"]);
  await assert.rejects(
    chain.ask("tushare", act),
    (error) => error instanceof MessageError && error.reason === "provider-refused" && /token/.test(error.detail),
  );
  assert.deepEqual(said, ["provider is out for good, the others go on"]);
});

test("with no provider left the refusal is thrown, also for what is pinned, and the worker stops", async () => {
  const refuse = (): Promise<never> => Promise.reject(REFUSED);
  await assert.rejects(openChain(["tushare"]).chain.ask(undefined, refuse), REFUSED);
  await assert.rejects(openChain(["tushare"]).chain.ask("tushare", refuse), REFUSED);
  await assert.rejects(openChain(["tushare", "yahoo"]).chain.ask(undefined, refuse), REFUSED);
});

test("what only a provider that refuses us has is set aside, and the others go on", async () => {
  const { chain } = openChain(["tushare", "baostock"]);
  const refuse = (): Promise<never> => Promise.reject(REFUSED);
  const isSetAside = (error: unknown): boolean =>
    error instanceof MessageError && error.reason === "provider-refused" && /token/.test(error.detail);
  await assert.rejects(chain.ask(undefined, refuse, { able: ["baostock"] }), isSetAside);
  await assert.rejects(chain.ask(undefined, refuse, { able: ["baostock"] }), isSetAside);
  assert.equal(await chain.ask(undefined, async ({ provider }) => provider), "tushare");
  await assert.rejects(chain.ask(undefined, refuse, { able: ["tushare"] }), REFUSED);
});

test("what is no refusal of the provider's leaves the chain as it is", async () => {
  const { chain } = openChain(["tushare", "yahoo"]);
  for (const error of [new PermanentError("no right", "api"), new TransientError("reset"), new Error("defect")]) {
    await assert.rejects(
      chain.ask(undefined, () => Promise.reject(error)),
      error,
    );
  }
  assert.equal(await chain.ask(undefined, async ({ provider }) => provider), "tushare");
});

test("a provider that is not served makes a message not supported", async () => {
  await assert.rejects(
    openChain(["tushare"]).chain.ask("tdx", async () => 1),
    (error) => error instanceof MessageError && error.reason === "not-supported",
  );
});

interface Lines {
  readonly provider: ProviderName;
  readonly isOut: () => boolean;
}

function openChain(names: readonly ProviderName[]): {
  readonly chain: ProviderChain<Lines>;
  readonly out: Set<ProviderName>;
  readonly said: readonly string[];
} {
  const out = new Set<ProviderName>();
  const said: string[] = [];
  const lines = new Map(
    names.map((provider): [ProviderName, Lines] => [provider, { provider, isOut: () => out.has(provider) }]),
  );
  const log = { ...silentLog, error: (event: string) => void said.push(event) };
  return { chain: new ProviderChain({ lines, chain: names, log }), out, said };
}
