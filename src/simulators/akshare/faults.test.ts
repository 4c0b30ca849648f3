import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection } from "node:net";
import { test } from "node:test";

import { BROWSER, fetchText } from "../../../test/support/akshare-samples.ts";
import { systemClock } from "../../base/clock.ts";
import { generateMarket } from "../../market/generate-market.ts";
import type { Fault } from "./faults.ts";
import { akshareData } from "./market-data.ts";
import { startAkshareSimulator, type AkshareSimulator, type AkshareSimulatorOptions } from "./simulator.ts";

const data = akshareData(generateMarket({ seed: 11, codes: 40, tradingDays: 30 }));
const KLINE = "/api/qt/stock/kline/get?secid=1.600000&klt=101&fqt=0&beg=0&end=20500101";
const TENCENT = "/ifzqgtimg/appstock/app/newfqkline/get?param=sh600000,day,,,640,";
const SINA = "/cn/api/json_v2.php/CN_MarketDataService.getKLineData?symbol=sh600000&scale=240&datalen=1970";
const TICKS = "/data/index.php?appn=detail&action=data&c=sh600000&p=";
const HFQ = "/realstock/company/sh600000/hfq.js";

async function withSimulator(
  options: Partial<AkshareSimulatorOptions>,
  use: (simulator: AkshareSimulator) => Promise<void>,
): Promise<void> {
  await using simulator = await startAkshareSimulator({ data, ...options });
  await use(simulator);
}

interface Answered {
  readonly status: number;
  readonly text: string;
}

async function get(simulator: AkshareSimulator, path: string): Promise<Answered> {
  const response = await fetch(`${simulator.url}${path}`, { headers: BROWSER });
  return { status: response.status, text: await response.text() };
}

async function spoilt(simulator: AkshareSimulator, fault: Fault, path: string): Promise<Answered> {
  simulator.injectFault(fault);
  return get(simulator, path);
}

function klinesIn({ text }: Answered): string[] {
  return JSON.parse(text).data.klines;
}

test("faults of the connection: late, closed, reset before the answer and within it", async () => {
  await withSimulator({ data }, async (simulator) => {
    simulator.injectFault({ kind: "hang-up" });
    await assert.rejects(get(simulator, KLINE), /fetch failed/);
    simulator.injectFault({ kind: "reset" });
    await assert.rejects(get(simulator, KLINE), /fetch failed/);
    simulator.injectFault({ kind: "reset", afterBytes: 200 });
    await assert.rejects(get(simulator, KLINE), TypeError);
    assert.deepEqual(
      simulator.requests.map(({ fault, status }) => [fault, status]),
      [
        ["hang-up", undefined],
        ["reset", undefined],
        ["reset", undefined],
      ],
    );
    assert.equal(klinesIn(await get(simulator, KLINE)).length, 30);
  });
  const waited: number[] = [];
  const clock = {
    ...systemClock,
    sleep: async (ms: number): Promise<void> => {
      waited.push(ms);
    },
  };
  await withSimulator({ clock, latency: { fromMs: 5, toMs: 5 } }, async (simulator) => {
    assert.equal(klinesIn(await spoilt(simulator, { kind: "slow", ms: 700 }, KLINE)).length, 30);
    assert.deepEqual(waited, [705]);
  });
});

test("a connection that is closed without a word has no byte on it", async () => {
  await withSimulator({}, async (simulator) => {
    simulator.injectFault({ kind: "hang-up" });
    const socket = createConnection(simulator.port, "127.0.0.1");
    const received: Buffer[] = [];
    socket.on("data", (bytes) => received.push(Buffer.from(bytes)));
    socket.write(`GET ${KLINE} HTTP/1.1\r\nhost: x\r\nuser-agent: ${BROWSER["user-agent"]}\r\n\r\n`);
    await once(socket, "end");
    assert.deepEqual(received, []);
    socket.destroy();
  });
});

