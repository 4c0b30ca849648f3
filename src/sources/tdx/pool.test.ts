import assert from "node:assert/strict";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import { systemClock, type Clock } from "../../base/clock.ts";
import { TransientError } from "../../base/errors.ts";
import { tradingDays } from "../../domain/cn-trading-days.ts";
import { parseDay } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import type { Call } from "../../domain/unit.ts";
import type { Source } from "../../ports/source.ts";
import {
  barsBody,
  HANDSHAKE_BODY,
  heartbeatBody,
  pageOf,
  readBarsRequest,
  startTdxServer,
  ticksBody,
  uint16,
  type TdxReply,
  type TdxRequest,
  type TdxServerUnderTest,
} from "../../../test/support/tdx-server.ts";
import { openTdxSource, type TdxSourceOptions } from "./source.ts";

const CODE = parseSecurityCode("600000.SH");
const DAY = "2024-01-15";
const HOLLOW = uint16(1);

const clock: Clock = { ...systemClock, now: () => Temporal.Instant.from(`${DAY}T20:00:00+08:00`) };

function barOf(day: string): Parameters<typeof barsBody>[0][number] {
  return { time: day, open: 10_000, high: 10_100, low: 9_900, close: 10_050, volume: 10, amount: 10_000 };
}

interface Behaviour {
  /** The newest bar of the index; undefined answers hollow. */
  readonly index?: string | undefined;
  /** The answer to bars of the code. */
  readonly bars?: (request: TdxRequest) => TdxReply;
  readonly ticks?: (start: number) => TdxReply;
}

/** The day's bar, and one before it. */
const barsOfDay = (): TdxReply => barsBody([barOf("2024-01-12"), barOf(DAY)]);

function host({ index, bars = barsOfDay, ticks }: Behaviour): Promise<TdxServerUnderTest> {
  return startTdxServer(replier({ index, bars, ...(ticks === undefined ? {} : { ticks }) }));
}

function replier({ index, bars, ticks }: Behaviour): (request: TdxRequest) => TdxReply {
  return (request) => {
    const { type, body } = request;
    if (type === 0x000d) {
      return HANDSHAKE_BODY;
    }
    if (type === 0x0004) {
      return heartbeatBody("2024-01-16");
    }
    if (type === 0x0fb5) {
      return ticks?.(body.readUInt16LE(body.length - 4));
    }
    if (readBarsRequest(body).key === "000001.1") {
      return index === undefined ? HOLLOW : barsBody([barOf(index)], true);
    }
    return bars?.(request);
  };
}

function open(servers: readonly TdxServerUnderTest[], options: Partial<TdxSourceOptions> = {}): Source {
  const at = servers.map(({ port }) => ({ host: "127.0.0.1", port }));
  return openTdxSource({ servers: at, clock, callMsMax: 500, probeMsMax: 500, pauseMs: 0, ...options });
}

const DAY_OF = parseDay(DAY);
const selection = { by: "codes", codes: [CODE], from: DAY_OF, to: DAY_OF } as const;
const BARS: Call<"bars"> = { dataSet: "bars", frequency: "1d", selection };
const TICKS: Call<"ticks"> = { dataSet: "ticks", frequency: "1d", selection };

function fetchBars(source: Source): Promise<number> {
  return source.fetch(BARS, AbortSignal.timeout(5_000)).then(({ rows }) => rows.length);
}

/** Requests for bars of the code. */
function asked({ requests }: TdxServerUnderTest): number {
  return requests.filter(({ type, body }) => type === 0x052d && readBarsRequest(body).key !== "000001.1").length;
}

test("hosts that are away, silent, hollow or a day behind are not asked for data", async () => {
  const away = await host({ index: DAY });
  await away[Symbol.asyncDispose]();
  await using silent = await startTdxServer(() => undefined);
  await using hollow = await host({});
  await using stale = await host({ index: "2024-01-12" });
  await using good = await host({ index: DAY });
  await using source = open([away, silent, hollow, stale, good], { probeMsMax: 100 });
  for (let call = 0; call < 3; call += 1) {
    assert.equal(await fetchBars(source), 1);
  }
  assert.deepEqual([silent, hollow, stale, good].map(asked), [0, 0, 0, 3]);
  for (const { requests } of [silent, hollow, stale, good]) {
    assert.ok(requests.every(({ type }) => type !== 0x0fdb));
  }
});

test("connections of the probe that are not needed are closed, and all are at the end", async () => {
  await using one = await host({ index: DAY });
  await using two = await host({ index: DAY });
  await using three = await host({ index: DAY });
  const servers = [one, two, three];
  const openOnes = (): number => servers.reduce((sum, { openConnections }) => sum + openConnections, 0);
  const source = open(servers, { connectionsMax: 1 });
  assert.equal(await fetchBars(source), 1);
  await waitFor(() => openOnes() === 1, { what: "two hosts to be left" });
  await source[Symbol.asyncDispose]();
  await waitFor(() => openOnes() === 0, { what: "all connections to be closed" });
});

