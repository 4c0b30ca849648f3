import assert from "node:assert/strict";
import { test } from "node:test";

import type { AppApi, RequestEstimate, RequestPlan, RequestProgress } from "../../app/app-api.ts";
import type { ScheduleReport } from "../../app/schedule/schedule-api.ts";
import { parseDay } from "../../domain/day.ts";
import { NO_ROWS } from "../../domain/outcome.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { run } from "../../../test/support/run-cli.ts";
import { describeSchedule } from "../schedule-text.ts";

const REPORT: ScheduleReport = {
  isEnabled: true,
  zone: "Asia/Shanghai",
  leader: "worker-1",
  runs: [
    { name: "calendar", when: "off", next: undefined, last: undefined },
    {
      name: "list",
      when: "daily 20:30",
      next: { day: parseDay("2026-03-05"), at: "2026-03-05T12:30:00Z" },
      last: {
        day: parseDay("2026-03-04"),
        requestId: "schedule-list-2026-03-04",
        state: "sent",
        node: "worker-1",
        messages: 1,
        beganAt: "2026-03-05T01:00:00Z",
        sentAt: "2026-03-05T01:00:01Z",
        outcome: undefined,
      },
    },
    {
      name: "bars",
      when: "trading-days 17:30",
      next: { day: parseDay("2026-03-05"), at: "2026-03-05T09:30:00Z" },
      last: {
        day: parseDay("2026-03-04"),
        requestId: "schedule-bars-2026-03-04",
        state: "sent",
        node: "worker-1",
        messages: 300,
        beganAt: "2026-03-04T09:30:00Z",
        sentAt: "2026-03-04T09:30:01Z",
        outcome: { settled: 299, words: { stored: 297, pending: 2 }, pendingDays: 2, unexplainedDays: 0 },
      },
    },
  ],
  unknown: [],
};

const LAST: RequestProgress = {
  requestId: "r-1",
  total: 1,
  published: 1,
  settled: 1,
  outcomes: { stored: 1, "up-to-date": 0, pending: 0, unexplained: 0, ignored: 0, "dead-letter": 0 },
  rows: NO_ROWS,
  calls: 1,
  pendingDays: 0,
  unexplainedDays: 0,
  deadLetters: [],
};

function requestApp(last: RequestProgress): { readonly app: Partial<AppApi>; readonly plans: RequestPlan[] } {
  const plans: RequestPlan[] = [];
  const app: Partial<AppApi> = {
    request: async function* (_config, plan) {
      plans.push(plan);
      yield last;
    },
  };
  return { app, plans };
}

test("the schedule is listed in the exchange's time and in that of whoever looks", () => {
  assert.equal(
    describeSchedule(REPORT, "Europe/Berlin"),
    `worker-1 does the runs; times of Asia/Shanghai; LOCAL is the next one in Europe/Berlin
RUN       WHEN                NEXT              LOCAL             LAST                             WHAT BECAME OF IT
calendar  off                                                     never
list      daily 20:30         2026-03-05 20:30  2026-03-05 13:30  2026-03-05 09:00 for 2026-03-04  1 message sent
bars      trading-days 17:30  2026-03-05 17:30  2026-03-05 10:30  2026-03-04 17:30                 299 of 300 settled; stored 297, pending 2; 2 days not published yet
`,
  );
  assert.match(
    describeSchedule(REPORT, "Asia/Shanghai"),
    /^worker-1 does the runs; times of Asia\/Shanghai\nRUN +WHEN +NEXT +LAST/,
  );
  const off = { ...REPORT, isEnabled: false, leader: undefined };
  assert.match(
    describeSchedule(off, "UTC"),
    /^the schedule is off by the settings of this command \(schedule\.enabled\), nobody does the runs now;/,
  );
});

test("schedule list ends with 69 when something could not be read, and shows the rest", async () => {
  const app: Partial<AppApi> = { schedule: () => Promise.resolve(REPORT) };
  const listed = await run(["schedule", "list", "--json"], { app });
  assert.deepEqual([listed.code, JSON.parse(listed.out)], [0, JSON.parse(JSON.stringify(REPORT))]);
  const unknown: Partial<AppApi> = {
    schedule: () => Promise.resolve({ ...REPORT, unknown: ["connecting to redis: nobody listens"] }),
  };
  const partly = await run(["schedule", "list"], { app: unknown });
  assert.equal(partly.code, 69);
  assert.match(partly.out, /trading-days 17:30[\s\S]*\nunknown: connecting to redis: nobody listens\n$/);
});

