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

/** An auction at 09:25 and then several ticks a minute. */
function dayOf(count: number, firstMinute = 565): readonly ServedTick[] {
  return Array.from({ length: count }, (_, index) => ({
    minutes: index === 0 ? firstMinute : Math.max(firstMinute, 570) + Math.floor((index * 120) / count),
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
  const growing = new Served(dayOf(2_000), DAY);
  growing.alter = (page, start) => {
    growing.ticks = start === 0 ? dayOf(2_001) : growing.ticks;
    return page;
  };
  await assert.rejects(
    read(growing),
    (error) => error instanceof TransientError && /changed while|do not fit/.test(error.message),
  );
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

test("a day that begins late is proven by a short page and nothing behind it", async () => {
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
    minutes: index === 0 ? 565 : index < 100 ? 570 : 600,
  }));
  const server = new Served(opening, NEXT);
  const { ticks } = await read(server);
  assert.equal(ticks.length, 2_050);
});

test("a full page with nothing behind it though the market was open is torn", async () => {
  const server = new Served(dayOf(4_500).slice(-2_000), NEXT);
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

test("a page of another place, and one that is empty where there were ticks, is never put in", async () => {
  for (const wrong of [dayOf(4_500).slice(0, 500), []]) {
    const server = new Served(dayOf(4_500), NEXT);
    server.alter = (page, start) => (start > 0 ? wrong : page);
    await assert.rejects(
      read(server),
      (error) => error instanceof TransientError && /do not fit together/.test(error.message),
    );
  }
});
