import assert from "node:assert/strict";
import { test } from "node:test";

import { TransientError } from "../../base/errors.ts";
import { parseDay } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { pageOf, ticksBody, type ServedTick } from "../../../test/support/tdx-server.ts";
import type { Command } from "./command.ts";
import { StaleHostError } from "./errors.ts";
import { mapTicks } from "./mapping.ts";
import { readDayTicks } from "./read-ticks.ts";

const CODE = parseSecurityCode("000001.SZ");
const DAY = parseDay("2024-01-15");
const NEXT = "2024-01-16";
const never = new AbortController().signal;

/** A server of one day's ticks. */
class Served {
  readonly server = { host: "127.0.0.1", port: 7_709 };
  readonly asked: string[] = [];
  seenDay: string | undefined;
  ticks: readonly ServedTick[];
  today: string;
  /** Changes a page before it is sent. */
  alter: (page: readonly ServedTick[], start: number) => readonly ServedTick[] = (page) => page;

  constructor(ticks: readonly ServedTick[], today: string) {
    this.ticks = ticks;
    this.today = today;
  }

  async currentDay(): Promise<string> {
    this.asked.push("day");
    this.seenDay = this.today;
    return this.today;
  }

  async ask<Answer>(command: Command<Answer>): Promise<Answer> {
    const body = Buffer.from(command.body);
    const isToday = command.type === 0x0fc5;
    const [start, count] = [body.readUInt16LE(body.length - 4), body.readUInt16LE(body.length - 2)];
    this.asked.push(`${isToday ? "today" : "past"} ${start}+${count}`);
    const isThere = isToday === (this.today === DAY);
    const page = this.alter(isThere ? pageOf(this.ticks, start, count) : [], start);
    return command.read(ticksBody(page, isToday));
  }
}

/** An auction at 09:25, several ticks a minute, and the close. */
function dayOf(count: number, firstMinute = 565): readonly ServedTick[] {
  return Array.from({ length: count }, (_, index) => ({
    minutes:
      index === 0
        ? firstMinute
        : index === count - 1
          ? 900
          : Math.max(firstMinute, 570) + Math.floor((index * 120) / count),
    price: 1_000 + (index % 13),
    lots: index + 1,
    trades: 3,
    side: index % 2,
  }));
}

const read = (server: Served): ReturnType<typeof readDayTicks> => readDayTicks(server, { code: CODE, day: DAY }, never);

test("a past day comes in pages of 2,000, is put together in order and ends with the auction", async () => {
  const server = new Served(dayOf(4_500), NEXT);
  const { ticks, state } = await read(server);
  assert.equal(state, "whole");
  assert.deepEqual(
    ticks.map(({ lots }) => lots),
    Array.from({ length: 4_500 }, (_, index) => index + 1),
  );
  assert.deepEqual(server.asked, ["day", "past 0+2000", "past 1992+2000", "past 3984+2000"]);
  const { ticks: rows } = mapTicks(ticks, CODE, DAY);
  const keys = new Set(rows.map(({ time, sequence }) => `${time} ${sequence}`));
  assert.equal(keys.size, 4_500);
});

test("today's ticks have another command and pages of 1,800, and the newest page is looked at again", async () => {
  const server = new Served(dayOf(2_000), DAY);
  const { ticks, state } = await read(server);
  assert.deepEqual([ticks.length, state, ticks[0]?.trades], [2_000, "whole", 3]);
  assert.deepEqual(server.asked, ["day", "today 0+1800", "today 1792+1800", "today 0+1800", "day"]);
});

test("a day that grows while it is read fails, and so does one that is over meanwhile", async () => {
  const growing = new Served(dayOf(1_500), DAY);
  growing.alter = (page) => {
    growing.ticks = dayOf(1_501);
    return page;
  };
  await assert.rejects(read(growing), /the newest ones changed/);
  const over = new Served(dayOf(2_000), DAY);
  over.alter = (page, start) => {
    over.today = start > 0 ? NEXT : over.today;
    return page;
  };
  await assert.rejects(read(over), TransientError);
});

test("which command it takes is asked anew unless the server's day is known to be later", async () => {
  const server = new Served(dayOf(10), NEXT);
  server.seenDay = DAY;
  await read(server);
  assert.equal(server.asked[0], "day");
  server.asked.length = 0;
  await read(server);
  assert.equal(server.asked[0], "past 0+2000");
});

test("a host whose day is before the day asked for is stale; on a day without trading it is not", async () => {
  const server = new Served([], "2024-01-12");
  await assert.rejects(read(server), StaleHostError);
  const saturday = readDayTicks(server, { code: CODE, day: parseDay("2024-01-13") }, never);
  assert.equal((await saturday).state, "nothing");
});

test("a day that begins late is proven by a page that brings only what it repeats", async () => {
  const server = new Served(dayOf(40, 650), NEXT);
  assert.equal((await read(server)).state, "whole");
  assert.deepEqual(server.asked, ["day", "past 0+2000", "past 32+2000"]);
});

test("pages shorter than what was asked for are gone on from where they end", async () => {
  const server = new Served(dayOf(3_000), NEXT);
  server.alter = (page) => page.slice(-700);
  const { ticks, state } = await read(server);
  assert.deepEqual([ticks.length, ticks[0]?.lots, state], [3_000, 1, "whole"]);
});

test("a full page in the first minute is not the end", async () => {
  const opening = dayOf(2_050).map((tick, index) => ({
    ...tick,
    minutes: index === 0 ? 565 : index < 100 ? 570 : 900,
  }));
  const server = new Served(opening, NEXT);
  const { ticks } = await read(server);
  assert.equal(ticks.length, 2_050);
});

test("pages between which ticks are lost do not join", async () => {
  for (const lost of [0, 1]) {
    const server = new Served(dayOf(6_500), NEXT);
    let pages = 0;
    server.alter = (page, start) => {
      pages += 1;
      return pages - 1 === lost ? pageOf(server.ticks, start + 2_000, 2_000) : page;
    };
    await assert.rejects(read(server), /do not join/);
  }
});

test("a day that ends early is looked at once more, since its newest page may be missing", async () => {
  const early = dayOf(300).slice(0, 200);
  const server = new Served(early, NEXT);
  assert.equal((await read(server)).state, "whole");
  assert.deepEqual(server.asked, ["day", "past 0+2000", "past 0+2000"]);
  let pages = 0;
  const lost = new Served(dayOf(2_642), NEXT);
  lost.alter = (page) => {
    pages += 1;
    return pages === 1 ? pageOf(lost.ticks, 2_000, 2_000) : page;
  };
  await assert.rejects(read(lost), /the newest ones changed/);
});

test("a page that comes empty where ticks were before is torn", async () => {
  const server = new Served(dayOf(4_500), NEXT);
  server.alter = (page, start) => (start >= 1_992 ? [] : page);
  const { state, ticks } = await read(server);
  assert.deepEqual([state, ticks.length], ["torn", 2_000]);
});

test("no tick at all is nothing", async () => {
  assert.equal((await read(new Served([], NEXT))).state, "nothing");
  assert.equal((await read(new Served([], DAY))).state, "nothing");
});

test("a server that has always more is given up", async () => {
  const server = new Served([], NEXT);
  const minute = { price: 1_000, lots: 1, side: 0, minutes: 700 };
  server.alter = () => Array.from({ length: 2_000 }, () => minute);
  await assert.rejects(read(server), TransientError);
  assert.ok(server.asked.length < 50);
});
