import { once } from "node:events";

import { Temporal } from "temporal-polyfill";

import { openBudgetSide } from "../../src/app/open-budget.ts";
import { startSchedule } from "../../src/app/schedule/start-schedule.ts";
import { silentLog, type Log } from "../../src/base/log.ts";
import { loadConfig } from "../../src/config.ts";
import { parseDay } from "../../src/domain/day.ts";
import { CURRENCY, MARKET, SOURCE } from "../../src/domain/enums.ts";
import type { Instrument } from "../../src/domain/rows.ts";
import { parseSecurityCode } from "../../src/domain/security-code.ts";
import { ManualClock } from "../support/manual-clock.ts";

/**
 * A worker's schedule in a process of its own, to be killed: settings from the environment, real Redis and Kafka, and a
 * clock that its parent moves. `schedule-member.ts NOW LEAD_MS CODE…`. Over the parent's channel it hears instants to go
 * on to and answers each with its state; it also tells what it logs.
 */
const [now = "", leadMs = "", ...codes] = process.argv.slice(2);
const stop = new AbortController();
const clock = new ManualClock(now);
const tell = (event: string, fields: unknown): void => {
  if (process.connected) {
    process.send?.({ kind: "log", event, fields });
  }
};
const log: Log = { ...silentLog, info: tell, warn: tell, error: tell };
const { config } = loadConfig({ flags: new Map(), env: process.env, readFile: () => undefined });
const instruments: readonly Instrument[] = codes.map((code) => ({
  code: parseSecurityCode(code),
  name: code,
  industry: "",
  market: MARKET.CHINA,
  currency: CURRENCY.CNY,
  status: "listed",
  listedOn: parseDay("2020-01-02"),
  delistedOn: undefined,
  source: SOURCE.TUSHARE,
}));
await using budgetSide = await openBudgetSide(config, log, stop.signal);
await using schedule = startSchedule(
  {
    config,
    log,
    budgetSide,
    queue: { served: undefined },
    store: {
      reference: { instruments: () => Promise.resolve(instruments), calendar: () => Promise.resolve([]) },
      outcomes: {
        record: () => Promise.resolve(),
        settledFrom: () => Promise.resolve(new Map()),
        byRequest: () => Promise.resolve([]),
      },
    },
    clock,
    leadMs: Number.parseInt(leadMs, 10),
  },
  stop.signal,
);

let moving: Promise<void> = Promise.resolve();
process.on("message", (to) => {
  moving = moving.then(async () => {
    const untilMs = Temporal.Instant.from(String(to)).epochMilliseconds;
    await clock.advance(Math.max(0, untilMs - clock.nowMs()));
    process.send?.({ kind: "state", to, isLeader: schedule.state()?.isLeader });
  });
});
process.send?.({ kind: "ready" });
await once(process, "disconnect");
stop.abort(new Error("the test is over"));
