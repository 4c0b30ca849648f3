import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { clockAt, fetchText, sampleData } from "../../../test/support/akshare-samples.ts";
import { tradingDays } from "../../domain/cn-trading-days.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import { encodeCalendar } from "./sina-calendar.ts";
import { startAkshareSimulator } from "./simulator.ts";

const RECORDING = join(process.env["GINKGO_TEST_DATA"] ?? "../shared/data", "calendar", "cn-trading-days.json");
const LEFT_OUT = "1992-05-04";

/** The upstream's text of 2026: it writes widths that change, where the simulator writes one. */
const RECORDED =
  "LC/AAApNDXCw6mHbaPgkryxXv10eAJP1LW0SD39aT7+NV44Xba3PxCgTdrp5BkYVAc11hWvg0c/19UAc7jNtHQyWBAu2xmGuZI1NVAc3FepphjnTBw1X4hmGu+ypVAcvFenpBXPqCc6F4ZmGueLFwbIN8QTDXPsCc1FepphjvOoCc8FepphjvcgFO3CP00wxXXWhrkUdZrIJpw9X3ThrlEp6hlGc88Kcem0VeFpZM46VV4MrTC2KScKc811U4aLXUdlzINc9lTrwFW3T52KPj0mDueVFuUR1RtiEoCXfdgFOOSGRXnUhrXWhb0kt6Rk2pU44JV4SrTyU9wSDHPwCnXdP1FuiUM44r7qwdKqcYrIZpw1DqgrlU5IrHRawxjrwBaqcbrIt9gr3UhDtOpyVNjEnCHPnC3royNWvi0gjHXBXYdRlLbFpdJFueSFcqkK30sSDO+68K46IVOwVkaBX/";

function dayOf(number: number): Day {
  return parseDay(new Date(Date.UTC(1990, 11, 19 + number)).toISOString().slice(0, 10));
}

/** Reads as clients do, for any widths; written from the protocol page, apart from the encoder. */
function decode(text: string): Day[] {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const bits = [...text].flatMap((letter) => {
    const value = alphabet.indexOf(letter);
    return [0, 1, 2, 3, 4, 5].map((place) => (value >> place) & 1);
  });
  let at = 0;
  const bit = (): number => bits[at++] ?? 0;
  const number = (width: number): number => {
    let value = 0;
    for (let place = 0; place < width; place += 1) {
      value += bit() * 2 ** place;
    }
    return value;
  };
  const signed = (): number => {
    const sign = bit() === 1 ? 1 : -1;
    let count = 1;
    while (bit() === 1) {
      count += 1;
    }
    return sign * count;
  };
  assert.equal(number(12), 139);
  assert.equal(63 ^ number(6), 0);
  let day = number(18) - 1;
  const end = number(18);
  let width = 0;
  let run = -1;
  let isFirst = true;
  const days: Day[] = [];
  while (day < end) {
    day += 1;
    const weekday = ((day % 7) + 7) % 7;
    if (weekday === 3 || weekday === 4) {
      day += 5 - weekday;
    }
    if (run <= 0) {
      if (number(1) === 1) {
        width += signed();
      }
      run = number(3 * width) + 1;
      if (isFirst) {
        isFirst = false;
        days.push(dayOf(day));
        run -= 1;
      }
    } else {
      days.push(dayOf(day));
    }
    run -= 1;
  }
  return days;
}

test("ten days with a holiday among them are written as the protocol page has them", () => {
  const days = ["02", "03", "04", "05", "08", "10", "11", "12", "15"].map((day) => parseDay(`2024-01-${day}`));
  assert.equal(encodeCalendar(days), "LC/j8Cw8CrI");
  assert.deepEqual(decode("LC/j8Cw8CrI"), days);
});

test("two holidays in a row, one day alone, and the end of the list come back as they went in", () => {
  for (const text of [
    ["2024-01-02"],
    ["2024-01-02", "2024-01-05"],
    ["2024-01-02", "2024-01-03", "2024-01-09", "2024-01-10"],
  ]) {
    const days = text.map((day) => parseDay(day));
    assert.deepEqual(decode(encodeCalendar(days)), days);
  }
  assert.throws(() => encodeCalendar([]), RangeError);
});

test("the list served at the end of 2026 says what the upstream's own of that year says", async () => {
  await using simulator = await startAkshareSimulator({
    data: sampleData([]),
    clock: clockAt("2026-11-29T10:00:00+08:00"),
  });
  const text = await fetchText(simulator, "/realstock/company/klc_td_sh.txt");
  const payload = /^var datelist="([A-Za-z0-9+/]+)";var KLC_TD_SH=datelist;$/.exec(text)?.[1] ?? "";
  const days = decode(payload);
  assert.deepEqual(days, decode(RECORDED));
  assert.equal(days.length, 8796);
  assert.deepEqual(
    days,
    tradingDays().filter((day) => day !== LEFT_OUT),
  );
});

test("the list ends with the year that it is", async () => {
  await using simulator = await startAkshareSimulator({
    data: sampleData([]),
    clock: clockAt("2024-12-31T23:59:59+08:00"),
  });
  const text = await fetchText(simulator, "/realstock/company/klc_td_sh.txt");
  assert.equal(decode(text.split('"')[1] ?? "").at(-1), "2024-12-31");
});

test(
  "the recorded calendar comes back as it went in",
  { skip: existsSync(RECORDING) ? false : `no recording at ${RECORDING}` },
  () => {
    const recorded: unknown = JSON.parse(readFileSync(RECORDING, "utf8"));
    assert.ok(Array.isArray(recorded));
    const days = recorded.map((day) => parseDay(day)).filter((day) => day !== LEFT_OUT);
    assert.equal(days.length, 8796);
    assert.deepEqual(decode(encodeCalendar(days)), days);
  },
);
