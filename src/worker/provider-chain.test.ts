import assert from "node:assert/strict";
import { test } from "node:test";

import { DataError, PermanentError, TransientError } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { MessageError } from "../domain/message-error.ts";
import type { ProviderName } from "../domain/provider.ts";
import { MovedOnError, ProviderChain, type Candidate } from "./provider-chain.ts";
import type { Standing } from "./standing-watchers.ts";

const REFUSED = new PermanentError("the token was refused", "provider", { isCredentials: true });
const { signal } = new AbortController();

test("work goes to the first that is there, and where none is to the one that can be tried first", async () => {
  const { chain, candidates, tushare, yahoo } = openChain();
  const ask = (): Promise<ProviderName> => chain.ask(candidates, async ({ provider }) => provider, { signal });
  assert.equal(await ask(), "tushare");
  tushare.turn({ word: "out", untilMs: 900 });
  assert.equal(await ask(), "yahoo");
  yahoo.turn({ word: "out", untilMs: 500 });
  assert.equal(await ask(), "yahoo");
  yahoo.turn({ word: "out", untilMs: 2_000 });
  assert.equal(await ask(), "tushare");
});

test("work in hand moves on when its provider goes out and another is there, and keeps its place otherwise", async () => {
  const { chain, candidates, tushare, yahoo } = openChain();
  const asked: ProviderName[] = [];
  const untilMoved = async ({ provider }: Fake, ending: AbortSignal): Promise<string> => {
    asked.push(provider);
    if (asked.length > 1) {
      return provider;
    }
    await new Promise<void>((resolve) => ending.addEventListener("abort", () => resolve(), { once: true }));
    throw ending.reason;
  };
  yahoo.turn({ word: "out", untilMs: 5 });
  const asking = chain.ask(candidates, untilMoved, { signal });
  tushare.turn({ word: "out", untilMs: 900 });
  await Promise.resolve();
  assert.deepEqual(asked, ["tushare"], "nobody else is there");
  yahoo.turn({ word: "there" });
  assert.equal(await asking, "yahoo");
  assert.deepEqual(asked, ["tushare", "yahoo"]);
  assert.equal(tushare.watchers + yahoo.watchers, 0, "nobody is watched any more");
});

test("of one that was out a single piece of work finds out whether it is back", async () => {
  const { chain, candidates, tushare } = openChain();
  tushare.turn({ word: "probe" });
  const ended = Promise.withResolvers<void>();
  const first = chain.ask(
    candidates,
    async ({ provider }) => {
      await ended.promise;
      return provider;
    },
    { signal },
  );
  const ask = (): Promise<ProviderName> => chain.ask(candidates, async ({ provider }) => provider, { signal });
  assert.equal(await ask(), "yahoo");
  ended.resolve();
  assert.equal(await first, "tushare");
  assert.equal(await ask(), "tushare");
});

test("of all that waits elsewhere a single piece of work finds out, also where nobody comes any more", async () => {
  const { chain, candidates, tushare, yahoo } = openChain();
  const asked: ProviderName[] = [];
  const untilThere = async (one: Fake, ending: AbortSignal): Promise<ProviderName> => {
    asked.push(one.provider);
    while (one.standing().word !== "there") {
      const changed = Promise.withResolvers<void>();
      const end = one.onChange(changed.resolve);
      ending.addEventListener("abort", () => changed.resolve(), { once: true });
      await changed.promise;
      end();
      ending.throwIfAborted();
    }
    return one.provider;
  };
  tushare.turn({ word: "out", untilMs: 60_000 });
  yahoo.turn({ word: "out", untilMs: 90_000 });
  const asking = [1, 2, 3].map(() => chain.ask(candidates, untilThere, { signal }));
  assert.deepEqual(asked, ["tushare", "tushare", "tushare"]);
  yahoo.turn({ word: "probe" });
  await new Promise(setImmediate);
  assert.deepEqual(asked.slice(3), ["yahoo"], "one of three");
  yahoo.turn({ word: "out", untilMs: 120_000 });
  await new Promise(setImmediate);
  assert.equal(asked.length, 4, "and it waits where it is while nobody may be there");
  tushare.turn({ word: "probe" });
  await new Promise(setImmediate);
  assert.deepEqual(asked.slice(4), ["tushare"]);
  tushare.turn({ word: "there" });
  assert.deepEqual(await Promise.all(asking), ["tushare", "tushare", "tushare"]);
  tushare.turn({ word: "probe" });
  assert.equal(
    await chain.ask(candidates, async ({ provider }) => provider, { signal }),
    "tushare",
    "nothing is claimed",
  );
  assert.equal(tushare.watchers + yahoo.watchers, 0);
});

test("a store that needs a person is no affair of the provider's: nobody else is asked", async () => {
  const { chain, candidates } = openChain();
  const noTable = new PermanentError("there is no table bar_row", "store");
  const asked: ProviderName[] = [];
  const act = async ({ provider }: Fake): Promise<never> => {
    asked.push(provider);
    throw noTable;
  };
  await assert.rejects(chain.ask(candidates, act, { signal }), noTable);
  assert.deepEqual(asked, ["tushare"]);
});