test("when no host serves, the failure passes, and hosts that come back are found", async () => {
  await using one = await host({});
  await using two = await host({});
  await using source = open([one, two]);
  await assert.rejects(
    fetchBars(source),
    (error) => error instanceof TransientError && /none of 2/.test(error.message),
  );
  one.replyWith(replier({ index: DAY, bars: () => barsBody([barOf(DAY)]) }));
  assert.equal(await fetchBars(source), 1);
});

test("after a failure the next call goes to another host", async () => {
  let isFirst = true;
  const failing = (): TdxReply => {
    const answer = isFirst ? "reset" : barsOfDay();
    isFirst = false;
    return answer;
  };
  await using one = await host({ index: DAY, bars: failing });
  await using two = await host({ index: DAY, bars: failing });
  await using source = open([one, two]);
  await assert.rejects(fetchBars(source), TransientError);
  const [before, after] = [[one, two].map(asked), await fetchBars(source)];
  assert.equal(after, 1);
  assert.deepEqual([one, two].map(asked), [1, 1]);
  assert.equal(before[0] === 1 ? before[1] : before[0], 0);
});

test("a hollow answer is tried again on a fresh greeting to the same host", async () => {
  await using only = await host({
    index: DAY,
    bars: ({ connection }) => (connection === 1 ? uint16(800) : barsBody([barOf(DAY)])),
  });
  await using source = open([only]);
  assert.equal(await fetchBars(source), 1);
  assert.equal(only.connections, 2);
  assert.ok(only.requests.filter(({ type }) => type === 0x000d).every(({ body }) => body.toString("hex") === "01"));
});

test("a host that stays hollow is dropped and another one serves", async () => {
  await using hollow = await host({ index: DAY, bars: () => uint16(800) });
  await using good = await host({ index: DAY });
  await using source = open([hollow, good]);
  const outcomes: string[] = [];
  for (let call = 0; call < 4; call += 1) {
    outcomes.push(
      await fetchBars(source).then(
        () => "rows",
        (error: unknown) => (error instanceof TransientError ? "transient" : String(error)),
      ),
    );
  }
  assert.ok(outcomes.filter((outcome) => outcome === "transient").length <= 1, outcomes.join(" "));
  assert.deepEqual(outcomes.slice(1), ["rows", "rows", "rows"]);
  assert.ok(asked(hollow) <= 2);
});

test("a count of nothing is a hollow answer when the index is gone as well", async () => {
  let isHollow = false;
  await using only = await startTdxServer((request) =>
    replier({
      index: isHollow ? undefined : DAY,
      bars: () => {
        isHollow = true;
        return uint16(0);
      },
    })(request),
  );
  await using source = open([only]);
  await assert.rejects(fetchBars(source), (error) => error instanceof TransientError && /hollow/.test(error.message));
});

test("nothing is believed when two hosts say so, and one that lacks rows is found out", async () => {
  await using empty = await host({ index: DAY, bars: () => uint16(0) });
  await using other = await host({ index: DAY, bars: () => uint16(0) });
  await using source = open([empty, other]);
  assert.equal(await fetchBars(source), 0);
  assert.deepEqual([empty, other].map(asked), [1, 1]);
  other.replyWith(replier({ index: DAY, bars: () => barsBody([barOf(DAY)]) }));
  for (let call = 0; call < 3; call += 1) {
    assert.equal(await fetchBars(source), 1);
  }
  assert.ok(asked(empty) <= 2);
});

test("ticks of a day that one host has none of are another's", async () => {
  const day = [{ minutes: 565, price: 1_000, lots: 10, side: 2 }];
  await using empty = await host({ index: DAY, ticks: () => uint16(0) });
  await using full = await host({ index: DAY, ticks: (start) => ticksBody(start === 0 ? day : [], false) });
  await using source = open([empty, full]);
  for (let call = 0; call < 2; call += 1) {
    const page = await source.fetch(TICKS, AbortSignal.timeout(5_000));
    assert.deepEqual([page.rows.length, page.received, page.rest], [1, 1, []]);
  }
});