test("something else in the answer's place: a gateway, a firewall, garbage, a part, another charset", async () => {
  await withSimulator({}, async (simulator) => {
    const whole = await get(simulator, KLINE);
    const gateway = await spoilt(simulator, { kind: "gateway" }, KLINE);
    assert.deepEqual([gateway.status, gateway.text.slice(0, 6)], [502, "<html>"]);
    const firewall = await spoilt(simulator, { kind: "waf" }, KLINE);
    assert.equal(firewall.status, 200);
    assert.match(firewall.text, /访问被拦截/);
    assert.deepEqual(await spoilt(simulator, { kind: "garbage", body: "[}" }, KLINE), { status: 200, text: "[}" });
    const cut = await spoilt(simulator, { kind: "truncated", bytes: 300 }, KLINE);
    assert.ok(whole.text.startsWith(cut.text.slice(0, 250)) && cut.text.length < whole.text.length);
    assert.throws(() => JSON.parse(cut.text), SyntaxError);
    simulator.injectFault({ kind: "charset" });
    const bytes = await (await fetch(`${simulator.url}${KLINE}`, { headers: BROWSER })).arrayBuffer();
    assert.throws(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes), TypeError);
  });
});

test("rows that are not there: none, not the newest, not those in the middle, or no data at all", async () => {
  await withSimulator({}, async (simulator) => {
    const all = klinesIn(await get(simulator, KLINE));
    assert.deepEqual(klinesIn(await spoilt(simulator, { kind: "empty" }, KLINE)), []);
    assert.deepEqual(klinesIn(await spoilt(simulator, { kind: "stale", rows: 2 }, KLINE)), all.slice(0, -2));
    assert.deepEqual(klinesIn(await spoilt(simulator, { kind: "lost-rows", rows: 2 }, KLINE)), [
      ...all.slice(0, 14),
      ...all.slice(16),
    ]);
    assert.match((await spoilt(simulator, { kind: "null-data" }, KLINE)).text, /^\{"rc":102,.*"data":null\}$/);
    assert.match((await spoilt(simulator, { kind: "null-data", rc: 0 }, KLINE)).text, /^\{"rc":0,.*"data":null\}$/);
    assert.equal((await spoilt(simulator, { kind: "null-data" }, TENCENT)).text, '{"code":0,"msg":"","data":{}}');
    assert.equal((await spoilt(simulator, { kind: "null-data" }, SINA)).text, "null");
    assert.equal((await spoilt(simulator, { kind: "empty" }, SINA)).text, "[]");
    assert.match((await spoilt(simulator, { kind: "empty" }, TENCENT)).text, /"day":\[\]/);
    const sina: unknown[] = JSON.parse((await get(simulator, SINA)).text);
    assert.deepEqual(JSON.parse((await spoilt(simulator, { kind: "stale", rows: 1 }, SINA)).text), sina.slice(0, -1));
  });
});

test("rows that are wrong: of another code, and with dashes for numbers", async () => {
  await withSimulator({}, async (simulator) => {
    const right = await get(simulator, KLINE);
    const other = await spoilt(simulator, { kind: "wrong-code" }, KLINE);
    assert.match(right.text, /"code":"600000"/);
    assert.doesNotMatch(other.text, /"code":"600000"/);
    assert.notDeepEqual(klinesIn(other), klinesIn(right));
    assert.doesNotMatch((await spoilt(simulator, { kind: "wrong-code" }, TENCENT)).text, /"sh600000"/);
    const dashed = klinesIn(await spoilt(simulator, { kind: "dash" }, KLINE));
    assert.deepEqual(
      dashed.filter((row, index) => row !== klinesIn(right)[index]),
      [`${klinesIn(right)[15]?.slice(0, 10)}${",-".repeat(10)}`],
    );
    const rows: Record<string, string>[] = JSON.parse((await spoilt(simulator, { kind: "dash" }, SINA)).text);
    assert.equal(rows.filter(({ open, volume }) => open === "-" && volume === "-").length, 1);
  });
});

