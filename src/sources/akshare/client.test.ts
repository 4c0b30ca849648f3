import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";

import { ManualClock } from "../../../test/support/manual-clock.ts";
import { ScriptedHttp } from "../../../test/support/scripted-http.ts";
import { RateLimitError } from "../../ports/budget.ts";
import { createAkshareClient, type UpstreamRequest } from "./client.ts";
import { BlockedError, type Upstream } from "./errors.ts";

const never = new AbortController().signal;

function requestTo(upstream: Upstream, path = "/x"): UpstreamRequest {
  return { upstream, host: "example.invalid", path, doing: `asking ${upstream}` };
}

test("requests to one upstream are made one at a time and apart, those to another are not held up", async () => {
  const clock = new ManualClock();
  const startedAtMs: [string, number][] = [];
  await using server = await ScriptedHttp.open(({ url }) => {
    startedAtMs.push([url, clock.elapsedMs()]);
    return "ok";
  });
  await using client = createAkshareClient({ clock, baseUrl: server.url, pauseMs: 1_000, random: () => 0.5 });
  const ask = (upstream: Upstream, path: string): Promise<string> =>
    client.ask(requestTo(upstream, path), ({ text }) => text, never);
  const all = [ask("eastmoney", "/1"), ask("eastmoney", "/2"), ask("eastmoney", "/3"), ask("sina", "/s")];
  while (startedAtMs.length < all.length) {
    await turn();
    if (clock.sleepers > 0) {
      await clock.advance(50);
    }
  }
  await Promise.all(all);
  const own = startedAtMs.filter(([url]) => url !== "/s").map(([, atMs]) => atMs);
  assert.equal(own.length, 3);
  assert.ok((own[1] ?? 0) - (own[0] ?? 0) >= 1_250 && (own[2] ?? 0) - (own[1] ?? 0) >= 1_250, own.join());
  assert.equal(startedAtMs.find(([url]) => url === "/s")?.[1], 0);
});

test("whoever gives up waiting leaves with the signal's reason, and the next one goes on", async () => {
  const clock = new ManualClock();
  await using server = await ScriptedHttp.open(() => "ok");
  await using client = createAkshareClient({ clock, baseUrl: server.url, pauseMs: 1_000, random: () => 0 });
  await client.ask(requestTo("sse"), () => 1, never);
  const aborting = new AbortController();
  const reason = new Error("enough");
  const given = client.ask(requestTo("sse"), () => 2, aborting.signal);
  const next = client.ask(requestTo("sse"), () => 3, never);
  await turn();
  aborting.abort(reason);
  await assert.rejects(given, reason);
  await turn();
  await clock.advance(1_000);
  assert.equal(await next, 3);
  await assert.rejects(
    client.ask(requestTo("sse"), () => 4, AbortSignal.abort(reason)),
    reason,
  );
});

test("a ban is of one upstream: its wait grows and the others' does not", async () => {
  const clock = new ManualClock();
  await using server = await ScriptedHttp.open(() => "ok");
  const waits = { banWaitMs: 10, banWaitMsMax: 25 };
  await using client = createAkshareClient({ clock, baseUrl: server.url, pauseMs: 0, ...waits });
  const blockedFor = async (upstream: Upstream): Promise<number | undefined> => {
    const error = await client
      .ask(
        requestTo(upstream),
        () => {
          throw new BlockedError("kept out");
        },
        never,
      )
      .catch((thrown: unknown) => thrown);
    assert.ok(error instanceof RateLimitError);
    return error.retryAfterMs;
  };
  assert.deepEqual(
    [await blockedFor("sina"), await blockedFor("sina"), await blockedFor("sina"), await blockedFor("tencent")],
    [10, 20, 25, 10],
  );
  await client.ask(
    requestTo("sina"),
    () => undefined,
    never,
    () => true,
  );
  assert.equal(await blockedFor("sina"), 25, "a doubtful answer proves nothing");
  await client.ask(requestTo("sina"), () => 1, never);
  assert.equal(await blockedFor("sina"), 10);
});

test("the path of a base address is kept, and a text of another character set is read as such", async () => {
  await using server = await ScriptedHttp.open(() => (response) => {
    response.writeHead(200).end(Buffer.from([0xc6, 0xd6, 0xb7, 0xa2]));
  });
  await using client = createAkshareClient({ clock: new ManualClock(), baseUrl: `${server.url}/proxy/`, pauseMs: 0 });
  const text = await client.ask({ ...requestTo("tencent"), charset: "gbk" }, (answer) => answer.text, never);
  assert.equal(text, "浦发");
  assert.equal(server.asked[0]?.url, "/proxy/x");
});

test("an address that is none is refused at once, and AKTools without an address is the caller's defect", async () => {
  assert.throws(() => createAkshareClient({ clock: new ManualClock(), baseUrl: "ftp://x" }), TypeError);
  await using client = createAkshareClient({ clock: new ManualClock() });
  await assert.rejects(
    client.ask(requestTo("aktools"), () => 1, never),
    RangeError,
  );
});