test("what is asked for and called wrong is asked of the next one, and fails with the last", async () => {
  const { chain, candidates } = openChain();
  const asked: ProviderName[] = [];
  const wrong = async ({ provider }: Fake): Promise<never> => {
    asked.push(provider);
    throw new DataError(`${provider} knows no such code`);
  };
  await assert.rejects(chain.ask(candidates, wrong, { signal }), /yahoo knows no such code/);
  assert.deepEqual(asked, ["tushare", "yahoo"]);
  asked.length = 0;
  const unknown = async ({ provider }: Fake): Promise<never> => {
    asked.push(provider);
    throw new MessageError("unknown-code", "$.params.code", "no list has it");
  };
  await assert.rejects(chain.ask(candidates, unknown, { signal }), MessageError);
  assert.deepEqual(asked, ["tushare"], "a message that is wrong is wrong for everybody");
});

test("a provider that refuses us is asked no more: the next one serves, and what is pinned to it is set aside", async () => {
  const { chain, candidates, tushare, said } = openChain();
  const asked: ProviderName[] = [];
  const act = async ({ provider }: Fake): Promise<ProviderName> => {
    asked.push(provider);
    if (provider === "tushare") {
      throw REFUSED;
    }
    return provider;
  };
  assert.equal(await chain.ask(candidates, act, { signal }), "yahoo");
  assert.equal(await chain.ask(candidates, act, { signal }), "yahoo");
  assert.deepEqual(asked, ["tushare", "yahoo", "yahoo"]);
  await assert.rejects(
    chain.ask([tushare], act, { signal, pinnedAt: "$.params.provider" }),
    (error) =>
      error instanceof MessageError && error.reason === "provider-refused" && error.path === "$.params.provider",
  );
  assert.deepEqual(said, ["provider is out for good, the others go on"]);
});

test("without the right to one thing the next one serves it, and the provider stays for the others", async () => {
  const { chain, candidates, tushare } = openChain();
  const other = new Fake("tushare");
  const noRight = new PermanentError("no right to minutes", "api");
  const act = async (one: Fake): Promise<ProviderName> => {
    if (one === tushare) {
      throw noRight;
    }
    return one.provider;
  };
  assert.equal(await chain.ask(candidates, act, { signal }), "yahoo");
  assert.equal(await chain.ask([other], act, { signal }), "tushare");
  await assert.rejects(chain.ask([tushare], act, { signal }), noRight);
});

test("with no provider left the refusal is thrown, also for what is pinned, and the worker stops", async () => {
  const refuse = (): Promise<never> => Promise.reject(REFUSED);
  const alone = new ProviderChain({ providers: ["tushare"], log: silentLog });
  await assert.rejects(alone.ask([new Fake("tushare")], refuse, { signal }), REFUSED);
  const both = openChain();
  await assert.rejects(both.chain.ask(both.candidates, refuse, { signal }), REFUSED);
  const one = openChain();
  await assert.rejects(one.chain.ask([one.yahoo], refuse, { signal }), MessageError);
  await assert.rejects(one.chain.ask([one.tushare], refuse, { signal }), REFUSED);
});

test("what is no affair of the provider's leaves the chain as it is", async () => {
  const { chain, candidates } = openChain();
  for (const error of [new TransientError("reset"), new Error("defect")]) {
    await assert.rejects(
      chain.ask(candidates, () => Promise.reject(error), { signal }),
      error,
    );
  }
  assert.equal(await chain.ask(candidates, async ({ provider }) => provider, { signal }), "tushare");
});

test("an abort of the work itself is no move", async () => {
  const { chain, candidates } = openChain();
  const stop = new AbortController();
  const asked: ProviderName[] = [];
  const asking = chain.ask(
    candidates,
    async ({ provider }) => {
      asked.push(provider);
      stop.abort(new Error("stop"));
      throw new MovedOnError("moved at the same moment");
    },
    { signal: stop.signal },
  );
  await assert.rejects(asking, MovedOnError);
  assert.deepEqual(asked, ["tushare"]);
});

class Fake implements Candidate {
  readonly provider: ProviderName;
  #standing: Standing = { word: "there" };
  readonly #watchers = new Set<() => void>();

  constructor(provider: ProviderName) {
    this.provider = provider;
  }

  readonly standing = (): Standing => this.#standing;

  readonly onChange = (tell: () => void): (() => void) => {
    this.#watchers.add(tell);
    return () => void this.#watchers.delete(tell);
  };

  get watchers(): number {
    return this.#watchers.size;
  }

  turn(standing: Standing): void {
    this.#standing = standing;
    for (const tell of this.#watchers) {
      tell();
    }
  }
}

function openChain() {
  const [tushare, yahoo] = [new Fake("tushare"), new Fake("yahoo")];
  const said: string[] = [];
  const log = { ...silentLog, error: (message: string) => void said.push(message) };
  const chain = new ProviderChain({ providers: ["tushare", "yahoo"], log });
  return { chain, candidates: [tushare, yahoo], tushare, yahoo, said };
}