test("schedule run does what request --all --wait of its kind does", async () => {
  const { app, plans } = requestApp(LAST);
  for (const name of ["calendar", "list", "factors", "bars"]) {
    const { code, out } = await run(["schedule", "run", name], { app });
    assert.equal(code, 0);
    assert.match(out, /^request r-1: 1 of 1 settled/);
  }
  assert.deepEqual(
    plans.map(({ kind, codes, wait }) => [kind, codes, wait]),
    [
      ["calendar", [], true],
      ["stock-list", [], true],
      ["factors", "all", true],
      ["bars", "all", true],
    ],
  );
  const wrong = await run(["schedule", "run", "ticks"], {});
  assert.deepEqual([wrong.code, wrong.loads], [64, 0]);
  assert.match(wrong.err, /expected one of calendar, list, factors, bars, got "ticks"/);
});

test("what was waited for and is incomplete ends with another code than 0, for request and for a run", async () => {
  const incomplete: readonly (readonly [Partial<RequestProgress>, number])[] = [
    [{}, 0],
    [{ pendingDays: 1 }, 75],
    [{ unexplainedDays: 1 }, 1],
    [{ unexplainedDays: 1, pendingDays: 1 }, 1],
    [{ pendingDays: 1, outcomes: { ...LAST.outcomes, "dead-letter": 1 } }, 1],
  ];
  for (const [change, code] of incomplete) {
    for (const command of [
      ["request", "--all", "--wait"],
      ["schedule", "run", "bars"],
    ]) {
      assert.equal((await run(command, requestApp({ ...LAST, ...change }))).code, code, command.join(" "));
    }
    assert.equal((await run(["request", "--all"], requestApp({ ...LAST, ...change }))).code, 0);
  }
});

test("request --dry-run says what it would cost and asks for nothing", async () => {
  const estimate: RequestEstimate = {
    messages: 5_400,
    missingDays: 16_000_000,
    pendingDays: 0,
    unknownCodes: [parseSecurityCode("999999.SH")],
    unservedCodes: [parseSecurityCode("000001.SH")],
    calls: 2_912,
    apis: [
      { provider: "tushare", api: "daily", calls: 2_900, timeMs: 15 * 60_000, callsPerMinute: 190, daily: undefined },
      {
        provider: "tushare",
        api: "stk_mins",
        calls: 12,
        timeMs: 2 * 86_400_000,
        callsPerMinute: 190,
        daily: { calls: 5, used: 3 },
      },
    ],
    timeMs: 2 * 86_400_000,
  };
  const plans: RequestPlan[] = [];
  const app: Partial<AppApi> = {
    estimate: (_config, plan) => {
      plans.push(plan);
      return Promise.resolve(estimate);
    },
  };
  const { code, out } = await run(["request", "--all", "--full", "--dry-run"], { app });
  assert.equal(code, 0);
  assert.equal(
    out,
    `5400 messages, 2912 provider calls, about 2 days; nothing was done
  missing: 16000000 trading days of all codes
  the stock list does not have 999999.SH (1)
  no provider of the chain has it of 000001.SH (1)
  tushare daily: 2900 calls at 190 in any minute, about 15 minutes
  tushare stk_mins: 12 calls at 190 in any minute, about 2 days; the account has 5 a day, 3 used
  lists of suspensions for days that come back empty are not counted
`,
  );
  assert.deepEqual(
    plans.map(({ codes, range }) => [codes, range.full]),
    [["all", true]],
  );
  const json = await run(["request", "--all", "--dry-run", "--json"], { app });
  assert.deepEqual(JSON.parse(json.out), JSON.parse(JSON.stringify(estimate)));
  const both = await run(["request", "--all", "--dry-run", "--wait"], { app });
  assert.deepEqual([both.code, both.loads], [64, 0]);
  assert.match(both.err, /leave --wait out/);
});