test("a page in the middle that comes empty fails the call unless another host cuts the day alike", async () => {
  const torn = Array.from({ length: 2_000 }, (_, index) => ({ minutes: 700, price: 1_000, lots: index, side: 0 }));
  const cut = (start: number): TdxReply => ticksBody(torn.slice(0, 2_000 - start), false);
  const fetchTicks = (source: Source): Promise<number> =>
    source.fetch(TICKS, AbortSignal.timeout(5_000)).then(({ received }) => received);
  await using one = await host({ index: DAY, ticks: cut });
  await using two = await host({ index: DAY, ticks: cut });
  await using alone = open([one]);
  await assert.rejects(
    fetchTicks(alone),
    (error) => error instanceof TransientError && /in the middle/.test(error.message),
  );
  await using agreed = open([one, two]);
  assert.equal(await fetchTicks(agreed), 2_000);
  two.replyWith(replier({ index: DAY, ticks: () => uint16(0) }));
  await using disagreed = open([one, two]);
  await assert.rejects(fetchTicks(disagreed), TransientError);
});

test("so many calls are under way as connections are allowed, and one that waits ends with its signal", async () => {
  await using only = await host({ index: DAY, bars: () => undefined });
  await using source = open([only], { connectionsMax: 2, callMsMax: 3_000 });
  const stop = new AbortController();
  const calls = Array.from({ length: 3 }, () => source.fetch(BARS, stop.signal).catch((error: unknown) => error));
  await waitFor(() => asked(only) === 2, { what: "two calls" });
  const impatient = new AbortController();
  const reason = new Error("impatient");
  const fourth = source.fetch(BARS, impatient.signal);
  const startedMs = performance.now();
  impatient.abort(reason);
  await assert.rejects(fourth, reason);
  assert.ok(performance.now() - startedMs < 100);
  assert.equal(asked(only), 2);
  stop.abort(reason);
  assert.deepEqual(await Promise.all(calls), [reason, reason, reason]);
});

test("calls side by side are spread over the hosts", async () => {
  await using one = await host({ index: DAY, bars: () => undefined });
  await using two = await host({ index: DAY, bars: () => undefined });
  await using source = open([one, two], { connectionsMax: 2, callMsMax: 3_000 });
  const stop = new AbortController();
  const calls = [1, 2].map(() => source.fetch(BARS, stop.signal).catch(() => undefined));
  await waitFor(() => asked(one) + asked(two) === 2, { what: "two calls" });
  assert.deepEqual([one, two].map(asked), [1, 1]);
  stop.abort(new Error("over"));
  await Promise.all(calls);
});

test("closing the source ends calls under way with an error that passes", async () => {
  await using only = await host({ index: DAY, bars: () => undefined });
  const source = open([only], { callMsMax: 3_000 });
  const call = fetchBars(source).catch((error: unknown) => error);
  await waitFor(() => asked(only) === 1, { what: "the call" });
  await source[Symbol.asyncDispose]();
  assert.ok((await call) instanceof TransientError);
  await waitFor(() => only.openConnections === 0, { what: "the connection to be closed" });
});

test("answers of an inquiry are in canonical units", async () => {
  await using only = await host({ index: DAY, bars: () => barsBody([barOf("2024-01-12")]) });
  await using source = open([only]);
  const weekly = source.inquiries?.find(({ name }) => name === "weekly-bars");
  assert.ok(weekly !== undefined);
  const question = { codes: [CODE], day: undefined, from: parseDay("2024-01-01"), to: DAY_OF };
  assert.deepEqual(await weekly.ask(question, AbortSignal.timeout(5_000)), [
    {
      code: CODE,
      lastDay: "2024-01-12",
      open: "10",
      high: "10.1",
      low: "9.9",
      close: "10.05",
      volume: "1000",
      turnover: "10000",
    },
  ]);
});

test("a host that answers with too few bars, once or always, is asked until a row comes again and nothing is older", async () => {
  const days = tradingDays()
    .filter((day) => day <= DAY)
    .slice(-40);
  const from = days[0] ?? DAY_OF;
  const call: Call<"bars"> = { ...BARS, selection: { ...selection, from } };
  let cut = (_start: number): number => 7;
  await using only = await host({
    index: DAY,
    bars: (request) => {
      const { start, count } = readBarsRequest(request.body);
      return barsBody(pageOf(days.map(barOf), start, Math.min(count, cut(start))));
    },
  });
  await using source = open([only]);
  const all = new Set<string>();
  let next: readonly Call<"bars">[] = [call];
  for (let calls = 0; next[0] !== undefined; calls += 1) {
    assert.ok(calls < 10, "the calls go in circles");
    const page = await source.fetch(next[0], AbortSignal.timeout(5_000));
    page.rows.forEach(({ tradingDay }) => all.add(tradingDay));
    next = page.rest;
  }
  assert.deepEqual([...all].toSorted(), days);
  // A page in which a bar is missing that was there before says nothing at all.
  cut = (start) => (start === 0 ? 20 : 3);
  await assert.rejects(source.fetch(call, AbortSignal.timeout(5_000)), /is not there when it is asked for again/);
});

