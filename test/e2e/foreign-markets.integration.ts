import assert from "node:assert/strict";
import test from "node:test";

import { app } from "../../src/app.ts";
import { systemClock } from "../../src/base/clock.ts";
import { addDays, dayAt, SHANGHAI } from "../../src/domain/day.ts";
import { MARKETS, marketOf } from "../../src/domain/market.ts";
import { parseSecurityCode } from "../../src/domain/security-code.ts";
import { sizes } from "../support/sizes.ts";
import { run } from "../support/run-cli.ts";
import { milliText, centsText } from "./provider-truth.ts";
import { openProvidersRig } from "./providers-rig.ts";

const TO = addDays(dayAt(systemClock.now(), SHANGHAI), -3);

test("Hong Kong and New York: trading days from the index, raw prices over splits, days in their own zone, and coverage says so", async (t) => {
  await using rigs = await openProvidersRig(t, {
    market: { seed: sizes.seed, codes: 4, tradingDays: 5, to: TO },
    foreign: { seed: sizes.seed, tradingDays: sizes.days * 2, to: TO },
    chain: "akshare,yahoo",
  });
  if (rigs === undefined) {
    return;
  }
  const { rig, foreign, yahoo } = rigs;
  const worker = rig.start();
  const codes = foreign.securities.map(({ code }) => code).filter((code) => !code.startsWith("^"));
  const from = foreign.days("HK")[0];
  await rig.publish(
    codes.map((code) => ({
      key: code,
      value: { command: "bar_snapshot", params: { code, start_date: from, adjust_type: "hfq", provider: "yahoo" } },
    })),
  );
  await rig.untilSettled(codes.length, 60_000);
  assert.equal((await rig.messagesOf(`${rig.config.worker.topic}.dlq`)).length, 0, "dead letters");

  const splits = codes.filter((code) => foreign.history(code)?.actions.some(({ kind }) => kind === "split"));
  assert.ok(splits.length > 0, "a split is among the events");
  const found = await rig.select<{ readonly line: string }>(
    `SELECT concat(toString(code), ' ', toString(trading_day), ' ', zone, ' ', toString(open), ' ', toString(high), ' ', toString(low), ' ',
      toString(close), ' ', toString(volume)) AS line FROM @bar_row FINAL WHERE frequency = 1`,
  );
  const truth = codes.flatMap((code) => {
    const history = foreign.history(code);
    const market = marketOf(parseSecurityCode(code));
    const text = history?.security.decimals === 2 ? centsText : milliText;
    return (history?.bars ?? [])
      .filter(({ day }) => from === undefined || day >= from)
      .map((bar) =>
        [code, bar.day, MARKETS[market].zone, ...[bar.open, bar.high, bar.low, bar.close].map(text), bar.volume].join(
          " ",
        ),
      );
  });
  assert.deepEqual(found.map(({ line }) => line).toSorted(), truth.toSorted());

  for (const market of ["HK", "US"] as const) {
    const days = await rig.select<{ readonly day: string }>(
      `SELECT toString(trading_day) AS day FROM @trade_day_row FINAL WHERE market = ${MARKETS[market].number} AND is_open ORDER BY day`,
    );
    assert.deepEqual(
      days.map(({ day }) => day),
      foreign.days(market),
      `trading days of ${market}`,
    );
    const said = await run(["coverage", "--of", market], { app, env: rig.env });
    assert.match(said.err, /trading days are the days on which the index of .* has a bar, known to/);
    assert.equal(said.code, 0, said.out + said.err);
  }

  // A second time nothing is asked for: also the calendars are known.
  const before = yahoo.requests.length;
  await rig.publish(
    codes.map((code) => ({ key: code, value: { command: "bar_snapshot", params: { code, start_date: from } } })),
  );
  await rig.untilSettled(2 * codes.length, 60_000);
  assert.equal(yahoo.requests.length, before);
  await worker.stop();
});