test("ticks: another page than was asked for, and the day before's information", async () => {
  await withSimulator({}, async (simulator) => {
    const sequenceIn = ({ text }: Answered): string => /"(\d+)\//.exec(text)?.[1] ?? "";
    assert.equal(sequenceIn(await get(simulator, `${TICKS}2`)), "140");
    assert.equal(sequenceIn(await spoilt(simulator, { kind: "page-shift" }, `${TICKS}2`)), "70");
    assert.equal(sequenceIn(await spoilt(simulator, { kind: "page-shift", by: 1 }, `${TICKS}2`)), "210");
    const info = TICKS.replace("action=data", "action=info");
    assert.match((await get(simulator, info)).text, /=\[20251231,/);
    assert.match((await spoilt(simulator, { kind: "previous-day" }, info)).text, /=\[20251230,/);
  });
});

test("an event is left out of the factors", async () => {
  await withSimulator({}, async (simulator) => {
    const daysIn = ({ text }: Answered): string[] =>
      JSON.parse(text.split("\n")[0]?.split("=")[1] ?? "").data.map(({ d }: { d: string }) => d);
    const all = daysIn(await get(simulator, HFQ));
    assert.ok(all.length >= 2);
    assert.deepEqual(daysIn(await spoilt(simulator, { kind: "factor-missing" }, HFQ)), all.slice(1));
    assert.equal(
      (await spoilt(simulator, { kind: "empty" }, HFQ)).text.split("\n")[0],
      'var sh600000hfq={"total":0,"data":[]}',
    );
  });
});

test("who asks too much is refused in the upstream's own way", async () => {
  await withSimulator({}, async (simulator) => {
    simulator.injectFault({ kind: "blocked" }, { upstream: "eastmoney" });
    await assert.rejects(get(simulator, KLINE), /fetch failed/);
    assert.equal((await spoilt(simulator, { kind: "blocked" }, SINA)).status, 456);
    assert.equal((await spoilt(simulator, { kind: "blocked" }, TENCENT)).status, 501);
    assert.equal((await spoilt(simulator, { kind: "blocked" }, "/sseQuery/commonQuery.do")).status, 403);
    assert.equal((await spoilt(simulator, { kind: "blocked", status: 429 }, KLINE)).status, 429);
    assert.deepEqual(await spoilt(simulator, { kind: "aktools-500" }, "/api/public/stock_zh_a_hist"), {
      status: 500,
      text: "Internal Server Error",
    });
  });
});

test("a limit bans its upstream only, until the time is over or faults are cleared", async () => {
  let nowMs = Date.UTC(2026, 0, 5);
  const clock = { ...systemClock, nowMs: () => nowMs };
  const limits = { eastmoney: { calls: 2, windowMs: 1_000, banMs: 60_000 } };
  await withSimulator({ clock, limits }, async (simulator) => {
    await get(simulator, KLINE);
    await get(simulator, KLINE);
    await assert.rejects(get(simulator, KLINE), /fetch failed/);
    assert.equal(simulator.requests.at(-1)?.isLimited, true);
    assert.equal((await get(simulator, SINA)).status, 200);
    nowMs += 59_999;
    await assert.rejects(get(simulator, KLINE), /fetch failed/);
    nowMs += 1;
    assert.equal((await get(simulator, KLINE)).status, 200);
    await get(simulator, KLINE);
    await assert.rejects(get(simulator, KLINE), /fetch failed/);
    simulator.clearFaults();
    assert.equal((await get(simulator, KLINE)).status, 200);
    nowMs += 1_000;
    await get(simulator, KLINE);
    await get(simulator, KLINE);
  });
  await assert.rejects(
    startAkshareSimulator({ data, limits: { sina: { calls: 0, windowMs: 1, banMs: 0 } } }),
    RangeError,
  );
});

test("faults are ordered for an upstream, come after others and so many times, and before those by chance", async () => {
  await withSimulator(
    { randomFaults: [{ fault: { kind: "empty" }, perMille: 1000, upstream: "sina", inARowMax: 1 }] },
    async (simulator) => {
      simulator.injectFault({ kind: "gateway" }, { upstream: "tencent", skip: 1, times: 2 });
      assert.equal((await get(simulator, KLINE)).status, 200);
      const statuses: number[] = [];
      for (let count = 0; count < 4; count += 1) {
        statuses.push((await get(simulator, TENCENT)).status);
      }
      assert.deepEqual(statuses, [200, 502, 502, 200]);
      const answers = [await fetchText(simulator, SINA), await fetchText(simulator, SINA)];
      assert.equal(answers[0], "[]");
      assert.notEqual(answers[1], "[]");
    },
  );
});