test("bars that end before the day asked for: another host is asked, and without one the same again", async () => {
  const older = barOf("2024-01-12");
  await using behind = await host({ index: DAY, bars: () => barsBody([older]) });
  await using good = await host({ index: DAY, bars: () => barsBody([older, barOf(DAY)]) });
  await using both = open([behind, good]);
  for (let call = 0; call < 4; call += 1) {
    assert.equal(await fetchBars(both), 1);
  }
  await using alone = open([behind]);
  const before = asked(behind);
  assert.equal(await fetchBars(alone), 0, "the index is up to date, and the code trades no more");
  assert.equal(asked(behind) - before, 2);
});

test("a host alone is stale when its index ends before the day asked for", async () => {
  await using only = await host({ index: "2024-01-12", bars: () => barsBody([barOf("2024-01-12")]) });
  await using source = open([only]);
  await assert.rejects(
    fetchBars(source),
    (error) => error instanceof TransientError && /its index ends on 2024-01-12/.test(error.message),
  );
});

test("the list of the current day is held against the day's bar, and in doubt it must come twice alike", async () => {
  const lots = (count: number) => (start: number) =>
    ticksBody(start > 0 ? [] : [{ minutes: 565, price: 1_000, lots: count, side: 2, trades: 1 }], true);
  const listOf = async (counts: readonly number[]): Promise<number> => {
    await using first = await today(lots(counts[0] ?? 0));
    await using second = await today(lots(counts[1] ?? 0));
    await using source = open(counts.length > 1 ? [first, second] : [first]);
    const page = await source.fetch(TICKS, AbortSignal.timeout(5_000));
    return Number.parseInt(page.rows[0]?.volume ?? "0", 10) / 100;
  };
  assert.equal(await listOf([10]), 10);
  assert.equal(await listOf([700, 10]), 10);
  assert.equal(await listOf([10, 700]), 10);
  assert.equal(await listOf([11]), 11, "twice alike");
});

test("a past day's list that ends before the close is held against the day's bar, and in doubt must come twice alike", async () => {
  const opening = { minutes: 565, price: 1_000, lots: 4, side: 2 };
  const closing = { minutes: 900, price: 1_000, lots: 6, side: 2 };
  const serving = (ticks: readonly (typeof opening)[]): Promise<TdxServerUnderTest> =>
    host({ index: DAY, ticks: (start) => ticksBody(start === 0 ? ticks : [], false) });
  const read = async (...lists: readonly (readonly (typeof opening)[])[]): Promise<readonly [number, number]> => {
    await using servers = new AsyncDisposableStack();
    const hosts: TdxServerUnderTest[] = [];
    for (const list of lists) {
      hosts.push(servers.use(await serving(list)));
    }
    await using source = open(hosts);
    const { rows } = await source.fetch(TICKS, AbortSignal.timeout(5_000));
    return [rows.length, hosts.reduce((sum, each) => sum + asked(each), 0)];
  };
  assert.deepEqual(await read([opening, closing]), [2, 0], "one that has its close needs no bar");
  assert.deepEqual(await read([{ ...opening, lots: 10 }]), [1, 1], "it traded no more, as its bar says");
  assert.deepEqual(await read([opening]), [1, 2], "of one host, twice alike");
  for (const lists of [
    [[opening], [opening, closing]],
    [[opening, closing], [opening]],
  ] as const) {
    const [rows] = await read(...lists);
    assert.equal(rows, 2, "the newest page was left out by one of them");
  }
});

test("a list in doubt of one host, and nothing from the other: that one is left alone, and the list comes twice alike", async () => {
  const thin = [{ minutes: 600, price: 1_000, lots: 9, side: 2 }];
  await using empty = await host({ index: DAY, ticks: () => uint16(0) });
  await using full = await host({ index: DAY, ticks: (start) => ticksBody(start === 0 ? thin : [], false) });
  await using source = open([empty, full]);
  await assert.rejects(source.fetch(TICKS, AbortSignal.timeout(5_000)), TransientError);
  const { rows } = await source.fetch(TICKS, AbortSignal.timeout(5_000));
  assert.equal(rows.length, 1);
});

/** A host whose current day is the one asked for. */
function today(ticks: (start: number) => TdxReply): Promise<TdxServerUnderTest> {
  const reply = replier({ index: DAY, bars: () => barsBody([barOf(DAY)]) });
  return startTdxServer((request) => {
    if (request.type === 0x0004) {
      return heartbeatBody(DAY);
    }
    return request.type === 0x0fc5 ? ticks(request.body.readUInt16LE(request.body.length - 4)) : reply(request);
  });
}
